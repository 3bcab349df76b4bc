"""What becomes of each event: the deliveries that are recorded of a source, through its adapter.

An event that is asked for, and of which nothing is recorded, is told by another one of its kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.core.changes import Change, Delete, Patch, Refresh, Upsert
from ingest.sources.contract import Normalised
from ingest.sources.registry import source
from ingest.testing.laws.fixtures import Fixture, read_fixtures
from tests.docs.pages import ROOT
from tests.docs.wanted import EVENTS
from tests.factories import METADATA

SOURCES = ROOT / "tests" / "sources"
SAME, NO_TOKEN = "the same", "skipped: no token"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is recorded of an event (its `action`), and what it does, with a token and without."""

    action: str
    with_token: str
    without: str

    @classmethod
    def of(cls, means: Normalised) -> Outcome:
        """In words."""
        action = str(means.event["action"])
        if means.skip is not None:
            shown = "; shown with the connection" if means.withdraws else ""
            return cls(action, f"skipped: {means.skip}{shown}", "")
        if means.renames:
            return cls(action, "all documents of it go by the new name", SAME)
        told, without = _all(means.changes), _all(means.untokened, asks=False) or NO_TOKEN
        return cls(action, told, SAME if without == told else without)


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and where it has several ends: of which deliveries this one is."""

    event: str
    cases: tuple[str, ...]
    outcome: Outcome


def told(source_type: str) -> list[Told]:
    """Every event of a source that is recorded or asked for, by its name; those that nobody knows,
    or that the source's table leaves alone, are none.
    """
    reasons = tuple(source(source_type).ignored.values())
    ends: dict[str, dict[Outcome, list[str]]] = {}
    for event, case, means in _meanings(source_type):
        if not _is_left_alone(means, reasons):
            ends.setdefault(event, {}).setdefault(Outcome.of(means), []).append(case)
    return [
        Told(event, tuple(cases) if len(of_event) > 1 else (), outcome)
        for event, of_event in sorted(ends.items())
        for outcome, cases in of_event.items()
    ]


def _is_left_alone(means: Normalised, reasons: tuple[str, ...]) -> bool:
    """For one of the table's reasons, or as nobody knows it."""
    skip = means.skip
    if skip is None or means.withdraws is not None:
        return False
    return skip.startswith("unknown ") or skip.endswith(reasons)


def _meanings(source_type: str) -> Iterator[tuple[str, str, Normalised]]:
    fixtures = _fixtures(source_type)
    events = {one: event_of(one) for one in fixtures}
    for one, event in events.items():
        yield event, one.name.removeprefix(event).strip("."), one.means()
    known = {*events.values()}
    for wanted in sorted(EVENTS.get(source_type, ())):
        if not any(event == wanted or event.startswith(f"{wanted}.") for event in known):
            beside = wanted.partition(".")[0]
            like = next(one for one, event in events.items() if _is_like(event, beside))
            yield wanted, "", _as(like, events[like], wanted)


def _fixtures(source_type: str) -> tuple[Fixture, ...]:
    folder = SOURCES / source_type
    own = folder / "connection.json"
    connection = json.loads(own.read_text("utf-8")) if own.exists() else METADATA[source_type]
    return read_fixtures(source(source_type), folder / "fixtures", connection)


def event_of(fixture: Fixture) -> str:
    """As its provider calls it: what a header or the body says, and behind it the action."""
    said = {one for one in (*fixture.headers.values(), *fixture.body.values()) if type(one) is str}
    parts = fixture.name.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    kind = next((one for one in names if _says(said, one)), parts[0])
    acted = f"{kind}.{fixture.body.get('action')}"
    return acted if f"{fixture.name}.".startswith(f"{acted}.") else kind


def _says(said: set[str], name: str) -> bool:
    return any(one == name or one.endswith(f":{name}") for one in said)


def _is_like(event: str, beside: str) -> bool:
    """Of the same kind of object, and no end of it."""
    return event.partition(".")[0] == beside and not event.endswith(("deleted", "as_spam"))


def _as(like: Fixture, event: str, wanted: str) -> Normalised:
    """The delivery as one of another event."""
    body = {
        name: value.replace(event, wanted) if isinstance(value, str) else value
        for name, value in like.body.items()
    }
    return like.means(body)


def _all(changes: tuple[Change | Refresh, ...], *, asks: bool = True) -> str:
    """Each once, in its order; `asks` where somebody can be asked."""
    return ", ".join(dict.fromkeys(_word(one, asks=asks) for one in changes))


def _word(change: Change | Refresh, *, asks: bool) -> str:
    what = f"the `{change.identity.kind}`"
    match change:
        case Refresh(gone=gone):
            return f"{what} is looked up{', told to be gone' if gone else ''}"
        case Delete(final=False):
            return f"{what} is gone"
        case Delete(confirm=confirm):
            confirmed = ", once a look-up confirms it" if asks and confirm else ""
            return f"{what} is gone for good{confirmed}"
        case Upsert():
            return f"{what} is written"
        case Patch():
            return f"fields are merged into {what}"
        case _:
            return f"{what} is left out"
