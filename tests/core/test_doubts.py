"""What only a look-up can tell, what a mere 404 deletes, how small a stream of patches stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.core.changes import Change, Delete, Field, Patch, Upsert, Withdraw
from ingest.core.folding import (
    DELETED,
    LIVE,
    LedgerRow,
    Statement,
    decide,
    ground,
    is_doubtful,
    lifts,
)
from ingest.core.ranks import Origin, Seen, Told, made, rank
from tests.core.test_folding import NOTHING_KNOWN, THING, upsert


def said(change: Change, origin: Origin | None = None) -> Statement:
    """Told in a body that says nothing else, or seen."""
    place = rank(change, origin or Told(made(change)))
    return Statement(change, place, "all", not isinstance(change, Withdraw), made=made(change))


def after(*statements: Statement, row: LedgerRow = NOTHING_KNOWN) -> LedgerRow:
    """The ledger after these words, one by one."""
    for statement in statements:
        (grounded,) = ground(row, [statement])
        row = decide(row, [grounded]).row
    return row


GONE = Delete(THING, version=None)
OTHER = replace(upsert(3), title="another title")


def test_a_deletion_that_was_merely_seen_keeps_the_last_known_version() -> None:
    row = after(said(upsert(3)), said(GONE, Seen(7)))
    assert row.state == DELETED
    assert row.rank is not None
    assert row.rank.startswith(f"{3:020d}.1.{7:019d}.")
    assert after(said(upsert(3)), row=row).state == DELETED
    assert after(said(upsert(4)), row=row).state == LIVE


def test_seen_gone_before_anything_was_told_stands_above_version_zero() -> None:
    row = after(said(GONE, Seen(7)))
    assert (row.state, str(row.rank)[:22]) == (DELETED, f"{0:020d}.1")


def test_of_two_sights_the_later_fence_knows_better() -> None:
    assert after(said(GONE, Seen(7)), said(upsert(0), Seen(8))).state == LIVE
    assert after(said(upsert(0), Seen(8)), said(GONE, Seen(7))).state == LIVE
    assert after(said(upsert(0), Seen(7)), said(GONE, Seen(8))).state == DELETED


def test_a_deletion_in_one_batch_with_what_it_was_seen_of_stands_above_it() -> None:
    batch = ground(NOTHING_KNOWN, [said(GONE, Seen(7)), said(upsert(3))])
    assert decide(NOTHING_KNOWN, batch).row.state == DELETED


@pytest.mark.parametrize(
    ("known", "told", "doubtful"),
    [
        (said(upsert(3)), said(OTHER), True),
        (said(upsert(3)), said(upsert(3)), False),
        (said(upsert(3)), said(upsert(4)), False),
        (said(upsert(3)), said(upsert(2)), False),
        (said(upsert(3)), said(Delete(THING, 3)), True),
        (said(upsert(3), Seen(7)), said(upsert(3)), False),
        (said(upsert(3), Seen(7)), said(OTHER), True),
        (said(upsert(3)), said(OTHER, Seen(7)), False),
        (said(GONE, Seen(7)), said(upsert(3)), True),
        (said(Delete(THING, 3)), said(upsert(4)), False),
        (said(Delete(THING, 3, final=True)), said(upsert(3)), False),
        (said(upsert(3)), said(Patch(THING, 3, {"count": Field(1, "max")})), False),
        (said(upsert(3)), said(Withdraw(THING, 3)), False),
    ],
)
def test_a_doubt_is_another_word_of_one_version_or_one_that_lifts_what_was_seen_gone(
    known: Statement, told: Statement, *, doubtful: bool
) -> None:
    assert is_doubtful(after(known), told) is doubtful


def test_two_words_of_one_version_in_one_batch_are_doubtful_too() -> None:
    one, two = said(upsert(3)), said(OTHER)
    assert is_doubtful(NOTHING_KNOWN, one, [one, two])
    assert not is_doubtful(NOTHING_KNOWN, one, [one, one])


def test_only_a_told_newer_upsert_lifts_what_was_seen_gone() -> None:
    row = after(said(upsert(3)), said(GONE, Seen(7)))
    assert lifts(row, said(upsert(4)))
    assert not lifts(row, said(upsert(3)))
    assert not lifts(row, said(upsert(4), Seen(8)))
    assert not lifts(after(said(Delete(THING, 3))), said(upsert(4)))


def test_what_is_withdrawn_is_fed_no_more_and_comes_back_when_it_is_wanted() -> None:
    row = after(said(upsert(0), Seen(7)))
    taken = decide(row, [said(Withdraw(THING, 0), Seen(8))])
    assert not taken.row.fed
    assert (taken.row.state, taken.deleted, taken.whole) == (LIVE, False, None)
    again = decide(taken.row, [said(upsert(0), Seen(9))], taken.feeds)
    assert again.row.fed


def test_a_stream_of_errors_stays_as_small_as_what_it_told() -> None:
    row = NOTHING_KNOWN
    for second in range(200):
        fields = {
            "firstSeen": Field("2026-03-02T00:00:00Z", "min"),
            "lastSeen": Field(f"2026-03-02T00:{second // 60:02d}:{second % 60:02d}Z", "max"),
            "releases": Field([f"1.{second % 3}"], "union"),
        }
        row = after(said(Patch(THING, 1000 + second, fields)), row=row)
    assert row.patches is not None
    kept = row.patches["patches"]
    assert isinstance(kept, list)
    assert len(kept) <= 4
    whole: Upsert = upsert(7)
    metadata = decide(row, [said(whole)]).metadata
    assert metadata == {
        "version": 7,
        "firstSeen": "2026-03-02T00:00:00Z",
        "lastSeen": "2026-03-02T00:03:19Z",
        "releases": ["1.0", "1.1", "1.2"],
    }
