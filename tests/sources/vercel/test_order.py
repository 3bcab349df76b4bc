"""In any order, and repeated, a deployment's events end in one and the same document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.canonical import digest
from ingest.core.changes import Change, Upsert
from ingest.core.folding import DELETED, LIVE, LedgerRow, Statement, decide
from ingest.core.ranks import Origin, Seen, Told, rank
from ingest.core.values import JSON
from tests.sources.vercel.deliveries import as_the_api, body, seen, told

LIFE = (
    "deployment.created",
    "deployment.ready",
    "deployment.succeeded",
    "deployment.error",
    "deployment.canceled",
    "deployment.promoted",
)
NOTHING_KNOWN = LedgerRow("i", "d", "store", "vercel", "host", "deployment", "1", "slug")


@dataclass
class Row:
    """What a database would hold of the deployment."""

    ledger: LedgerRow = NOTHING_KNOWN
    whole: Upsert | None = None
    metadata: Mapping[str, JSON] | None = None

    def hear(self, batch: Sequence[Statement]) -> None:
        decision = decide(self.ledger, batch, (), self.metadata)
        self.ledger = decision.row
        if decision.deleted:
            self.whole = self.metadata = None
        if decision.whole is not None:
            self.whole = replace(decision.whole, aliases=())
        if decision.metadata is not None:
            self.metadata = decision.metadata


def heard(batches: Iterable[Sequence[Statement]]) -> Row:
    row = Row()
    for batch in batches:
        row.hear(batch)
    return row


def statements(changes: Iterable[Change], origin: Origin) -> list[Statement]:
    return [Statement(change, rank(change, origin), "connection") for change in changes]


def events(*names: str) -> list[list[Statement]]:
    return [statements(told(name), Told(digest(body(name)))) for name in names]


@pytest.mark.parametrize("order", list(permutations(LIFE[:4])))
def test_any_order_of_a_life_ends_in_one_row(order: tuple[str, ...]) -> None:
    assert heard(events(*order)) == heard(events(*LIFE[:4]))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_order_repetition_and_batches_end_in_one_row(data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(LIFE), min_size=1, unique=True))
    expected = heard(events(*some))
    again = data.draw(st.lists(st.sampled_from(some), max_size=3))
    order = data.draw(st.permutations([*some, *again]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order)))) | {0, len(order)})
    batches = [[s for name in order[a:b] for s in events(name)[0]] for a, b in pairwise(cuts)]
    assert heard(batches) == expected


def test_created_after_ready_takes_nothing_back_and_still_tells_when() -> None:
    row = heard(events("deployment.ready", "deployment.created"))
    assert row.metadata is not None
    assert row.metadata["status"] == "READY"
    assert row.metadata["createdAt"] == "2026-03-02T10:00:00.000Z"
    assert row.metadata["readyAt"] == "2026-03-02T10:01:30.000Z"


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        ("deployment.error", "deployment.ready", "ERROR"),
        ("deployment.canceled", "deployment.ready", "CANCELED"),
        ("deployment.canceled", "deployment.error", "ERROR"),
        ("deployment.succeeded", "deployment.error", "READY"),
        ("deployment.promoted", "deployment.error", "READY"),
    ],
)
def test_the_table_tells_which_end_holds(one: str, other: str, status: str) -> None:
    for order in ((one, other), (other, one)):
        row = heard(events(*order))
        assert row.metadata is not None
        assert row.metadata["status"] == status


@pytest.mark.parametrize("order", list(permutations((*LIFE[:3], "deployment.cleanup"))))
def test_a_cleanup_holds_whenever_it_comes(order: tuple[str, ...]) -> None:
    row = heard(events(*order))
    assert row.ledger.state == DELETED
    assert row.ledger.patches is None
    assert row.whole is None


@pytest.mark.parametrize("order", list(permutations(("told", "seen early", "seen late"))))
def test_the_last_look_up_holds_whatever_was_told(order: tuple[str, ...]) -> None:
    payload = body("deployment.created")
    early = seen(as_the_api(payload, "BUILDING"))
    late = seen(as_the_api(payload, "READY", ready=payload["createdAt"] + 85_000))
    stream = {
        "told": events("deployment.ready")[0],
        "seen early": statements([early], Seen(1)),
        "seen late": statements([late], Seen(2)),
    }
    row = heard(stream[name] for name in order)
    assert row.ledger.state == LIVE
    assert row.whole == replace(late, aliases=())
    assert row.metadata == late.metadata


def test_a_look_up_that_sees_another_end_than_was_told_holds() -> None:
    payload = body("deployment.promoted")
    failed = seen(as_the_api(payload, "ERROR", errorCode="BUILD_FAILED"))
    row = heard([statements([failed], Seen(1)), *events("deployment.promoted")])
    assert row.metadata is not None
    assert row.metadata["status"] == "ERROR"
