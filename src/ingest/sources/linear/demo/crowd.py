"""Many objects for a fake of Linear's API: a large organization, made by rule. No I/O.

What is the same in all of them is shared, so that ten thousand issues take some 20 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.core.times import iso
from ingest.sources.linear.demo.fake import Linear

BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
_STATES: tuple[Mapping[str, Any], ...] = (
    {"id": "state-1", "name": "Todo", "type": "unstarted"},
    {"id": "state-2", "name": "In Progress", "type": "started"},
    {"id": "state-3", "name": "Done", "type": "completed"},
)
_LABELS: tuple[Mapping[str, Any], ...] = tuple(
    {"id": f"label-{name.lower()}", "name": name} for name in ("Bug", "Night", "Signals")
)
_AUTHOR: Mapping[str, Any] = {"id": "user-1", "name": "Otto Lindqvist"}
_TEXT = "The signal at kilometre {} shows yellow after midnight, and nobody knows since when.\n" * 4


def fill(
    linear: Linear,
    issues: int,
    *,
    comments_each: int = 0,
    team: str = "team-1",
    begin: int = 0,
    text: Callable[[int], str] = lambda number: _TEXT.format(*[number] * 4),
) -> None:
    """Issues `issue-<n>` from `begin` on, one a minute, with comments `comment-<n>-<m>`; `text` is
    what an issue says, by its number, and what is said of it below.
    """
    place = {"id": team, "key": linear.objects["team"][team]["key"]}
    for number in range(begin, begin + issues):
        issue = linear.put("issue", **_issue(number, place, text(number)))
        for nth in range(comments_each):
            linear.put("comment", **_comment(issue, nth, text(number)))


def _issue(number: int, team: Mapping[str, Any], text: str) -> dict[str, Any]:
    at = iso(BEGAN_AT + timedelta(minutes=number))
    key = f"{team['key']}-{number + 1}"
    return {
        "id": f"issue-{number}",
        "createdAt": at,
        "updatedAt": at,
        "number": number + 1,
        "identifier": key,
        "previousIdentifiers": (),
        "title": f"Signal {number} stays yellow",
        "description": text,
        "url": f"https://linear.app/halcyon/issue/{key}/signal-{number}-stays-yellow",
        "priority": number % 5,
        "team": team,
        "state": _STATES[number % len(_STATES)],
        "labels": _LABELS[: number % (len(_LABELS) + 1)],
        "assignee": _AUTHOR,
    }


def _comment(issue: Mapping[str, Any], nth: int, text: str) -> dict[str, Any]:
    id_ = f"comment-{issue['id'].removeprefix('issue-')}-{nth}"
    return {
        "id": id_,
        "createdAt": issue["createdAt"],
        "updatedAt": issue["updatedAt"],
        "body": f"Seen again by train {nth}. {text}",
        "url": f"{issue['url']}#comment-{id_}",
        "issue": {"id": issue["id"]},
        "user": _AUTHOR,
    }
