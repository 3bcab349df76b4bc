"""How Sentry sends: the resource is a header, and the project says whose a delivery is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.core.times import from_epoch_s, parse_time
from ingest.sources.sentry.demo.fake import Sentry, make
from ingest.testing.recorded import Recorded, Sending

# Where neither the headers nor the index name the resource: the first whose members are all there.
_BY_MEMBERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("issue",), "issue"),
    (("error",), "error"),
    (("event", "triggered_rule"), "event_alert"),
    (("event",), "error"),
    (("metric_alert",), "metric_alert"),
    (("comment_id",), "comment"),
    (("installation",), "installation"),
    (("run_id",), "seer"),
)
_SUBJECTS = ("issue", "event", "error")
_ISSUE_IN_URL = re.compile(r"/(?:issues|group)/([0-9]+)")
_ORGANIZATION = re.compile(r"/organizations/([\w-]+)/|https://([\w-]+)\.sentry\.io/")
_NOTHING: Mapping[str, Any] = {}


def _object(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = within.get(name)
    return found if isinstance(found, dict) else _NOTHING


def _data(of: Recorded) -> Mapping[str, Any]:
    """What it tells of."""
    return _object(of.payload, "data")


def _subject(of: Recorded) -> Mapping[str, Any]:
    found = (_object(_data(of), name) for name in _SUBJECTS)
    return next((subject for subject in found if subject), _NOTHING)


def _resource(of: Recorded) -> str:
    told = of.headers.get("sentry-hook-resource") or (of.event or "").partition(".")[0]
    guessed = (name for members, name in _BY_MEMBERS if all(m in _data(of) for m in members))
    return told or next(guessed, "unknown")


def _event_action(of: Recorded) -> tuple[str, str]:
    return _resource(of), str(of.payload.get("action") or "")


def _project(of: Recorded) -> Mapping[str, Any]:
    told = _subject(of).get("project")
    return told if isinstance(told, dict) else {"id": told}


def _connection(of: Recorded) -> str | None:
    """A project's id, or its slug, or of what is about an issue the organization alone."""
    id_ = _project(of).get("id")
    if id_ not in (None, ""):
        return str(id_)
    data = _data(of)
    named = (_project(of).get("slug"), data.get("project_slug"), data.get("project"))
    slug = next((slug for slug in named if isinstance(slug, str) and slug), None)
    if slug is None and _issue_id(of) is not None:
        return f"organization {_organization([of])}"
    return f"slug {slug}" if slug else None


def _organization(of: Sequence[Recorded]) -> str:
    for one in of:
        told = _subject(one)
        for name in ("permalink", "web_url", "url", "issue_url"):
            found = _ORGANIZATION.search(str(told.get(name) or ""))
            if found:
                return found[1] or found[2]
    return "unknown"


def _slug(connection: str, of: Sequence[Recorded]) -> str:
    told = (_project(one).get("slug") for one in of)
    return next((str(slug) for slug in told if slug), connection.rpartition(" ")[2])


def _metadata(connection: str, of: Sequence[Recorded]) -> dict[str, Any]:
    return {
        "type": "sentry",
        "sentryOrganizationSlug": _organization(of),
        "sentryProjectSlug": _slug(connection, of),
        "sentryProjectId": connection.rpartition(" ")[2],
    }


def _moment(of: Recorded, now: datetime) -> datetime:
    """When it may have been sent: the last time that it tells of."""
    subject, alert = _subject(of), _object(_data(of), "metric_alert")
    told = [subject.get(name) for name in ("lastSeen", "received", "timestamp", "datetime")]
    told += [_data(of).get("timestamp"), alert.get("date_closed"), alert.get("date_detected")]
    for at in told:
        try:
            if isinstance(at, str | float):
                return parse_time(at) if isinstance(at, str) else from_epoch_s(at)
        except ValueError:
            continue
    return now


def _headers(of: Recorded, delivery_id: str, now: datetime) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "request-id": delivery_id.replace("-", ""),
        "sentry-hook-resource": _resource(of),
        "sentry-hook-timestamp": str(int(_moment(of, now).timestamp())),
    }


def _issue_id(of: Recorded) -> str | None:
    """The issue that a payload is about, by its id or by a URL."""
    data, subject = _data(of), _subject(of)
    told = [_object(data, "issue").get("id"), subject.get("issue_id")]
    told += [data.get("issue_id"), data.get("group_id")]
    for id_ in told:
        if id_ not in (None, ""):
            return str(id_)
    urls = (str(subject.get(name) or "") for name in ("issue_url", "web_url", "url"))
    found = (_ISSUE_IN_URL.search(url) for url in urls)
    return next((match[1] for match in found if match), None)


def _known(recorded: Sequence[Recorded]) -> Iterator[dict[str, Any]]:
    """An issue of every id: the newest that is told of it, else one made up."""
    told: dict[str, list[Recorded]] = {}
    for one in recorded:
        id_ = _issue_id(one)
        if id_ is not None:
            told.setdefault(id_, []).append(one)
    for id_, of in told.items():
        issues = [_object(_data(one), "issue") for one in of]
        whole = [issue for issue in issues if issue.get("lastSeen")]
        made_up = {
            "id": id_,
            "shortId": f"MADE-{id_}",
            "title": f"Issue {id_}",
            "project": {k: v for one in of for k, v in _project(one).items() if v},
            "firstSeen": "2026-01-01T00:00:00Z",
            "lastSeen": "2026-01-01T00:00:00Z",
        }
        newest = max(whole, key=lambda i: (str(i["lastSeen"]), str(i.get("status"))), default={})
        yield {**made_up, **newest, "id": id_}


def _provider(recorded: Sequence[Recorded]) -> Sentry:
    """All organizations at once, whichever a connection is of."""
    sentry = make("")
    for one in recorded:
        connection = _connection(one)
        if connection is not None:
            sentry.put_project(_slug(connection, [one]), connection.rpartition(" ")[2])
    for issue in _known(recorded):
        sentry.put_issue(issue)
    return sentry


SENDING = Sending(_connection, _metadata, _headers, _event_action, provider=_provider)
