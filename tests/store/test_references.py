"""Bindings that a dead worker left: a bounded number at a time, and what is too dear once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.core.errors import Costly
from ingest.flows.documents.bind import _patiently
from ingest.store import references
from ingest.store.engine import transaction
from ingest.store.references import Owned

pytestmark = pytest.mark.integration


def test_some_notes_are_bound_in_one_transaction(engine: sa.Engine) -> None:
    """Bug: each minute all references of everybody's without a target were looked at."""
    for number in range(references.AT_ONCE + 3):
        with transaction(engine) as conn:
            references.note(conn, [Owned("store-1", "linear", f"ENG-{number}")])
    with transaction(engine) as conn:
        assert references.bind_pending(conn) == references.AT_ONCE
    with transaction(engine) as conn:
        assert references.bind_pending(conn) == 3
        assert references.bind_pending(conn) == 0


def test_what_is_too_dear_is_not_run_again(engine: sa.Engine) -> None:
    """Bug: a thing that a million point at held its worker up for five times a minute."""
    runs: list[int] = []

    def dear(conn: sa.Connection) -> None:
        runs.append(1)
        raise Costly("too long")

    _patiently(engine, dear)
    assert len(runs) == 1
