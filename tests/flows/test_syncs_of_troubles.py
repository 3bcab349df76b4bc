"""No document is lost by a run, whatever its provider does meanwhile: a property over faults.

Each seed is a history: faults of a third of all pages, crashes in the midst of one, changes at the
provider while it is listed, a filter that changes, a token that loses its rights and answers with
less, or with nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadPayload, RateLimited, Refused, TransientError, Unavailable
from ingest.flows.connections.lifecycle import resume_source
from ingest.flows.syncs.held import claim_part
from ingest.flows.syncs.request import begin_due
from ingest.sources.listing import PageRequest
from ingest.store.engine import transaction
from tests.flows.shelf import Library, Shelf, fill, keys_of, shelved

pytestmark = [pytest.mark.integration, pytest.mark.once]

_EXPIRE = sa.text("""
UPDATE lightfast_sync_parts SET lease_until = now() - interval '1 second'
WHERE lease_until IS NOT NULL
""")


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


@dataclass
class Weather:
    """What happens to a third of all pages, drawn from a seed."""

    drawn: random.Random
    library: Library
    calm: bool = False
    happened: list[str] = field(default_factory=list)

    def trouble(self, _request: PageRequest) -> None:
        if self.calm or self.drawn.random() > 1 / 3:
            return
        error = self.drawn.choice(
            (
                TransientError("answers 500"),
                TransientError("answers 503", retry_after_s=1.0),
                RateLimited("answers 429", retry_after_s=2.0),
                Unavailable("resets the connection"),
                TransientError("ends in the middle of its answer"),
                Refused("this token may not read the shelf"),
            )
        )
        self.happened.append(str(error))
        raise error

    def crash(self) -> None:
        """A worker claims a page and is killed."""
        if not self.calm and self.drawn.random() < 1 / 3:
            with transaction(self.library.engine) as conn:
                held = claim_part(conn)
            self.happened.append(f"crash {held.row.resource if held else 'of nobody'}")
        with transaction(self.library.engine) as conn:
            conn.execute(_EXPIRE)


def _run(library: Library, weather: Weather, kind: str = "full") -> dict[str, object]:
    """A run to its end, through the weather; in the end it calms down."""
    shelf = library.shelf
    run = library.request("full" if kind == "full" else "incremental")
    shelf.trouble = weather.trouble
    for turn in range(60):
        weather.calm = turn > 25
        begin_due(library.engine)
        library.hurry()
        weather.crash()
        library.pages()
        resume_source(library.engine, library.connection)
        library.look_up()
        shown = library.show(run)
        if shown["state"] not in ("waiting", "running"):
            shelf.trouble = lambda _request: None
            return shown
    raise AssertionError(f"no end: {library.show(run)}")


@pytest.mark.parametrize("seed", range(4))
def test_in_any_weather_a_run_is_late_and_nothing_else_differs(library: Library, seed: int) -> None:
    drawn = random.Random(seed)
    weather = Weather(drawn, library)
    fill(library.shelf, books=14, notes=9, seed=seed)
    assert _run(library, weather)["state"] == "done"
    assert library.sight() == keys_of(library.shelf)
    for number in drawn.sample(range(14), 2):
        library.shelf.drop("book", f"{number:04d}")
        library.shelf.things = {
            key: t for key, t in library.shelf.things.items() if t.on != f"{number:04d}"
        }
    library.shelf.put("book", f"{drawn.randrange(14):04d}", "other words")
    library.shelf.put("book", "0500")
    ended = _run(library, weather)
    if ended["state"] == "stopped":  # the notes went with their books: over the share
        assert {f"book-{n:04d}" for n in range(14)} <= library.sight() | keys_of(library.shelf)
    else:
        assert library.sight() == keys_of(library.shelf)
    assert weather.happened


@pytest.mark.parametrize("seed", range(6))
def test_no_document_is_lost_that_the_provider_has(library: Library, seed: int) -> None:
    """What is listed less, for whatever reason, is there still: nothing is deleted by it."""
    drawn = random.Random(100 + seed)
    fill(library.shelf, books=12, notes=6, seed=seed)
    library.sync()
    before = library.sight()
    assert before == keys_of(library.shelf)
    _LESS[seed % len(_LESS)](library, drawn)
    run = library.request("full")
    for _ in range(40):
        library.pages(most_share=1.0)
        resume_source(library.engine, library.connection)
        library.look_up()
        if library.show(run)["state"] not in ("waiting", "running"):
            break
    assert library.show(run)["deleted"] == 0, library.show(run)
    assert library.sight() == before


def _hidden(library: Library, share: float, drawn: random.Random) -> None:
    """A listing that leaves out what can still be read one by one."""
    shelf = library.shelf
    left_out = {key for key in shelf.things if drawn.random() < share}
    listed = shelf.listed

    def without(request: PageRequest) -> object:
        kept, shelf.things = (
            shelf.things,
            {k: t for k, t in shelf.things.items() if k not in left_out},
        )
        try:
            return listed(request)
        finally:
            shelf.things = kept

    shelf.listed = without  # type: ignore[method-assign, assignment]  # the fault itself


def _lost_rights(library: Library, _drawn: random.Random) -> None:
    """Nothing is listed any more, and nothing can be read."""
    shelf = library.shelf
    shelf.readable = False
    _hidden(library, 1.0, random.Random(1))


def _some_rights(library: Library, drawn: random.Random) -> None:
    """Some of it is listed, and the rest cannot be read to find out."""
    library.shelf.readable = False
    _hidden(library, 0.5, drawn)


def _broken_off(library: Library, _drawn: random.Random) -> None:
    """A listing fails for good behind its first page."""

    def trouble(request: PageRequest) -> None:
        if request.cursor is not None:
            raise BadPayload("items", "is no list")

    library.shelf.trouble = trouble


def _cut(library: Library, drawn: random.Random) -> None:
    """A search ends early, and says so."""
    library.shelf.gap = "the search ends early"
    _hidden(library, 0.5, drawn)


_LESS = (
    lambda library, drawn: _hidden(library, 0.1, drawn),
    lambda library, drawn: _hidden(library, 0.6, drawn),
    _lost_rights,
    _some_rights,
    _broken_off,
    _cut,
)
