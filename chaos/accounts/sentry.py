"""Sentry: issues are raised, resolved and come back, with comments that are edited and deleted.

The shapes are those of Sentry's webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from chaos.accounts import linear
from chaos.accounts.account import Drawn, issue_of_linear, later, named, says, second
from chaos.told import Gone, Happened, Letter, There, Thing
from ingest.sources.sentry.demo.fake import Sentry, make

SOURCE = "sentry"
_INSTALLATION = "7a485448-a9e2-4c85-8a3c-4f44175783c9"
_PROJECT: dict[str, Any] = {
    "id": "4507001",
    "name": "Departures",
    "slug": "departures",
    "platform": "python",
}


@dataclass(slots=True)
class SentryAccount:
    """One project. issues: as webhooks tell them. comments: what stands, and its last time."""

    drawn: Drawn
    provider: Sentry = field(default_factory=lambda: make("brindle"))
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, tuple[There, str]] = field(default_factory=dict)
    source_type: str = SOURCE
    metadata: Mapping[str, Any] = field(
        default_factory=lambda: {
            "type": SOURCE,
            "sentryOrganizationSlug": "brindle",
            "sentryProjectSlug": "departures",
            "sentryProjectId": _PROJECT["id"],
            "webhookId": _INSTALLATION,
        }
    )

    def __post_init__(self) -> None:
        self.provider.put_project("departures", _PROJECT["id"])

    def happens(self) -> Happened:
        """See `Account`."""
        return self.drawn.turn(
            (
                (5, self._raise),
                (3, self._resolve),
                (2, self._unresolve),
                (4, self._comment),
                (3, self._edit_comment),
                (1, self._delete_comment),
            )
        )

    def _raise(self) -> Happened:
        number, text, at = self.drawn.next("issue"), self.drawn.text(), second()
        id_ = str(5_150_000_000 + number)
        value = f"the board of pier {number} is stale, {text}"
        issue = {
            "id": id_,
            "shortId": f"DEPARTURES-{number}",
            "title": f"StaleBoardError: {value}",
            "culprit": "departures.boards in refresh",
            "permalink": f"https://brindle.sentry.io/issues/{id_}/",
            "logger": "departures.boards",
            "level": "error",
            "status": "unresolved",
            "substatus": "new",
            "statusDetails": {},
            "platform": "python",
            "project": _PROJECT,
            "type": "error",
            "issueType": "error",
            "issueCategory": "error",
            "metadata": {"type": "StaleBoardError", "value": value},
            "count": "1",
            "userCount": 0,
            "firstSeen": at,
            "lastSeen": at,
            "assignedTo": None,
            "annotations": [],
            "numComments": 0,
            "isUnhandled": True,
        }
        self.provider.put_issue(issue)
        tags = [{"key": "environment", "value": "production"}]
        event = {"id": f"{number:032x}", "eventID": f"{number:032x}", "dateCreated": at}
        more = {"tags": tags, "entries": [], "environment": "production", "release": None}
        self.provider.add_event(id_, {**event, **more})
        return self._issue("created", issue)

    def _resolve(self) -> Happened | None:
        return self._become("resolved", "unresolved", None)

    def _unresolve(self) -> Happened | None:
        return self._become("unresolved", "resolved", "regressed")

    def _become(self, state: str, former: str, substatus: str | None) -> Happened | None:
        found = [one for one in self.issues.values() if one["status"] == former]
        if not found:
            return None
        issue = self.drawn.chance.choice(found) | {"status": state, "substatus": substatus}
        self.provider.edit(issue["id"], status=state, substatus=substatus)
        return self._issue(state, issue)

    def _issue(self, action: str, issue: dict[str, Any]) -> Happened:
        self.issues[issue["id"]] = issue
        fact = There(
            _issue(issue["id"]),
            issue["shortId"],
            (issue["metadata"]["value"],),
            state=("status", issue["status"]),
        )
        return Happened((self._letter("issue", action, second(), issue=issue),), (fact,))

    def _comment(self) -> Happened | None:
        if not self.issues:
            return None
        issue = self.drawn.chance.choice([*self.issues])
        id_, at = str(9_100_000 + self.drawn.next("comment")), second()
        fact = There((SOURCE, "comment", id_), f"{issue}/comment/{id_}", (), parent=_issue(issue))
        return self._remark("created", fact, at)

    def _edit_comment(self) -> Happened | None:
        if not self.comments:
            return None
        fact, at = self.comments[self.drawn.chance.choice([*self.comments])]
        return self._remark("updated", fact, later(at))

    def _delete_comment(self) -> Happened | None:
        if not self.comments:
            return None
        fact, at = self.comments.pop(self.drawn.chance.choice([*self.comments]))
        assert fact.parent is not None
        self.provider.uncomment(fact.parent[2], fact.thing[2])
        return Happened((self._said("deleted", fact, later(at)),), (Gone(fact.thing),))

    def _remark(self, action: str, fact: There, at: str) -> Happened:
        text, key = self.drawn.text(), issue_of_linear(self.drawn.chance.randint(1, 40))
        said = says(text, key)
        fact = replace(fact, words=(said,), unsaid=fact.words, links=named(linear.SOURCE, key))
        self.comments[fact.thing[2]] = (fact, at)
        assert fact.parent is not None
        note = {"id": fact.thing[2], "text": said, "dateCreated": at}
        self.provider.comment(fact.parent[2], {**note, "user": {"id": "88001", "name": "Ivar"}})
        return Happened((self._said(action, fact, at),), (fact,))

    def _said(self, action: str, fact: There, at: str) -> Letter:
        assert fact.parent is not None
        told = {
            "comment": fact.words[0],
            "comment_id": int(fact.thing[2]),
            "issue_id": int(fact.parent[2]),
            "project_slug": "departures",
            "timestamp": at,
        }
        return self._letter("comment", action, at, **told)

    def _letter(self, resource: str, action: str, at: str, **data: Any) -> Letter:
        number = self.drawn.next("delivery")
        key = sha256(f"{self.drawn.seed}/{number}".encode()).hexdigest()[:32]
        headers = {
            "request-id": key,
            "sentry-hook-resource": resource,
            "sentry-hook-timestamp": str(int(datetime.fromisoformat(at).timestamp())),
        }
        payload = {
            "action": action,
            "installation": {"uuid": _INSTALLATION},
            "data": data,
            "actor": {"type": "user", "id": "88001", "name": "Ivar"},
        }
        return Letter(SOURCE, key, headers, payload)


def _issue(id_: str) -> Thing:
    return (SOURCE, "issue", id_)
