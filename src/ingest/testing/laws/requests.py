"""Laws of what a client asks for: what it means, and nothing else, whatever ids and names say.

What they protect: no payload, hint or metadata makes a token read another path of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl, quote

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import IngestError
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.testing.fakes import Answer, Fake, Trouble
from ingest.testing.laws.clients import connected, every_ask, playing
from ingest.testing.laws.fixtures import Suite
from ingest.testing.laws.junk import tried

CROOKED = (
    *("..", ".", "", "../..", "1/../../user", "1?x=y", "1#x", "1%2f..", "1;x"),
    *("1//2", "1\n", "\\", "é", "%2e%2e", "/", "?", "1\r\nhost: evil.example"),
)
"""Ids and names that would bend a path, if they were not quoted or refused."""
_more_crooked = st.text(alphabet="./\\?#%@:;&=+ \t\n\x00a1é\u2028\ud800", max_size=12) | st.text(
    max_size=8
)
Shape = tuple[str, tuple[str, ...], frozenset[str]]
"""A request without its ids: the method, the segments of the path, the names of parameters."""


def _asked(fake: Fake) -> set[Shape]:
    """What was asked for, as it stands there."""
    found: set[Shape] = set()
    for asked in fake.requests:
        path, _, query = asked.target.partition("?")
        found.add((asked.method, tuple(path.split("/")), frozenset(dict(parse_qsl(query)))))
    return found


def _marks(told: Iterable[str]) -> set[str]:
    """What is told, as it stands in a path where it bends none."""
    return {quote(one, safe="", errors="replace") for one in told if one.strip(".")}


def _without(part: str, marks: set[str]) -> str:
    """A segment of a path without what is told in it, which an ending may follow: `12.json`."""
    told = [one for one in marks if part == one or part.startswith(f"{one}.")]
    return f"*{part[len(max(told, key=len)) :]}" if told else part


def _shapes(fake: Fake, told: Iterable[str]) -> set[Shape]:
    """What was asked for, with what is told in it as `*`."""
    marks = _marks(told)
    return {
        (method, tuple(_without(part, marks) for part in parts), names)
        for method, parts, names in _asked(fake)
    }


def _unusual(fake: Fake, usual: set[Shape], told: Iterable[str]) -> set[Shape]:
    """What was asked for and has no shape that is usual, however what is told is read in it.

    A word that a path always has (`0` in `/api/0/`) may be told too.
    """
    marks = _marks(told)
    return {one for one in _asked(fake) if not any(_fits(one, shape, marks) for shape in usual)}


def _fits(asked: Shape, shape: Shape, marks: set[str]) -> bool:
    method, parts, names = asked
    if (method, len(parts), names) != (shape[0], len(shape[1]), shape[2]):
        return False
    pairs = zip(parts, shape[1], strict=True)
    return all(usual in {part, _without(part, marks)} for part, usual in pairs)


def _look(
    suite: Suite, fake: Fake, lookup: Lookup, metadata: Mapping[str, JSON] | None = None
) -> None:
    """One look-up and one check, whatever they come to."""
    with suppress(IngestError), connected(suite, fake, metadata=metadata) as client:
        with suppress(IngestError):
            client.fetch_one(lookup)
        client.check()


def _usual(suite: Suite, fake: Fake, asks: Sequence[Lookup]) -> set[Shape]:
    """What is asked for by plain words, of what is there and of what is not."""
    fake.requests.clear()
    for lookup in asks:
        _look(suite, fake, lookup)
        fake.troubles.append(Trouble(Answer(404, {})))
        _look(suite, fake, lookup)
        fake.troubles.clear()
    return _shapes(fake, _words_of(asks[0]))


def _bend(suite: Suite, look: Callable[[str], set[Shape]]) -> None:
    """Tries crooked words; `look` gives what one of them asks for that no plain word does."""

    def bend(told: str) -> None:
        bent = look(told)
        assert not bent, f"{told!r} asks for {sorted(bent, key=str)}"

    for word in CROOKED:
        bend(word)
    tried(suite.examples // 10)(given(_more_crooked)(bend))()


def test_an_id_never_bends_a_path(suite: Suite) -> None:
    """A payload's id asks for the object that it names, and for no other path of the API.

    Remedy: what stands in a path goes through `ingest.sources.forms.segment`.
    """
    with playing(suite) as fake:
        for lookup in every_ask(suite):
            _bend(
                suite,
                partial(_by_id, suite, fake, lookup=lookup, usual=_usual(suite, fake, [lookup])),
            )


def _by_id(suite: Suite, fake: Fake, told: str, *, lookup: Lookup, usual: set[Shape]) -> set[Shape]:
    fake.requests.clear()
    _look(suite, fake, replace(lookup, identity=replace(lookup.identity, id=told)))
    return _unusual(fake, usual, [told, *_words_of(lookup)])


def test_a_hint_never_bends_a_path(suite: Suite) -> None:
    """What a payload says beside the id of what is looked up bends no path either.

    Remedy: check a hint's fields like a payload's, and quote them like an id.
    """
    with playing(suite) as fake:
        for lookup in every_ask(suite):
            usual = _usual(suite, fake, [lookup, replace(lookup, hint={})])
            _bend(suite, partial(_by_hint, suite, fake, lookup=lookup, usual=usual))


def _by_hint(
    suite: Suite, fake: Fake, told: str, *, lookup: Lookup, usual: set[Shape]
) -> set[Shape]:
    fake.requests.clear()
    hint = {name: _bent(value, told) for name, value in lookup.hint.items()}
    _look(suite, fake, replace(lookup, hint=hint))
    return _unusual(fake, usual, [told, *_words_of(lookup)])


def test_stored_metadata_never_bends_a_path(suite: Suite) -> None:
    """A connection of an earlier version, whose texts nobody looked at, bends no path.

    Remedy: read a field of the metadata with `ingest.sources.forms.own` or `needed`.
    """
    own = suite.story_connection
    parts = [part for value in _words(own) for part in value.split("/")]
    with playing(suite) as fake:
        lookup, *_ = every_ask(suite)
        for name in [name for name, value in own.items() if isinstance(value, str)]:
            usual: set[Shape] = set()
            for plain in (own[name], None, "5"):
                _look_with(suite, fake, lookup, {**own, name: plain})
                usual |= _shapes(fake, [*parts, "5", *_words_of(lookup)])
            _bend(suite, partial(_by_field, suite, fake, lookup=lookup, name=name, usual=usual))


def _by_field(
    suite: Suite, fake: Fake, told: str, *, lookup: Lookup, name: str, usual: set[Shape]
) -> set[Shape]:
    own = suite.story_connection
    _look_with(suite, fake, lookup, {**own, name: told})
    parts = [part for value in _words(own) for part in value.split("/")]
    listed = told.split("/") if "/" in str(own[name]) else [told]
    return _unusual(fake, usual, [*parts, "5", *listed, *_words_of(lookup)])


def _look_with(suite: Suite, fake: Fake, lookup: Lookup, metadata: Mapping[str, JSON]) -> None:
    fake.requests.clear()
    _look(suite, fake, lookup, metadata)


def _words_of(lookup: Lookup) -> list[str]:
    return [lookup.identity.id, *_words(lookup.hint)]


def _words(value: JSON | Mapping[str, JSON]) -> list[str]:
    """Every text and number within a value, as it would stand in a path."""
    if isinstance(value, Mapping):
        return [word for inner in value.values() for word in _words(inner)]
    if isinstance(value, list):
        return [word for inner in value for word in _words(inner)]
    return [str(value)] if isinstance(value, str | int) else []


def _bent(value: JSON, told: str) -> JSON:
    if isinstance(value, list):
        return [told]
    if isinstance(value, dict):
        return {name: _bent(inner, told) for name, inner in value.items()}
    return told
