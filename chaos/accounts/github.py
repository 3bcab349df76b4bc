"""GitHub: issues with comments, written, edited, closed, deleted; files that are pushed and moved.

The shapes are those of GitHub's webhook schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.accounts.account import Drawn, named, says, second
from chaos.told import POISON, Gone, Happened, Letter, There, Thing
from ingest.sources.github.demo.fake import GitHub, make

REPOSITORY, ID = "brindle-ferries/departures", 730_400_001
SOURCE = "github"
_PAGE = f"https://github.com/{REPOSITORY}"
_USER: dict[str, Any] = {"login": "lena-of-brindle", "id": 90_500_001, "type": "User"}
_AROUND: dict[str, Any] = {
    "repository": {
        "id": ID,
        "name": "departures",
        "full_name": REPOSITORY,
        "private": True,
        "owner": {"login": "brindle-ferries", "id": 90_400_001, "type": "Organization"},
        "html_url": _PAGE,
        "default_branch": "main",
    },
    "sender": _USER,
}


@dataclass(slots=True)
class GitHubAccount:
    """One repository. `issues` and `comments` are those that stand there, by number and by id."""

    drawn: Drawn
    provider: GitHub = field(default_factory=make)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    source_type: str = SOURCE
    metadata: Mapping[str, Any] = field(
        default_factory=lambda: {
            "type": SOURCE,
            "githubRepoId": str(ID),
            "githubInstallationId": "48000001",
            "repoFullName": REPOSITORY,
            "owner": "brindle-ferries",
            "defaultBranch": "main",
            "private": True,
            "permissions": {"admin": False, "push": False, "pull": True},
        }
    )

    def __post_init__(self) -> None:
        self.provider.add(ID, REPOSITORY)
        self.provider.change(ID, "main", {}, at=second())

    def happens(self) -> Happened:
        """See `Account`."""
        return self.drawn.turn(
            (
                (5, self._open),
                (6, self._edit),
                (2, self._close_or_reopen),
                (1, self._delete),
                (4, self._comment),
                (2, self._edit_comment),
                (1, self._delete_comment),
                (2, self._push),
                (1, self._move_file),
                (1, self._remove_file),
            )
        )

    def _open(self) -> Happened:
        number, at = self.drawn.next("issue"), second()
        issue: dict[str, Any] = {
            "id": 2_100_000_000 + number,
            "node_id": f"I_{number}",
            "number": number,
            "html_url": f"{_PAGE}/issues/{number}",
            "user": _USER,
            "locked": False,
            "labels": [],
            "assignees": [],
            "milestone": None,
            "author_association": "MEMBER",
            "created_at": at,
            "state": "open",
            "closed_at": None,
            "state_reason": None,
            "text": "",
        }
        return self._issue("opened", issue, written=True)

    def _edit(self) -> Happened | None:
        issue = self._any_issue()
        return None if issue is None else self._issue("edited", issue, written=True)

    def _close_or_reopen(self) -> Happened | None:
        issue = self._any_issue()
        if issue is None:
            return None
        if issue["state"] == "closed":
            opened = {"state": "open", "closed_at": None, "state_reason": "reopened"}
            return self._issue("reopened", {**issue, **opened})
        closed = {"state": "closed", "closed_at": second(), "state_reason": "completed"}
        return self._issue("closed", {**issue, **closed})

    def _delete(self) -> Happened | None:
        issue = self._any_issue()
        if issue is None:
            return None
        number = issue["number"]
        del self.issues[number]
        self.provider.delete(ID, "issue", number)
        for id_ in [id_ for id_, (of, _) in self.comments.items() if of == number]:
            del self.comments[id_]
            self.provider.delete(ID, "comment", id_)
        letter = self._letter("issues", {"action": "deleted", "issue": _shown(issue)})
        return Happened((letter,), (Gone(_issue_thing(number)),))

    def _comment(self) -> Happened | None:
        issue, at = self._any_issue(), second()
        if issue is None:
            return None
        id_ = 1_800_000_000 + self.drawn.next("comment")
        comment = {
            "id": id_,
            "node_id": f"IC_{id_}",
            "html_url": f"{_PAGE}/issues/{issue['number']}#issuecomment-{id_}",
            "user": _USER,
            "author_association": "MEMBER",
            "created_at": at,
            "text": "",
        }
        return self._remark("created", issue["number"], comment)

    def _edit_comment(self) -> Happened | None:
        if not self.comments:
            return None
        number, comment = self.comments[self.drawn.chance.choice([*self.comments])]
        return self._remark("edited", number, comment)

    def _delete_comment(self) -> Happened | None:
        if not self.comments:
            return None
        id_ = self.drawn.chance.choice([*self.comments])
        number, comment = self.comments.pop(id_)
        self.provider.delete(ID, "comment", id_)
        about = {"issue": _shown(self.issues[number]), "comment": _shown(comment)}
        letter = self._letter("issue_comment", {"action": "deleted", **about})
        return Happened((letter,), (Gone((SOURCE, "comment", str(id_))),))

    def _push(self) -> Happened:
        """A new file, or another text of one."""
        paths, chance = [*self.files], self.drawn.chance
        is_new = not paths or chance.random() < 0.5
        path = f"docs/pier-{self.drawn.next('file')}.md" if is_new else chance.choice(paths)
        self.files[path] = text = self.drawn.text()
        return self._pushed({path: _file(text)}, (_file_fact(path, text),))

    def _move_file(self) -> Happened | None:
        if not self.files:
            return None
        path, to = (
            self.drawn.chance.choice([*self.files]),
            f"moved/pier-{self.drawn.next('file')}.md",
        )
        self.files[to] = text = self.files.pop(path)
        facts = (Gone((SOURCE, "file", path)), _file_fact(to, text))
        return self._pushed({path: None, to: _file(text)}, facts)

    def _remove_file(self) -> Happened | None:
        if not self.files:
            return None
        path = self.drawn.chance.choice([*self.files])
        del self.files[path]
        return self._pushed({path: None}, (Gone((SOURCE, "file", path)),))

    def _pushed(
        self, changes: Mapping[str, str | None], facts: tuple[There | Gone, ...]
    ) -> Happened:
        payload = self.provider.change(ID, "main", changes, at=second())
        return Happened((self._letter("push", payload),), facts)

    def _any_issue(self) -> dict[str, Any] | None:
        return self.issues[self.drawn.chance.choice([*self.issues])] if self.issues else None

    def _issue(self, action: str, issue: dict[str, Any], *, written: bool = False) -> Happened:
        number, former = issue["number"], issue["text"]
        if written:
            other, text = self.drawn.any_of("issue"), self.drawn.text()
            told = {"title": f"Ferry {number} is late, {text}", "body": says(text, f"#{other}")}
            issue = {**issue, **told, "text": text, "other": other}
        issue = {**issue, "updated_at": second()}
        self.issues[number] = issue
        self.provider.put(ID, "issue", _shown(issue))
        letter = self._letter("issues", {"action": action, "issue": _shown(issue)})
        fact = There(
            _issue_thing(number),
            _key(number),
            (issue["title"], issue["body"]),
            (former,) if written and former else (),
            ("state", issue["state"]),
            links=named(SOURCE, _key(issue["other"]), _key(number)),
        )
        return Happened((letter,), (fact,))

    def _remark(self, action: str, number: int, comment: dict[str, Any]) -> Happened:
        former, text, other = comment["text"], self.drawn.text(), self.drawn.any_of("issue")
        body = says(text, f"#{other}")
        comment = {**comment, "text": text, "body": body, "updated_at": second()}
        self.comments[comment["id"]] = (number, comment)
        self.provider.put(ID, "comment", _shown(comment), number=number)
        about = {"issue": _shown(self.issues[number]), "comment": _shown(comment)}
        fact = There(
            (SOURCE, "comment", str(comment["id"])),
            f"{REPOSITORY}#{number}/comment/{comment['id']}",
            (body,),
            (former,) if former else (),
            parent=_issue_thing(number),
            links=named(SOURCE, _key(other)),
        )
        return Happened((self._letter("issue_comment", {"action": action, **about}),), (fact,))

    def _letter(self, event: str, payload: Mapping[str, Any]) -> Letter:
        key = self.drawn.uuid(f"delivery/{self.drawn.next('delivery')}")
        headers = {"x-github-event": event, "x-github-delivery": key}
        return Letter(SOURCE, key, headers, {**_AROUND, **payload})


def poison(key: str) -> Letter:
    """A webhook of nothing, which takes down who reads it."""
    headers = {"x-github-event": "issues", "x-github-delivery": key}
    return Letter(SOURCE, key, headers, {**_AROUND, "action": "opened", POISON: key})


def _issue_thing(number: int) -> Thing:
    return (SOURCE, "issue", str(number))


def _key(number: int) -> str:
    return f"{REPOSITORY}#{number}"


def _shown(object_: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is only ours."""
    return {name: value for name, value in object_.items() if name not in ("text", "other")}


def _file(text: str) -> str:
    return f"# Pier\n\nWhere it lands, {text}.\n"


def _file_fact(path: str, text: str) -> There:
    return There((SOURCE, "file", path), path, (text,))
