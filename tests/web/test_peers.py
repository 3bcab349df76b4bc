"""Who makes way for whom, and whose time is up."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.web.peers import WITHIN_S, Peers, Wait


@dataclass(eq=False)
class Someone:
    """A connection that only notes what is done to it."""

    name: str
    waits: Wait | None = None
    ends: list[str] = field(default_factory=list)

    def abort(self) -> None:
        self.ends.append("aborted")

    def time_is_up(self, wait: Wait) -> None:
        self.ends.append(f"too long for {wait}")


class Crowd:
    """Peers with a clock, and what was told of them."""

    def __init__(self, most: int = 3, most_heads: int = 3) -> None:
        self.time = 0.0
        self.told: list[str] = []
        self.peers = Peers(lambda: self.time, self.told.append, most=most, most_heads=most_heads)

    def comes(self, name: str, wait: Wait | None = Wait.HEAD) -> Someone:
        made = Someone(name)
        self.time += 0.001
        self.peers.opened(made)
        self.peers.waits(made, wait)
        return made


@pytest.mark.parametrize("wait", [Wait.HEAD, Wait.IDLE, Wait.REST, Wait.READER, Wait.END])
def test_the_one_who_waited_longest_for_his_sender_makes_way(wait: Wait) -> None:
    crowd = Crowd(most_heads=9)
    busy, oldest, older = crowd.comes("a", None), crowd.comes("b", wait), crowd.comes("c", wait)
    newcomer = crowd.comes("d")
    assert (busy.ends, oldest.ends, older.ends, newcomer.ends) == ([], ["aborted"], [], [])
    assert crowd.told == ["too_many_connections"]
    assert len(crowd.peers) == 3


def test_a_body_makes_way_only_where_nobody_else_waits_for_his_sender() -> None:
    crowd = Crowd()
    body, idle, other = crowd.comes("a", Wait.BODY), crowd.comes("b", Wait.IDLE), crowd.comes("c")
    crowd.peers.waits(other, Wait.BODY)
    first = crowd.comes("d", Wait.BODY)
    assert (body.ends, idle.ends) == ([], ["aborted"])
    assert first.ends == []
    crowd.comes("e")
    assert body.ends == ["aborted"]


def test_where_all_wait_for_us_the_newcomer_is_one_too_many() -> None:
    crowd = Crowd()
    all_ = [crowd.comes(name, None) for name in "abc"]
    newcomer = crowd.comes("d")
    assert [one.ends for one in all_] == [[], [], []]
    assert newcomer.ends == ["aborted"]


def test_of_heads_alone_there_is_a_smaller_number() -> None:
    crowd = Crowd(most=9, most_heads=2)
    heads = [crowd.comes(name) for name in "abcd"]
    assert [one.ends for one in heads] == [["aborted"], ["aborted"], [], []]
    assert crowd.told == ["too_many_heads"] * 2


@pytest.mark.parametrize("wait", list(WITHIN_S))
def test_a_wait_that_takes_too_long_is_ended(wait: Wait) -> None:
    crowd = Crowd()
    slow = crowd.comes("a", wait)
    crowd.time += WITHIN_S[wait] - 0.01
    crowd.peers.waits(slow, wait)  # the same wait: it began when it began
    quick = crowd.comes("b", wait)
    crowd.peers.sweep()
    assert slow.ends == []
    crowd.time += 0.02
    crowd.peers.sweep()
    crowd.peers.sweep()
    assert (slow.ends, quick.ends) == ([f"too long for {wait}"], [])
    assert crowd.told == [f"slow_{wait}"]


def test_who_waits_for_us_or_sends_a_body_has_no_time_here() -> None:
    crowd = Crowd()
    both = [crowd.comes("a", None), crowd.comes("b", Wait.BODY)]
    crowd.time += 1e6
    crowd.peers.sweep()
    assert [one.ends for one in both] == [[], []]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["comes", "waits", "goes", "passes"]),
        st.integers(0, 9),
        st.sampled_from([None, *Wait]),
    ),
    max_size=60,
)


@given(_STEPS)
def test_never_more_than_allowed_and_nobody_who_waits_for_us_is_touched(
    steps: list[tuple[str, int, Wait | None]],
) -> None:
    crowd, all_ = Crowd(most=4, most_heads=3), [Someone("first")]
    crowd.peers.opened(all_[0])
    for what, number, wait in steps:
        one = all_[number % len(all_)]
        owed = [peer for peer in all_ if peer.waits is None and not peer.ends]
        if what == "comes":
            all_.append(crowd.comes("next", wait))
        elif what == "waits":
            crowd.peers.waits(one, wait)
        elif what == "goes":
            crowd.peers.closed(one)
        else:
            crowd.time += number * 3
            crowd.peers.sweep()
        assert len(crowd.peers) <= 4
        assert [peer.waits for peer in all_].count(Wait.HEAD) <= 3
        assert not [peer for peer in owed if peer.ends and peer is not all_[-1]]
