"""What something is called by now: a function of all that was told, whatever came first."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.naming import NameTold, current, merged

names = st.sampled_from(["acme/one", "acme/two", "acme/three", "acme/four"])
plain = st.builds(NameTold, names, st.just(""), st.integers(0, 9), st.sampled_from([0, 0, 3, 7]))
renames = st.builds(NameTold, names, names, st.integers(0, 9), st.integers(0, 9))
tellings = st.lists(st.one_of(plain, renames.filter(lambda r: r.name != r.before)), max_size=8)


@given(tellings, st.randoms())
def test_any_order_and_any_repetition_gives_one_name(told: list[NameTold], luck: Random) -> None:
    again = [*told, *told[: len(told) // 2]]
    luck.shuffle(again)
    assert current(again) == current(told)
    assert current(merged(again)) == current(told)


@given(tellings)
def test_the_name_is_one_that_was_told(told: list[NameTold]) -> None:
    every = {one.name for one in told} | {one.before for one in told if one.before}
    assert current(told) in every if told else current(told) is None


@given(st.permutations(["acme/a", "acme/b", "acme/c", "acme/d"]), st.data())
def test_a_chain_of_renames_ends_in_its_last_name(chain: list[str], data: st.DataObject) -> None:
    """Payloads of any time under the former names come late and change nothing."""
    told = [NameTold(after, before) for before, after in pairwise(chain)]
    late = data.draw(st.lists(st.builds(NameTold, st.sampled_from(chain), at=st.integers(0, 99))))
    assert current([*told, *late]) == chain[-1]


def test_where_no_rename_was_told_the_newest_time_decides() -> None:
    assert current([NameTold("acme/one", at=1), NameTold("acme/two", at=5)]) == "acme/two"
    assert current([NameTold("acme/one", at=9), NameTold("acme/two", at=5)]) == "acme/one"


def test_a_name_that_came_back_is_told_by_its_time() -> None:
    there, back = NameTold("acme/two", "acme/one", 10), NameTold("acme/one", "acme/two", 20)
    assert current([there, back]) == "acme/one"
    assert current([there, back, NameTold("acme/two", at=30)]) == "acme/two"


def test_a_look_up_after_a_rename_is_believed() -> None:
    """A rename back was missed: what is seen later than the rename was received stands above it."""
    rename = NameTold("acme/two", "acme/one", 10, sure_at=10)
    assert current([rename, NameTold("acme/one", at=5, sure_at=5)]) == "acme/two"
    assert current([rename, NameTold("acme/one", at=30, sure_at=30)]) == "acme/one"
