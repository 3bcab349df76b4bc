"""Laws of what a client asks for: what it means, and nothing else, whatever ids and names say.

What they protect: no payload, hint or metadata makes a token read another path of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl, quote

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import IngestError
from ingest.core.values import JSON
from ingest.sources.contract import Ask
from ingest.testing.fakes import Answer, Fake, Trouble
from ingest.testing.laws.asking import asking, every_ask, playing
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


def _shapes(fake: Fake, *told: str) -> set[Shape]:
    """What was asked for, with what is told in it as `*`."""
    marks = {quote(one, safe="", errors="replace") for one in told if one.strip(".")}
    found: set[Shape] = set()
    for asked in fake.requests:
        path, _, query = asked.target.partition("?")
        parts = tuple(_without(part, marks) for part in path.split("/"))
        found.add((asked.method, parts, frozenset(dict(parse_qsl(query)))))
    return found


def _without(part: str, marks: set[str]) -> str:
    """A segment of a path without what is told in it, which an ending may follow: `12.json`."""
    told = [one for one in marks if part == one or part.startswith(f"{one}.")]
    return f"*{part[len(max(told, key=len)) :]}" if told else part


def _look(suite: Suite, fake: Fake, ask: Ask, metadata: Mapping[str, JSON] | None = None) -> None:
    """One look-up and one check, whatever they come to."""
    with suppress(IngestError), asking(suite, fake, metadata=metadata) as client:
        with suppress(IngestError):
            client.fetch_one(ask)
        client.check()


def _usual(suite: Suite, fake: Fake, asks: Sequence[Ask]) -> set[Shape]:
    """What is asked for by plain words, of what is there and of what is not."""
    fake.requests.clear()
    for ask in asks:
        _look(suite, fake, ask)
        fake.troubles.append(Trouble(Answer(404, {})))
        _look(suite, fake, ask)
        fake.troubles.clear()
    return _shapes(fake, *_words_of(asks[0]))


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
        for ask in every_ask(suite):
            _bend(suite, partial(_by_id, suite, fake, ask=ask, usual=_usual(suite, fake, [ask])))


def _by_id(suite: Suite, fake: Fake, told: str, *, ask: Ask, usual: set[Shape]) -> set[Shape]:
    fake.requests.clear()
    _look(suite, fake, replace(ask, identity=replace(ask.identity, id=told)))
    return _shapes(fake, told, *_words_of(ask)) - usual


def test_a_hint_never_bends_a_path(suite: Suite) -> None:
    """What a payload says beside the id of what is looked up bends no path either.

    Remedy: check a hint's fields like a payload's, and quote them like an id.
    """
    with playing(suite) as fake:
        for ask in every_ask(suite):
            usual = _usual(suite, fake, [ask, replace(ask, hint={})])
            _bend(suite, partial(_by_hint, suite, fake, ask=ask, usual=usual))


def _by_hint(suite: Suite, fake: Fake, told: str, *, ask: Ask, usual: set[Shape]) -> set[Shape]:
    fake.requests.clear()
    hint = {name: _bent(value, told) for name, value in ask.hint.items()}
    _look(suite, fake, replace(ask, hint=hint))
    return _shapes(fake, told, *_words_of(ask)) - usual


def test_stored_metadata_never_bends_a_path(suite: Suite) -> None:
    """A connection of an earlier version, whose texts nobody looked at, bends no path.

    Remedy: read a field of the metadata with `ingest.sources.forms.own` or `needed`.
    """
    fields = [name for name, v in suite.story_connection.items() if isinstance(v, str)]
    with playing(suite) as fake:
        ask, *_ = every_ask(suite)
        for name in fields:
            usual: set[Shape] = set()
            for plain in (suite.story_connection[name], None, "5"):
                usual |= _by_field(suite, fake, plain, ask=ask, name=name, usual=set())
            _bend(suite, partial(_by_field, suite, fake, ask=ask, name=name, usual=usual))


def _by_field(
    suite: Suite, fake: Fake, told: JSON, *, ask: Ask, name: str, usual: set[Shape]
) -> set[Shape]:
    fake.requests.clear()
    own = suite.story_connection
    _look(suite, fake, ask, {**own, name: told})
    parts = [part for value in _words(own) for part in value.split("/")]
    listed = told.split("/") if isinstance(told, str) and "/" in str(own[name]) else [told]
    return _shapes(fake, *parts, *_words([*listed, "5"]), *_words_of(ask)) - usual


def _words_of(ask: Ask) -> list[str]:
    return [ask.identity.id, *_words(ask.hint)]


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
