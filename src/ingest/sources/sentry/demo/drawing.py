"""Any number of issues of the fake, as a busy project has them; each is what its number makes it.

They are of real size: a stack of a dozen frames, a request, a handful of tags, now and then
comments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.core.times import from_epoch_ms
from ingest.sources.sentry.demo.issues import Drawn, Kept, to_ms

FIRST_ID = 7_000_000_001
NEWEST = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP = timedelta(minutes=1)
_FRAMES = 12
_WRONG = ("TimetableError", "KeyError", "PlatformTaken", "ConnectionReset", "StaleBoardError")
_PLACES = ("timetable/plan.py", "boards/refresh.py", "api/trains.py", "jobs/nightly.py")
_STATES: tuple[Mapping[str, Any], ...] = (
    {"status": "unresolved", "substatus": "ongoing"},
    {"status": "unresolved", "substatus": "new"},
    {"status": "resolved", "substatus": None},
    {"status": "ignored", "substatus": "archived_until_escalating"},
)


def drawn(
    count: int,
    project: Mapping[str, Any],
    *,
    first: int = FIRST_ID,
    newest: datetime = NEWEST,
    step: timedelta = STEP,
) -> Drawn:
    """So many issues of a project, each first seen one step before the one of the number before."""
    newest_ms, step_ms = to_ms(newest), step // timedelta(milliseconds=1)

    def times(number: int) -> tuple[int, int]:
        first_ms = newest_ms - number * step_ms
        return first_ms, min(newest_ms, first_ms + (number % 50) * step_ms)

    def draw(number: int) -> Kept:
        return _drawn(first + number, number, project, times)

    return Drawn(first, count, str(project["id"]), draw, times)


def _drawn(
    id_: int, number: int, project: Mapping[str, Any], times: Callable[[int], tuple[int, int]]
) -> Kept:
    first_seen, last_seen = (_spelled(at) for at in times(number))
    wrong, place = _WRONG[number % len(_WRONG)], _PLACES[number % len(_PLACES)]
    value = f"train {number} has no platform at {place}"
    tags = {
        "browser": [f"Firefox {120 + number % 30}"],
        "environment": ["production", *(["staging"] if number % 3 == 0 else [])],
        "level": ["error"],
        "release": [f"web@4.{number % 40}.0"],
        "server_name": [f"web-{number % 8}"],
    }
    issue = {
        "id": str(id_),
        "shortId": f"{str(project['slug']).upper()}-{number + 1}A",
        "title": f"{wrong}: {value}",
        "culprit": f"{place} in assign",
        "permalink": f"https://halcyon.sentry.io/issues/{id_}/",
        "logger": None,
        "level": "error",
        **_STATES[number % len(_STATES)],
        "statusDetails": {},
        "platform": "python",
        "project": dict(project),
        "type": "error",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": {"type": wrong, "value": value, "filename": place, "function": "assign"},
        "count": str(1 + number % 500),
        "userCount": number % 20,
        "firstSeen": first_seen,
        "lastSeen": last_seen,
        "assignedTo": None,
        "annotations": [],
        "isUnhandled": True,
    }
    event = _event(f"{id_:032x}", str(id_), last_seen, (wrong, value, place), tags)
    return Kept(issue, [event], [*_notes(id_, number, last_seen)], tags)


def _event(
    event_id: str, id_: str, at: str, thrown: tuple[str, str, str], tags: Mapping[str, list[str]]
) -> dict[str, Any]:
    wrong, value, place = thrown
    frames = [
        {
            "filename": place if depth > _FRAMES - 4 else f"site-packages/rails/{depth}.py",
            "function": f"call_{depth}",
            "lineNo": 10 * depth + 7,
            "inApp": depth > _FRAMES - 4,
            "context": [[10 * depth + 7, f"        return self.call_{depth + 1}(train, board)"]],
        }
        for depth in range(_FRAMES)
    ]
    exception = {"type": wrong, "value": value, "stacktrace": {"frames": frames}}
    request = {"method": "GET", "url": f"https://halcyon.example/trains/{int(id_) % 1000}"}
    return {
        "id": event_id,
        "eventID": event_id,
        "groupID": id_,
        "dateCreated": at,
        "release": {"version": tags["release"][0]},
        "tags": [{"key": key, "value": values[0]} for key, values in tags.items()],
        "entries": [
            {"type": "exception", "data": {"values": [exception]}},
            {"type": "request", "data": request},
        ],
    }


def _notes(id_: int, number: int, at: str) -> list[dict[str, Any]]:
    """A comment on every fifth issue."""
    if number % 5:
        return []
    text = (
        f"Seen at the gate again; the board of train {number} is read before it is written. "
        f"Mended by https://github.com/halcyon/web/pull/{number + 1}, it seems."
    )
    user = {"id": "4711", "name": "Ragnhild"}
    note_id = str(id_ * 10)
    return [
        {"id": note_id, "type": "note", "data": {"text": text}, "dateCreated": at, "user": user}
    ]


def _spelled(at_ms: int) -> str:
    return f"{from_epoch_ms(at_ms).replace(tzinfo=None).isoformat()}Z"
