"""Any order of arrival, with look-ups in between, ends in one row: folding what Sentry tells."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, permutations
from typing import Any

from ingest.core.canonical import digest
from ingest.core.changes import Change, Refresh, Upsert
from ingest.core.folding import LedgerRow, Statement, decide
from ingest.core.ranks import Seen, Told, rank
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.sentry import SOURCE
from tests.sources.sentry.deliveries import CONNECTION, data, identity, said, told, told_change

SENT_AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
_NAMES = ["issue.created", "issue.resolved", "issue.ignored", "error.created", "error.created.old"]


def _row() -> LedgerRow:
    return LedgerRow("an identity", "d", "s", "sentry", "sentry.io", "issue", "1", "slug")


def _end(changes: list[tuple[Change, str]]) -> tuple[LedgerRow, JSON]:
    """One batch for each change: the ledger's row and the document's metadata."""
    row, stored = _row(), None
    for change, ranked in changes:
        decision = decide(row, [Statement(change, ranked, "c")], stored=stored)
        row = decision.row
        stored = stored if decision.metadata is None else dict(decision.metadata)
    return row, stored


def _told(name: str) -> list[tuple[Change, str]]:
    return _ranked(told(name))


def _ranked(fixture: dict[str, Any]) -> list[tuple[Change, str]]:
    origin = Told(digest(fixture["body"]))
    return [(change, rank(change, origin)) for change in said(fixture).untokened]


def _seen() -> tuple[Change, str]:
    assert SOURCE.documents is not None
    raw: JSON = {
        "issue": {**data("issue.resolved")["issue"], "count": "44"},
        "tags": {"environment": ["staging", "production"], "release": ["web@4.2.0"]},
    }
    found = SOURCE.documents(
        Lookup(identity(), raw=raw, sent_at=SENT_AT, hint={}, connection=CONNECTION)
    )[0]
    assert not isinstance(found, Refresh)
    return found, rank(found, Seen(1))


def test_without_a_token_every_order_of_what_is_told_ends_the_same() -> None:
    tellings = [_told(name) for name in _NAMES]
    ends = [_end([*chain.from_iterable(order)]) for order in permutations(tellings)]
    assert all(end == ends[0] for end in ends)


def test_what_a_look_up_saw_stands_above_all_that_was_told_before() -> None:
    tellings = [*(_told(name) for name in _NAMES[1:]), [_seen()]]
    ends = [_end([*chain.from_iterable(order)]) for order in permutations(tellings)]
    assert all(end == ends[0] for end in ends)
    row, metadata = ends[0]
    assert row.patches is None
    assert isinstance(metadata, dict)
    assert metadata["count"] == 44
    assert metadata["environments"] == ["production", "staging"]


def test_events_alone_make_an_issue_in_any_order() -> None:
    later = told("error.created")
    later["body"]["data"]["error"] |= {"datetime": "2026-03-05T00:00:00Z", "title": "Late again"}
    later["headers"]["sentry-hook-timestamp"] = "1772668801"
    newest = _ranked(later)
    tellings = [
        *map(_told, ["error.created", "error.created.old", "event_alert.triggered"]),
        newest,
    ]
    ends = [_end([*chain.from_iterable(order)]) for order in permutations(tellings)]
    assert all(end == ends[0] for end in ends)
    row, metadata = ends[0]
    assert row.state == "live"
    assert row.rank == max(telling[0][1] for telling in tellings) > newest[0][1]
    assert isinstance(metadata, dict)
    assert metadata["firstSeen"] == "2026-03-01T19:02:11.480000Z"
    assert metadata["lastSeen"] == "2026-03-05T00:00:00Z"


def test_an_event_of_the_same_second_is_laid_over_the_issue() -> None:
    fixture = told("issue.created")
    fixture["headers"]["sentry-hook-timestamp"] = "1772391733"
    issue = told_change(fixture)
    assert isinstance(issue, Upsert)
    _, metadata = _end([*_told("error.created"), (issue, rank(issue))])
    assert isinstance(metadata, dict)
    assert metadata["environments"] == ["production"]
    assert metadata["lastSeen"] == "2026-03-01T19:02:11.480000Z"
    assert metadata["firstSeen"] == "2026-02-27T08:15:30Z"
