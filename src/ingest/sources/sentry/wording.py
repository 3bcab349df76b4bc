"""The text of an issue: what went wrong, where, and how its latest event came about.

Law: the text holds nothing that moves by itself (no date, no exact count), so that noise does not
re-chunk: of the count the power of two below it, of the sets their sorted members. It is bounded.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.sources.sentry.evidence import evidence
from ingest.sources.sentry.interfaces import values
from ingest.sources.sentry.lines import bounded, fact, shortened
from ingest.sources.sentry.payloads import Event, Issue, release_name
from ingest.sources.sentry.reports import (
    LONGEST_MESSAGE,
    crumbs,
    message_of,
    monitor_of,
    reports,
    request_of,
)
from ingest.sources.sentry.said import Said
from ingest.sources.sentry.traces import MOST_THROWN, thrown, traces
from ingest.sources.wire import mapping, nonblank

_MOST_CHARS = 24_000


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
    told = issue.title or nonblank(issue.metadata, "title") or thrown(issue.metadata)
    return told or issue.culprit or f"Issue {key}"


def body_of(issue: Issue, around: Surroundings) -> str:
    """What went wrong, the facts, and the latest event, newest frame first."""
    said = Said()
    title, what = title_of(issue), thrown(issue.metadata)
    said.add(title, issue.culprit, what)
    parts = [
        issue.culprit or "",
        "" if what == title else what or "",
        said.news(shortened(nonblank(issue.metadata, "message") or "", LONGEST_MESSAGE)),
        "\n".join(_facts(issue, around)),
        *(_event(around.event, said) if around.event else ()),
    ]
    return bounded("\n\n".join(filter(None, parts)), _MOST_CHARS)


def commit_of(issue: Issue) -> tuple[str | None, str | None]:
    """(commit, repository's name) that resolved it; the API has the commit's own object there."""
    told = mapping(issue.status_details, "inCommit")
    repository = told.get("repository")
    name = mapping(repository).get("name") if isinstance(repository, Mapping) else repository
    return nonblank(told, "commit") or nonblank(told, "id"), nonblank(name)


def _facts(issue: Issue, around: Surroundings) -> Iterator[str]:
    in_file = [nonblank(issue.metadata, name) for name in ("function", "filename")]
    yield from fact("In", [place for place in in_file if place])
    yield from fact("Level", [issue.level or ""])
    yield from fact("Status", [_status(issue)])
    yield from fact("Platform", [issue.platform or ""])
    yield from fact("Logger", [issue.logger or ""])
    yield from fact("Handled", ["no"] if issue.is_unhandled is True else [])
    if issue.count:
        yield f"- Events: {1 << (issue.count.bit_length() - 1)} or more"
    yield from fact("Environments", around.environments)
    yield from fact("Releases", around.releases)
    for key in sorted(around.tags):
        if key not in ("environment", "release"):
            yield from fact(f"Tag {key}", around.tags[key])


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


def _event(event: Event, said: Said) -> Iterator[str]:
    """The latest event: its circumstances, what it says in words, and how it came about."""
    facts = "\n".join(
        (
            *fact("Request", [request_of(event)]),
            *fact("Monitor", [monitor_of(event)]),
            *fact("Release", [release_name(event.release) or ""]),
            *fact("Environment", [event.environment or ""]),
        )
    )
    for one in values(event, "exception")[-MOST_THROWN:]:
        said.add(thrown(one), nonblank(one, "value"))
    said.add(event.title, event.culprit, thrown(event.metadata))
    parts = [facts, said.news(message_of(event)), *reports(event, said)]
    told = [*filter(None, (*parts, *evidence(event, said), *traces(event), *crumbs(event)))]
    if told:
        yield "## Latest event"
        yield from told
