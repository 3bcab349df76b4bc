"""Bindings that a dead worker left: a bounded number at a time, and what is too dear once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.core.errors import Costly
from ingest.flows.documents.bind import _patiently, bind_pending, note_keys
from ingest.flows.documents.keys import named
from ingest.store import binding
from ingest.store.engine import transaction

pytestmark = pytest.mark.integration

_OLDER = sa.text("""
INSERT INTO lightfast_pending_bindings (keys) VALUES
  ('[{"store_id": "store-1", "source_type": "linear", "key": "ENG-1", "guarded": true}]')
""")
_LEFT = sa.text("""
SELECT (SELECT count(*) FROM lightfast_pending_bindings)
     + (SELECT count(*) FROM lightfast_binding_notes)
""")


def test_some_notes_are_bound_in_one_transaction(engine: sa.Engine) -> None:
    """Bug: each minute all references of everybody's without a target were looked at."""
    for number in range(binding.AT_ONCE + 3):
        with transaction(engine) as conn:
            note_keys(conn, {named("store-1", "linear", f"ENG-{number}")})
    for expected in (binding.AT_ONCE, 3, 0):
        with transaction(engine) as conn:
            notes = binding.pending(conn)
            binding.done(conn, notes)
        assert len(notes) == expected


def test_notes_of_an_older_version_are_bound_too(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        conn.execute(_OLDER)
    bind_pending(engine)
    with transaction(engine) as conn:
        assert conn.execute(_LEFT).scalar_one() == 0


def test_what_is_too_dear_is_not_run_again(engine: sa.Engine) -> None:
    """Bug: a thing that a million point at held its worker up for five times a minute."""
    runs: list[int] = []

    def dear(conn: sa.Connection) -> None:
        runs.append(1)
        raise Costly("too long")

    _patiently(engine, dear)
    assert len(runs) == 1
