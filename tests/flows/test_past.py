"""What came in about a document is told with what it did, and with why not. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.flows.explaining.past import Effect, HeardDelivery, PastEntry, effects, entries, hashes
from ingest.store.claiming import ClaimedDelivery
from ingest.store.explaining import KeptDelivery, KeptEvent, ToldRow
from ingest.store.outbox import FIELDS

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(minute: int) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def heard(
    id_: int,
    settled: int | None,
    rank: str | None = None,
    *,
    status: str = "processed",
    reason: str = "applied",
    keys: tuple[str, ...] = (),
    asks: bool = False,
) -> HeardDelivery:
    row = ClaimedDelivery(id_, "linear", "c", f"key-{id_}", {}, b"", 1, 0, at(0))
    ends = None if settled is None else at(settled)
    return HeardDelivery(KeptDelivery(row, status, reason, None, ends), rank, asks, keys)


def told(minute: int, said: str, transaction: int, *fields: str, content: str = "a") -> ToldRow:
    bits = sum(1 << FIELDS.index(name) for name in fields)
    return ToldRow(at(minute), transaction, said, "ENG-1", content, "config", bits)


def past(
    said: list[HeardDelivery],
    made: list[Effect],
    events: tuple[KeptEvent, ...] = (),
    since: int = 0,
) -> list[tuple[Any, ...]]:
    found = entries(said, events, made, kept_since=at(since))
    return [(one.delivery_id or one.by, one.did, one.why) for one in found]


def test_a_transaction_is_one_effect_with_the_columns_that_changed() -> None:
    made = effects(
        [
            told(1, "added", 7),
            told(1, "cut", 7),
            told(2, "changed", 8, "source_metadata"),
            told(2, "changed", 8, "content_hash", "source_metadata", content="b"),
            told(2, "cut", 8, content="b"),
            told(3, "hidden", 9, content="b"),
            told(4, "deleted", 10, content="b"),
        ]
    )
    assert [(e.at, e.did, e.changed) for e in made] == [
        (at(1), "created", ()),
        (at(2), "updated", ("source_metadata", "content_hash", "chunks")),
        (at(3), "hidden", ()),
        (at(4), "deleted", ()),
    ]


def test_what_went_and_came_back_in_one_transaction_is_there() -> None:
    (made,) = effects([told(1, "deleted", 7), told(1, "added", 7, content="b")])
    assert (made.did, made.content_hash) == ("created", "b")


def test_a_change_is_put_down_to_what_bears_its_time() -> None:
    made = effects([told(1, "added", 7), told(3, "changed", 8, "content_hash", content="b")])
    assert past([heard(1, 1, "1"), heard(2, 3, "2"), heard(3, 4, "2")], made) == [
        (1, "created", "applied"),
        (2, "updated", "applied"),
        (3, "unchanged", "applied"),
    ]


def test_of_one_transaction_only_the_newest_word_is_what_counted() -> None:
    made = effects([told(1, "added", 7)])
    assert past([heard(1, 1, "1"), heard(2, 1, "3"), heard(3, 1, "2")], made) == [
        (1, "stale", "delivery 2 tells of a newer version"),
        (2, "created", "applied"),
        (3, "stale", "delivery 2 tells of a newer version"),
    ]


def test_what_is_older_than_what_was_told_before_is_stale() -> None:
    """But not by what came after it, nor by what was skipped."""
    late = heard(3, 3, "2")
    skipped = heard(2, 2, "9", status="skipped", reason="no token")
    made = effects([told(1, "added", 7)])
    assert past([heard(1, 1, "5"), skipped, late, heard(4, 4, "9")], made)[1:3] == [
        (2, "skipped", "no token"),
        (3, "stale", "delivery 1 tells of a newer version"),
    ]


@pytest.mark.parametrize(
    ("one", "did", "why"),
    [
        (heard(1, None, status="pending", reason="waits for a look-up"), "waiting", "waits for"),
        (heard(1, 1, status="dead", reason="$.id is missing"), "dead", "$.id is missing"),
        (heard(1, 1, status="duplicate", reason="recorded already"), "duplicate", "recorded"),
        (heard(1, 1, reason="stale: a newer change is known"), "stale", "a newer change"),
        (heard(1, 1, asks=True), "unchanged", "had it looked up"),
    ],
)
def test_what_changed_nothing_says_why(one: HeardDelivery, did: str, why: str) -> None:
    ((_, is_, said),) = past([one], [])
    assert is_ == did
    assert why in said


def test_before_what_the_change_feed_keeps_nothing_is_claimed() -> None:
    assert past([heard(1, 1), heard(2, 6)], [], since=5) == [
        (1, "unknown", "applied; before what the change feed keeps"),
        (2, "unchanged", "applied"),
    ]


def test_a_replayed_delivery_keeps_the_time_of_its_event() -> None:
    made = effects([told(1, "added", 7)])
    event = KeptEvent("e1", "key-1", "processed", at(1), {})
    again = heard(1, 9, "1", reason="the event is recorded already", keys=("e1",))
    assert past([again], made, (event,)) == [(1, "created", "the event is recorded already")]


def test_what_no_delivery_did_is_told_too() -> None:
    made = effects(
        [
            told(1, "added", 7),
            told(2, "changed", 8, "relationships"),
            told(3, "changed", 9, "config_hash"),
        ]
    )
    listed = KeptEvent("e1", "sync:x:1", "processed", at(1), {})
    assert [one[:2] for one in past([], made, (listed,))] == [
        ("sync", "created"),
        ("binding", "updated"),
        ("program", "updated"),
    ]


def test_the_history_of_hashes_has_each_pair_once_and_who_brought_it() -> None:
    made = effects(
        [
            told(1, "added", 7),
            told(2, "changed", 8, "relationships"),
            told(3, "changed", 9, "content_hash", content="b"),
        ]
    )
    came = entries([heard(1, 1), heard(2, 3)], (), made, kept_since=at(0))
    found = hashes(made, came, ("b", "config"))
    assert [(h.at, h.content_hash, h.deliveries) for h in found] == [
        (at(1), "a", (1,)),
        (at(3), "b", (2,)),
    ]


def test_a_hash_of_before_what_is_kept_has_no_time() -> None:
    nothing: list[PastEntry] = []
    (found,) = hashes([], nothing, ("a", None))
    assert (found.at, found.content_hash) == (None, "a")
