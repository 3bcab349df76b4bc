"""Laws of a provider's limits, with the sample's fake API: what they say, and what headers tell.

What they protect: no header stops a worker, or is taken for another limit's; and no backfill leaves
nothing to those who wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.limits import Call, LimitReading, RateLimits
from ingest.sources.spending import spending
from ingest.testing.laws.clients import connected, every_ask, playing
from ingest.testing.laws.fixtures import RECEIVED_AT, Suite
from ingest.testing.laws.junk import tried
from ingest.testing.laws.listing import first_page

MANY = 1_000
_values = st.one_of(
    st.none(),
    st.integers(-10, 10**30).map(str),
    st.sampled_from(["", "0", "NaN", "1e9", "-1", "1.5", "٣", "9" * 400, "Mon, 02 Mar 2026"]),
    st.text(max_size=20),
)
"""What a header may be; None: it is missing."""


def test_limits_make_sense(suite: Suite) -> None:
    """A limit is counted under its name, and leaves something to either: backfills and look-ups.

    Remedy: each `Limit` has a name of its own, a window, and a `share` between 0 and 1.
    """
    each = _limits(suite).each
    assert each, "limits without a limit"
    assert len({one.name for one in each}) == len(each), "two limits of one name"
    for one in each:
        assert one.per_s > 0, f"{one.name} has no window"
        assert one.amount >= 0, f"{one.name} is less than nothing"
        assert 0.0 < one.share < 1.0, f"{one.name} leaves nothing to one of the two"
        background, begun = (one.background(MANY, begun=begun) for begun in (False, True))
        assert background < begun < MANY, f"{one.name} leaves nothing to look-ups"


def test_every_request_counts(suite: Suite) -> None:
    """What is asked of a provider is counted: it never has to say 429 first.

    Remedy: some `Limit` has for each request a `counts` that is not None, and a whole number.
    """
    each = _limits(suite).each
    for call in _heard(suite):
        taken = [amount for one in each if (amount := one.counts(call)) is not None]
        assert taken, f"{call} counts for no limit"
        assert all(type(amount) is int and amount >= 0 for amount in taken), f"{call}: {taken}"


def test_whatever_a_header_tells_is_a_reading_or_nothing(suite: Suite) -> None:
    """A provider's header stops no worker, and holds up no limit but its own.

    Remedy: read numbers by `whole` and `until_epoch_s` of `ingest.sources.limits`; a reading is of
    a limit that there is, and of neither less than nothing nor a time that is past.
    """
    limits, heard = _limits(suite), _heard(suite)
    names = {one.name for one in limits.each}

    def read(data: st.DataObject) -> None:
        call = data.draw(st.sampled_from([*heard]))
        headers = _Headers(heard[call], data)
        for reading in limits.read(call, headers, RECEIVED_AT):
            _check(reading, names)

    tried(suite.examples)(given(st.data())(read))()


def _check(reading: LimitReading, names: set[str]) -> None:
    assert reading.limit in names, f"a reading of no limit: {reading}"
    assert reading.remaining >= 0, f"less than nothing is left: {reading}"
    assert reading.resets_s >= 0.0, f"a reset that is past: {reading}"
    assert reading.amount is None or reading.amount >= 0, f"less than nothing in all: {reading}"


@dataclass(slots=True)
class _Headers(Mapping[str, str]):
    """Headers of which any may be there: what the fake told, or junk; drawn when it is read."""

    told: Mapping[str, str]
    data: st.DataObject
    drawn: dict[str, str | None] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        if name not in self.drawn:
            known = st.just(self.told[name]) if name in self.told else st.nothing()
            self.drawn[name] = self.data.draw(known | _values, label=name)
        value = self.drawn[name]
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in {*self.told, *self.drawn} if self.get(name) is not None)

    def __len__(self) -> int:
        return len([*iter(self)])


@dataclass(slots=True)
class _Heard:
    """A budget that only listens: the headers of each answer, by what was asked."""

    answers: dict[Call, Mapping[str, str]] = field(default_factory=dict)

    def spend(self, _call: Call, *, background: bool, begun: bool) -> None:
        """There is enough for everybody."""

    def hear(self, call: Call, headers: Mapping[str, str], _now: datetime) -> None:
        self.answers[call] = dict(headers)


def _heard(suite: Suite) -> Mapping[Call, Mapping[str, str]]:
    """What the story's look-ups and lists ask for, with the headers of the answers."""
    heard, listing = _Heard(), suite.source.listing
    with playing(suite) as fake, connected(suite, fake) as client:
        for ask in every_ask(suite):
            with spending(heard, background=False):
                client.fetch_one(ask)
        for resource in listing.resources if listing else ():
            with spending(heard, background=True):
                client.list_page(first_page(suite, resource))
    assert heard.answers, "nothing is asked for through `ingest.sources.http`"
    return heard.answers


def _limits(suite: Suite) -> RateLimits:
    assert suite.source.limits is not None
    return suite.source.limits
