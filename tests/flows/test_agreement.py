"""Connections of one account that feed one store want the same of what they share, or are refused.

Bug: two Zendesk connections, one of them with internal notes: the last look-up of a ticket decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.values import JSON
from ingest.flows.connections import agreement
from ingest.flows.connections.connect import connect_source
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.flows.doctor import Finding, State, Surroundings, look_at_connections
from ingest.sources.registry import source
from ingest.store.engine import transaction
from tests import factories
from tests.factories import METADATA, OURS, make_store

pytestmark = pytest.mark.integration

DIFFERENT: Mapping[str, tuple[Mapping[str, JSON], Mapping[str, JSON]]] = {
    "github": ({"branch": "next"}, {}),
    "zendesk": ({"includePrivateNotes": True}, {"includePrivateNotes": False}),
}
each = pytest.mark.parametrize("source_type", DIFFERENT)


def connect(engine: sa.Engine, source_type: str, more: Mapping[str, JSON], *store_ids: str) -> str:
    return connect_source(
        engine,
        source(source_type).descriptor,
        name=source_type,
        metadata={**METADATA[source_type], **more},
        store_ids=store_ids,
        secrets={},
        vault=None,
    )


def findings(engine: sa.Engine) -> list[Finding]:
    around = Surroundings(app_wide={}, clients=None)
    return [one for one in look_at_connections(engine, around) if one.check.endswith("documents")]


def test_what_shapes_documents_is_told_by_every_source_that_has_such_a_field() -> None:
    shaped = {name for name in OURS if source(name).descriptor.shaped_by(METADATA[name])}
    assert shaped == set(DIFFERENT)


@each
def test_a_second_one_that_wants_otherwise_is_refused_with_the_field_and_the_remedy(
    engine: sa.Engine, source_type: str
) -> None:
    one, other = DIFFERENT[source_type]
    shared, apart = make_store(engine, "shared"), make_store(engine, "apart")
    first = connect(engine, source_type, one, shared)
    with pytest.raises(BadInput) as refused:
        connect(engine, source_type, other, shared)
    said = str(refused.value)
    assert all(word in said for word in (first, "shared", next(iter(one)), agreement.REMEDY))
    connect(engine, source_type, other, apart)
    with pytest.raises(BadInput, match="the very same"):
        connect(engine, source_type, one, shared)
    assert findings(engine) == []


@each
def test_one_that_is_disconnected_or_of_another_account_wants_nothing(
    engine: sa.Engine, source_type: str
) -> None:
    one, other = DIFFERENT[source_type]
    shared = make_store(engine, "shared")
    tenant = {"github": "githubRepoId", "zendesk": "zendeskAccountId"}[source_type]
    connect(engine, source_type, {**one, tenant: "777"}, shared)
    disconnect_source(engine, connect(engine, source_type, one, shared))
    connect(engine, source_type, other, shared)
    assert findings(engine) == []


@each
def test_of_two_at_once_that_differ_one_is_refused(engine: sa.Engine, source_type: str) -> None:
    shared = make_store(engine, "shared")

    def is_refused(more: Mapping[str, JSON]) -> bool:
        try:
            connect(engine, source_type, more, shared)
        except BadInput:
            return True
        return False

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(is_refused, DIFFERENT[source_type])) == [False, True]


@each
def test_those_from_before_are_told_by_the_doctor(engine: sa.Engine, source_type: str) -> None:
    shared = make_store(engine, "shared")
    for more in DIFFERENT[source_type]:
        factories.connect(engine, source_type, more, stores=[shared])
    found = findings(engine)
    assert [(one.state, one.remedy) for one in found] == [(State.FAILED, agreement.REMEDY)] * 2
    with transaction(engine) as conn:
        descriptor = source(source_type).descriptor
        assert not list(agreement.conflicts(conn, descriptor, METADATA[source_type], ["nowhere"]))
