"""Linear: issues with comments, edited, moved to another team, thrown away and restored.

The shapes are those of Linear's webhook payloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chaos.accounts.account import Drawn, issue_of_linear, millisecond, named, says
from chaos.told import Gone, Happened, Letter, There, Thing
from ingest.sources.linear.demo.fake import Linear, make

SOURCE = "linear"
_PAGE = "https://linear.app/brindle"
_STATES: tuple[tuple[str, str, str], ...] = (
    ("Todo", "unstarted", "todo"),
    ("In Progress", "started", "in-progress"),
    ("Done", "completed", "done"),
)
"""Linear's name and type of a state, and the word for it that is written."""
_TEAMS = ("DEP", "OPS")


@dataclass(slots=True)
class LinearAccount:
    """Two teams. issues, trash: by id, as webhooks tell them; comments: of issues that stand."""

    drawn: Drawn
    provider: Linear = field(default_factory=make)
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    trash: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    source_type: str = SOURCE
    _texts: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.provider.organization = {"id": self._id("organization"), "name": "Brindle Ferries"}
        for key in _TEAMS:
            self.provider.put("team", **self._team(key))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """See `Account`."""
        return {
            "type": SOURCE,
            "linearTeamId": self._id("team/DEP"),
            "linearTeamKey": "DEP",
            "linearOrganizationId": self._id("organization"),
            "teamName": "Departures",
            "teamKeys": ["OPS"],
        }

    def happens(self) -> Happened:
        """See `Account`."""
        return self.drawn.turn(
            (
                (5, self._create),
                (6, self._edit),
                (2, self._set_state),
                (2, self._move),
                (1, self._throw_away),
                (1, self._restore),
                (4, self._comment),
                (1, self._edit_comment),
                (1, self._remove_comment),
            )
        )

    def _create(self) -> Happened:
        at, key = millisecond(), issue_of_linear(self.drawn.next("DEP"))
        issue = {
            "id": self._id(f"issue/{self.drawn.next('issue')}"),
            "createdAt": at,
            "identifier": key,
            "priority": 2,
            "priorityLabel": "High",
            "state": self._state(0),
            "labels": [],
            "previousIdentifiers": [],
            **self._of_team("DEP"),
        }
        return self._issue("create", self._written(issue))

    def _edit(self) -> Happened | None:
        issue = self._any(self.issues)
        return None if issue is None else self._issue("update", self._written(issue))

    def _set_state(self) -> Happened | None:
        issue = self._any(self.issues)
        if issue is None:
            return None
        state = self._state(self.drawn.chance.randrange(len(_STATES)))
        return self._issue("update", {**issue, "state": state})

    def _move(self) -> Happened | None:
        """To the other team, under another key."""
        issue = self._any(self.issues)
        if issue is None:
            return None
        (to,) = (key for key in _TEAMS if key != issue["team"]["key"])
        former = [*issue["previousIdentifiers"], issue["identifier"]]
        moved = {"identifier": f"{to}-{self.drawn.next(to)}", "previousIdentifiers": former}
        return self._issue("update", {**issue, **moved, **self._of_team(to)})

    def _throw_away(self) -> Happened | None:
        issue = self._any(self.issues)
        if issue is None:
            return None
        at, id_ = millisecond(), issue["id"]
        self.trash[id_] = self.issues.pop(id_)
        self.provider.trash("issue", id_, datetime.fromisoformat(at))
        gone = {**issue, "trashed": True, "archivedAt": at}
        return Happened((self._letter("Issue", "remove", gone, at),), (Gone(_issue(id_)),))

    def _restore(self) -> Happened | None:
        issue = self._any(self.trash)
        if issue is None:
            return None
        del self.trash[issue["id"]]
        return self._issue("update", issue)

    def _comment(self) -> Happened | None:
        issue = self._any(self.issues)
        if issue is None:
            return None
        id_ = self._id(f"comment/{self.drawn.next('comment')}")
        comment = {"id": id_, "createdAt": millisecond(), "issueId": issue["id"]}
        return self._remark("create", comment)

    def _edit_comment(self) -> Happened | None:
        comment = self._any_comment()
        return None if comment is None else self._remark("update", comment)

    def _remove_comment(self) -> Happened | None:
        comment = self._any_comment()
        if comment is None:
            return None
        del self.comments[comment["id"]]
        self.provider.destroy("comment", comment["id"])
        letter = self._letter("Comment", "remove", comment, millisecond())
        return Happened((letter,), (Gone(_comment(comment["id"])),))

    def _any(self, issues: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
        return issues[self.drawn.chance.choice([*issues])] if issues else None

    def _any_comment(self) -> dict[str, Any] | None:
        """Of an issue that is not in the trash."""
        found = [one for one in self.comments.values() if one["issueId"] in self.issues]
        return self.drawn.chance.choice(found) if found else None

    def _written(self, issue: dict[str, Any]) -> dict[str, Any]:
        text, other = self.drawn.text(), self.drawn.any_of("DEP")
        self._texts[issue["id"]] = (text, other)
        said = says(text, issue_of_linear(other))
        return {**issue, "title": f"Passengers wait, {text}", "description": said}

    def _issue(self, action: str, issue: dict[str, Any]) -> Happened:
        at, id_, key = millisecond(), issue["id"], issue["identifier"]
        issue = {**issue, "updatedAt": at, "number": int(key.partition("-")[2])}
        issue["url"] = f"{_PAGE}/issue/{key}/passengers-wait"
        former = self.issues.get(id_, {}).get("title")
        self.issues[id_] = issue
        self.provider.learn("Issue", issue)
        own = {key, *issue["previousIdentifiers"]}
        named_key = issue_of_linear(self._texts[id_][1])
        state = next(word for name, _, word in _STATES if name == issue["state"]["name"])
        fact = There(
            _issue(id_),
            key,
            (issue["title"], issue["description"]),
            (former,) if former and former != issue["title"] else (),
            ("state", state),
            links=frozenset() if named_key in own else named(SOURCE, named_key),
            former=tuple(issue["previousIdentifiers"]),
        )
        return Happened((self._letter("Issue", action, issue, at),), (fact,))

    def _remark(self, action: str, comment: dict[str, Any]) -> Happened:
        at, text, other = millisecond(), self.drawn.text(), self.drawn.any_of("DEP")
        issue, former = self.issues[comment["issueId"]], comment.get("body")
        body = says(text, issue_of_linear(other))
        about = {
            name: issue[name] for name in ("id", "identifier", "title", "url", "team", "teamId")
        }
        comment = {**comment, "updatedAt": at, "body": body, "issue": about}
        self.comments[comment["id"]] = comment
        page = f"{issue['url']}#comment-{comment['id'][:8]}"
        self.provider.learn("Comment", comment, page)
        fact = There(
            _comment(comment["id"]),
            comment["id"],
            (body,),
            (former,) if former else (),
            parent=_issue(issue["id"]),
            links=named(SOURCE, issue_of_linear(other)),
        )
        return Happened((self._letter("Comment", action, comment, at, url=page),), (fact,))

    def _letter(
        self, type_: str, action: str, data: Mapping[str, Any], at: str, **more: Any
    ) -> Letter:
        key = self._id(f"delivery/{self.drawn.next('delivery')}")
        payload = {
            "action": action,
            "type": type_,
            "actor": {"id": self._id("user"), "name": "Marit", "type": "user"},
            "createdAt": at,
            "organizationId": self._id("organization"),
            "webhookId": self._id("webhook"),
            "data": dict(data),
            **more,
        }
        return Letter(SOURCE, key, {"linear-event": type_, "linear-delivery": key}, payload)

    def _team(self, key: str) -> dict[str, Any]:
        return {"id": self._id(f"team/{key}"), "key": key, "name": key.title()}

    def _of_team(self, key: str) -> dict[str, Any]:
        return {"teamId": self._id(f"team/{key}"), "team": self._team(key)}

    def _state(self, number: int) -> dict[str, Any]:
        name, type_, _ = _STATES[number]
        return {"id": self._id(f"state/{name}"), "name": name, "type": type_, "color": "#e2e2e2"}

    def _id(self, name: str) -> str:
        return self.drawn.uuid(name)


def _issue(id_: str) -> Thing:
    return (SOURCE, "issue", id_)


def _comment(id_: str) -> Thing:
    return (SOURCE, "comment", id_)
