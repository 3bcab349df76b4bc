"""The text of an issue: what went wrong, where, and how its latest event came about.

Law: the text holds nothing that moves by itself (no date, no exact count), so that noise does not
re-chunk: of the count the power of two below it, of the sets their sorted members. It is bounded.
Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.core.values import JSON
from ingest.sources.sentry.payloads import Event, Issue, release_name, word
from ingest.sources.wire import items, mapping, nonblank, objects

_MOST_CHARS = 24_000
_MOST_THROWN, _MOST_FRAMES = 5, 50
_LONGEST_VALUE, _LONGEST_LINE = 2_000, 300
_FENCES = re.compile("`{3,}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of an issue beside itself; a webhook tells nothing of it."""

    environments: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    event: Event | None = None
    links: tuple[str, ...] = ()


def title_of(issue: Issue) -> str:
    """Its title; where there is none, what was thrown, or where."""
    key = issue.short_id or issue.id
    told = issue.title or nonblank(issue.metadata, "title") or _thrown(issue.metadata)
    return told or issue.culprit or f"Issue {key}"


def body_of(issue: Issue, around: Surroundings) -> str:
    """What went wrong, the facts, and the latest event, newest frame first."""
    thrown = _thrown(issue.metadata)
    parts = [
        issue.culprit or "",
        "" if thrown == issue.title else thrown or "",
        "\n".join(_facts(issue, around)),
        *(_event(around.event) if around.event else ()),
    ]
    return "\n\n".join(filter(None, parts))[:_MOST_CHARS]


def commit_of(issue: Issue) -> tuple[str | None, str | None]:
    """(commit, repository's name) that resolved it; the API has the commit's own object there."""
    told = mapping(issue.status_details, "inCommit")
    repository = told.get("repository")
    name = mapping(repository).get("name") if isinstance(repository, Mapping) else repository
    return nonblank(told, "commit") or nonblank(told, "id"), nonblank(name)


def _thrown(metadata: Mapping[str, JSON]) -> str | None:
    told = filter(None, (nonblank(metadata, "type"), nonblank(metadata, "value")))
    return ": ".join(told)[:_LONGEST_VALUE] or None


def _facts(issue: Issue, around: Surroundings) -> Iterator[str]:
    in_file = [nonblank(issue.metadata, name) for name in ("function", "filename")]
    yield from _fact("In", [place for place in in_file if place])
    yield from _fact("Level", [issue.level or ""])
    yield from _fact("Status", [_status(issue)])
    yield from _fact("Platform", [issue.platform or ""])
    if issue.count:
        yield f"- Events: {1 << (issue.count.bit_length() - 1)} or more"
    yield from _fact("Environments", around.environments)
    yield from _fact("Releases", around.releases)
    for key in sorted(around.tags):
        if key not in ("environment", "release"):
            yield from _fact(f"Tag {key}", around.tags[key])


def _fact(name: str, told: Sequence[str]) -> Iterator[str]:
    said = ", ".join(_line(value) for value in told if value)
    if said:
        yield f"- {name}: {said}"


def _status(issue: Issue) -> str:
    """`resolved in commit 1a2b of owner/repo`; an issue that is archived tells until when."""
    details = issue.status_details
    commit, repository = commit_of(issue)
    release = release_name(details.get("inRelease"))
    said = [issue.status or "unresolved"]
    if issue.status == "ignored" and issue.substatus:
        said.append(issue.substatus.replace("_", " "))
    if commit:
        said.append(f"in commit {commit}" + (f" of {repository}" if repository else ""))
    if release:
        said.append(f"in release {release}")
    if details.get("inNextRelease") is True:
        said.append("in the next release")
    return " ".join(said)


def _event(event: Event) -> Iterator[str]:
    """Its exceptions as a chain, the one that was seen last first, and the request."""
    chain = list(_chain(event))
    facts = "\n".join(
        (
            *_fact("Request", [_request(event)]),
            *_fact("Release", [release_name(event.release) or ""]),
            *_fact("Environment", [event.environment or ""]),
        )
    )
    if chain or facts:
        yield "## Latest event"
    if facts:
        yield facts
    for thrown in reversed(chain[-_MOST_THROWN:]):
        yield f"### {_line(_thrown(thrown) or 'Exception')}"
        frames = "\n".join(_frames(thrown))
        if frames:
            fence = "`" * max(3, *(len(run) + 1 for run in _FENCES.findall(frames)), 3)
            yield f"{fence}\n{frames}\n{fence}"


def _chain(event: Event) -> Iterator[Mapping[str, JSON]]:
    yield from objects(event.exception, "values")
    for entry in objects(event.entries):
        if entry.get("type") == "exception":
            yield from objects(entry, "data", "values")


def _frames(thrown: Mapping[str, JSON]) -> Iterator[str]:
    """Frames are told oldest first; those of the program itself are enough where it has any."""
    told = list(objects(thrown, "stacktrace", "frames"))
    own = [frame for frame in told if (frame.get("inApp") or frame.get("in_app")) is True]
    for frame in reversed((own or told)[-_MOST_FRAMES:]):
        where = (
            nonblank(frame, "filename") or nonblank(frame, "module") or nonblank(frame, "abs_path")
        )
        line = word(frame.get("lineNo")) or word(frame.get("lineno"))
        place = ":".join(filter(None, (where or "?", line)))
        yield _line(f"{nonblank(frame.get('function')) or '?'} ({place})")
        code = _code(frame, line)
        if code:
            yield f"    {code}"


def _code(frame: Mapping[str, JSON], line: str | None) -> str:
    """The frame's own line: told, or among the lines around it."""
    told = nonblank(frame, "context_line")
    for around in items(frame, "context"):
        pair = items(around)
        if told is None and len(pair) == 2 and line is not None and word(pair[0]) == line:
            told = nonblank(pair[1])
    return _line(told or "")


def _request(event: Event) -> str:
    """Method and URL, without the query: it is another one each time, and may hold secrets."""
    told = mapping(event.request)
    for entry in objects(event.entries):
        if entry.get("type") == "request":
            told = mapping(entry, "data")
    url = (nonblank(told, "url") or "").partition("?")[0].partition("#")[0]
    return " ".join(filter(None, (nonblank(told, "method"), url))) if url else ""


def _line(told: str) -> str:
    return " ".join(told.split())[:_LONGEST_LINE]
