"""When a document was created: the earliest that is told, whatever comes first or once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.changes import Upsert
from ingest.core.dating import Dates, dated
from ingest.core.folding import LedgerRow, Statement, decide
from ingest.core.identity import Identity
from ingest.core.ranks import Seen, Told, rank

THING = Identity("vercel", "api.vercel.com", "deployment", "dpl_1")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UNKNOWN = LedgerRow("i", "d", "s", "vercel", "api.vercel.com", "deployment", "dpl_1", "slug")

times = st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes))
words = st.lists(
    st.builds(Dates, heard_at=times, created_at=st.none() | times, rank=st.sampled_from("abcdef")),
    min_size=1,
    max_size=5,
    unique_by=lambda word: word.rank,
)


def said(
    version: int, minute: int | None, *, fence: int | None = None, revision: int = 1
) -> Statement:
    """A word of a version that has this time, told, or seen where it has a fence."""
    created_at = None if minute is None else NOON + timedelta(minutes=minute)
    change = Upsert(THING, version, "dpl_1", "t", "b", {}, created_at=created_at)
    origin = Told(f"{version}") if fence is None else Seen(fence)
    place = rank(change, origin)
    return Statement(change, place, "c", revision=revision, heard_at=NOON + timedelta(hours=1))


def shown(statements: Sequence[Statement], row: LedgerRow = UNKNOWN) -> datetime | None:
    """The document's time after these words, one batch each."""
    for one in statements:
        row = decide(row, [one]).row
    return row.dates.shown


@given(words)
def test_any_order_of_words_ends_in_the_earliest_time(told: list[Dates]) -> None:
    known = [word.created_at for word in told if word.created_at is not None]
    heard = min(word.heard_at for word in told if word.heard_at is not None)
    for order in permutations(told):
        dates = Dates()
        for word in order:
            dates = dated(dates, [word])
        assert dates == dated(Dates(), order)
        assert (dates.created_at, dates.heard_at) == (min(known, default=None), heard)
        assert dates.shown == min(known, default=heard)


def test_a_later_state_does_not_move_it() -> None:
    """Bug: `deployment.ready` of a minute later took the place of `deployment.created`."""
    created, ready, timeless = said(3, 26), said(4, 27), said(5, None)
    for order in permutations([created, ready, timeless]):
        assert shown(order) == NOON + timedelta(minutes=26)


def test_a_look_up_knows_an_earlier_one_and_is_never_undone() -> None:
    created, ready, looked_up = said(3, 26), said(4, 27), said(4, 25, fence=7)
    for order in permutations([created, ready, looked_up]):
        assert shown(order) == NOON + timedelta(minutes=25)


def test_the_same_words_read_better_say_another_time() -> None:
    misread, better = said(3, 10), said(3, 20, revision=2)
    assert shown([misread, better]) == NOON + timedelta(minutes=20)
    assert shown([better, misread]) == NOON + timedelta(minutes=20)


def test_what_newer_code_sees_counts_alone() -> None:
    misread = said(4, 10, fence=7)
    again = said(4, 20, fence=8, revision=2)
    assert shown([misread, again]) == NOON + timedelta(minutes=20)
    timeless = said(4, None, fence=9, revision=2)
    assert shown([misread, timeless]) == NOON + timedelta(minutes=10)
