"""What a provider does not show yet is asked for again, a few times and further apart."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ingest.core.changes import Change, Delete, Refresh, Upsert, Withdraw
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.later import WAITS_S, caught_up, fresh, later

THING = Identity("linear", "org", "issue", "i-1")


def asked(**hint: JSON) -> Lookup:
    return Lookup(THING, hint, raw={})


def test_it_is_asked_for_a_bounded_number_of_times() -> None:
    hint, waits = {**fresh(), "teamId": "t"}, []
    while found := later(Lookup(THING, hint)):
        (refresh,) = found
        waits.append(refresh.after_s)
        assert refresh.hint["teamId"] == "t"
        hint = dict(refresh.hint)
    assert tuple(waits) == WAITS_S
    assert all(one < other for one, other in pairwise(waits))


def test_what_no_event_tells_is_not_asked_for_unless_it_is_new() -> None:
    assert later(asked()) == ()
    assert len(later(asked(), is_new=True)) == 1
    assert later(asked(again=len(WAITS_S)), is_new=True) == ()
    for junk in (-1, True, "0", None, 0.5):
        assert later(asked(again=junk)) == ()


@pytest.mark.parametrize(
    ("told", "change", "is_behind"),
    [
        (5, Upsert(THING, 4, "k", "t", "b", {}), True),
        (5, Upsert(THING, 5, "k", "t", "b", {}), False),
        (5, Upsert(THING, 6, "k", "t", "b", {}), False),
        (None, Upsert(THING, 4, "k", "t", "b", {}), False),
        (5, Delete(THING, 4), True),
        (5, Delete(THING, None), False),
        (5, Withdraw(THING, 4), False),
    ],
)
def test_what_is_older_than_the_event_is_asked_for_again(
    told: int | None, change: Change, is_behind: bool
) -> None:
    said = caught_up(Lookup(THING, fresh(told)), (change,))
    assert said[0] == change
    assert [type(one) for one in said[1:]] == ([Refresh] if is_behind else [])


@pytest.mark.parametrize("is_there", [True, False, None])
@pytest.mark.parametrize("change", [Upsert(THING, 5, "k", "t", "b", {}), Delete(THING, None)])
def test_what_is_shown_as_if_it_had_not_come_or_gone_is_asked_for_again(
    is_there: bool | None, change: Upsert | Delete
) -> None:
    said = caught_up(Lookup(THING, fresh(is_there=is_there)), (change,))
    assert len(said) == 1 + (is_there is not None and is_there == isinstance(change, Delete))


def test_only_the_object_itself_can_be_behind() -> None:
    child = Identity("linear", "org", "comment", "c-1")
    changes = (Upsert(THING, 5, "k", "t", "b", {}), Upsert(child, 1, "c", "t", "b", {}))
    assert caught_up(Lookup(THING, fresh(5)), changes) == changes
