"""GitHub, played: repositories with their git, conversations, releases, Apps, limits and refusals.

Paths, answers, errors and headers are those of GitHub's REST and GraphQL APIs. Objects are put in
as webhooks tell them; what only REST adds to them is added here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.sources.github.demo import fake_graphql, fake_hooks, fake_schema, fake_shapes
from ingest.sources.github.demo.fake_access import App, installation_token, is_of_app
from ingest.sources.github.demo.fake_git import EMPTY, File
from ingest.sources.github.demo.fake_hooks import app_answer, hook_answer
from ingest.sources.github.demo.fake_lists import list_answer
from ingest.sources.github.demo.fake_objects import Crowd
from ingest.sources.github.demo.fake_rest import OBJECTS, git_answer, object_answer
from ingest.sources.github.demo.fake_shapes import Repository, failure, redirect
from ingest.testing.fakes import Answer, Asked

__all__ = ["App", "Change", "GitHub", "make"]

Change = str | bytes | File | None
"""A file's new content, or None where it is removed."""

_INSTALLATION = re.compile(r"/app/installations/(\d+)/access_tokens")
_BY_NAME = re.compile(r"/repos/([^/]+/[^/]+)(?:/(.*))?")
_BY_ID = re.compile(r"/repositories/(\d+)(?:/(.*))?")


@dataclass(slots=True)
class GitHub:
    """The provider; `answer` is its API, the other methods are what people do at it.

    now: its clock, which signed times are judged by. remaining: requests left in this hour, None
    for any number; `reset_at` is when it ends. tree_limit and compare_limit: what one answer holds.
    page_size: what one page of a list holds at most, however many are asked for. points: what the
    queries cost so far. has_graphql: GitHub Enterprise may have it switched off.
    """

    token: str = "ghp_a-token-of-the-demo"  # noqa: S105 - nothing but the fake believes it
    now: Callable[[], datetime] = lambda: datetime.fromisoformat("2026-03-02T15:00:00+00:00")
    app: App | None = None
    remaining: int | None = None
    reset_at: int = 1_772_467_200
    tree_limit: int = 100_000
    compare_limit: int = 300
    page_size: int = 100
    points: int = 0
    has_graphql: bool = True
    repositories: dict[int, Repository] = field(default_factory=dict)
    former_names: dict[str, int] = field(default_factory=dict)
    minted: list[str] = field(default_factory=list)
    minted_lives: timedelta = timedelta(hours=1)
    _ends: dict[str, datetime] = field(default_factory=dict)

    # What people do.

    def add(self, id_: int, full_name: str, *, default_branch: str = "main") -> Repository:
        """A new repository, empty."""
        self.repositories[id_] = Repository(id_, full_name, default_branch)
        return self.repositories[id_]

    def rename(self, id_: int, full_name: str) -> None:
        """The former name redirects until somebody takes it."""
        of = self.repositories[id_]
        former, self.former_names[of.full_name.lower()] = of.api, id_
        of.full_name = full_name
        for told in of.objects.values():
            urls = {k: v for k, v in told.items() if isinstance(v, str) and v.startswith(former)}
            told |= {name: of.api + url.removeprefix(former) for name, url in urls.items()}

    def change(
        self,
        id_: int,
        branch: str,
        changes: Mapping[str, Change],
        *,
        at: str,
        message: str = "A change",
        sha: str | None = None,
    ) -> dict[str, Any]:
        """One commit on top of the branch; what GitHub pushes of it."""
        return self._push(id_, branch, changes, at=at, message=message, sha=sha, forced=False)

    def force_push(
        self, id_: int, branch: str, files: Mapping[str, Change], *, at: str, onto: str = EMPTY
    ) -> dict[str, Any]:
        """The branch is a new commit on top of another one (of none); what is pushed of it."""
        return self._push(id_, branch, files, at=at, message="Again", forced=True, onto=onto)

    def delete_branch(self, id_: int, branch: str) -> dict[str, Any]:
        """What is pushed of it."""
        of = self.repositories[id_]
        before = of.git.branches.pop(branch)
        return fake_shapes.push(of, branch, before, EMPTY, forced=False)

    def rename_branch(self, id_: int, branch: str, to: str) -> None:
        """Its former name redirects; where it was the default, it still is."""
        of = self.repositories[id_]
        of.git.branches[to] = of.git.branches.pop(branch)
        of.git.renamed[branch] = to
        if of.default_branch == branch:
            of.default_branch = to

    def put(self, id_: int, kind: str, told: Mapping[str, Any], **around: Any) -> dict[str, Any]:
        """An object as a webhook tells it; `around` is what it stands in (`number`, `parent`).

        The kinds are those of `OBJECTS`; it is found by its number or its id.
        """
        of = self.repositories[id_]
        made = OBJECTS[kind].made(of, told, around)
        of.objects[kind, str(made[OBJECTS[kind].key])] = made
        return made

    def populate(
        self,
        id_: int,
        kind: str,
        keys: range,
        tell: Callable[[int], Mapping[str, Any]],
        around: Callable[[int], Mapping[str, Any]] = lambda _key: {},
    ) -> None:
        """A crowd of objects, by their numbers or ids, each made when somebody looks; as `put`."""
        of = self.repositories[id_]
        made = OBJECTS[kind].made
        of.objects.populate(kind, Crowd(keys, lambda key: made(of, tell(key), around(key))))

    def edit(self, id_: int, kind: str, key: int, updated_at: str, **fields: Any) -> dict[str, Any]:
        """The object with other fields, as of then."""
        objects = self.repositories[id_].objects
        told = objects[kind, str(key)] | {"updated_at": updated_at, **fields}
        objects[kind, str(key)] = told
        return told

    def delete(self, id_: int, kind: str, key: int) -> dict[str, Any]:
        """The object is gone; its last state."""
        return self.repositories[id_].objects.pop((kind, str(key)))

    def transfer(self, id_: int, number: int, to: int, new_number: int) -> None:
        """An issue moves to another repository, under another number; its old URL redirects."""
        told = self.delete(id_, "issue", number)
        self.put(to, "issue", told | {"number": new_number, "repository_url": None, "url": None})
        self.repositories[id_].moved[number] = (to, new_number)

    def deliver(
        self, id_: int, event: str, payload: Mapping[str, Any], *, guid: str, at: str, **how: Any
    ) -> list[dict[str, Any]]:
        """An event, as the hooks that are subscribed to it log it; `how` as `fake_hooks.record`."""
        of = self.repositories[id_]
        told = {**payload, "repository": fake_shapes.repository(of)}
        wanted = [
            of.deliveries[hook]
            for hook, about in of.hooks.items()
            if about["active"] and {event, "*"} & {*about["events"]}
        ]
        if self.app is not None and event in self.app.events:
            told |= {"installation": {"id": self.app.installation}}
            wanted.append(self.app.deliveries)
        return [fake_hooks.record(log, event, told, guid=guid, at=at, **how) for log in wanted]

    # What it answers.

    def answer(self, asked: Asked) -> Answer:
        """The right answer, as GitHub gives it, with the headers of its limits."""
        if self.remaining == 0:
            return self._limited()
        if self.remaining is not None:
            self.remaining -= 1
        found = self._answer(asked)
        return Answer(found.status, found.body, {**self._headers(), **found.headers})

    def _answer(self, asked: Asked) -> Answer:
        path = re.sub(r"\A/api/v3(?=/)", "", asked.path)
        if path.startswith("/app"):
            return self._of_app(path, asked)
        if not self._is_let_in(asked):
            return failure(401, "Bad credentials")
        if not asked.headers.get("user-agent"):
            return failure(403, "Request forbidden by administrative rules.")
        if path in ("/graphql", "/api/graphql"):
            return self._graphql(asked)
        named, numbered = _BY_NAME.fullmatch(path), _BY_ID.fullmatch(path)
        if numbered:
            return self._of(self.repositories.get(int(numbered[1])), numbered[2] or "", asked)
        if named:
            return self._named(named[1], named[2] or "", asked)
        return failure(404, "Not Found")

    def _named(self, name: str, rest: str, asked: Asked) -> Answer:
        every = self.repositories.values()
        of = next((one for one in every if one.full_name.lower() == name.lower()), None)
        former = self.former_names.get(name.lower())
        if of is None and former is not None:
            below = f"/{rest}" if rest else ""
            return redirect(f"{asked.url}/repositories/{former}{below}")
        return self._of(of, rest, asked)

    def _of(self, of: Repository | None, rest: str, asked: Asked) -> Answer:
        if of is None or not of.readable:
            return failure(404, "Not Found")
        if not rest:
            return Answer(200, fake_shapes.repository(of))
        if rest in of.forbidden:
            return _unpermitted(rest)
        found = git_answer(of, rest, asked, self.tree_limit, self.compare_limit)
        found = found or list_answer(of, rest, asked, self.page_size)
        found = found or hook_answer(of, rest, asked, self.page_size)
        found = found or object_answer(of, rest, asked)
        return found or failure(404, "Not Found")

    def _of_app(self, path: str, asked: Asked) -> Answer:
        """What an App asks in its own name, by its JWT."""
        installation = _INSTALLATION.fullmatch(path)
        if installation:
            return self._installation_token(asked, int(installation[1]))
        told = asked.headers.get("authorization", "")
        if self.app is None or not is_of_app(self.app, told, self.now()):
            return failure(401, "A JSON web token could not be decoded")
        return app_answer(self.app, path, asked, self.page_size)

    def _is_let_in(self, asked: Asked) -> bool:
        scheme, _, told = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token"):
            return False
        return told == self.token or (told in self.minted and self.now() < self._ends[told])

    def _headers(self) -> dict[str, str]:
        left = 4_999 if self.remaining is None else self.remaining
        return {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-used": str(5_000 - left),
            "x-ratelimit-reset": str(self.reset_at),
            "x-ratelimit-resource": "core",
            "x-github-media-type": "github.v3; format=json",
        }

    def _limited(self) -> Answer:
        found = failure(403, "API rate limit exceeded for installation ID 7.")
        return Answer(403, found.body, self._headers())

    def _installation_token(self, asked: Asked, installation: int) -> Answer:
        """It is good for `minted_lives`."""

        def mint() -> datetime:
            self.minted.append(f"ghs_{installation}_of-the-demo-{len(self._ends) + 1}")
            self._ends[self.minted[-1]] = self.now() + self.minted_lives
            return self._ends[self.minted[-1]]

        found = installation_token(self.app, asked, installation, self.now(), mint)
        if found.status == 201:
            return Answer(201, {"token": self.minted[-1], **found.body})
        return found

    def _graphql(self, asked: Asked) -> Answer:
        if not self.has_graphql:
            return failure(404, "Not Found")
        readable = [one for one in self.repositories.values() if one.readable]
        root = fake_schema.root(lambda: readable)
        query, given = asked.body["query"], asked.body.get("variables") or {}
        body, cost = fake_graphql.answer(query, given, root, self.page_size)
        self.points += cost
        return Answer(200, body)

    def _push(
        self,
        id_: int,
        branch: str,
        changes: Mapping[str, Change],
        *,
        at: str,
        message: str,
        forced: bool,
        sha: str | None = None,
        onto: str | None = None,
    ) -> dict[str, Any]:
        of = self.repositories[id_]
        before = of.git.branches.get(branch, EMPTY)
        parent = before if onto is None else onto
        known = of.git.commits.get(parent)
        files = dict(known.files) if known else {}
        for path, told in changes.items():
            files.pop(path, None)
            if told is not None:
                files[path] = _file(told)
        made = of.git.grow(files, parent, at=at, message=message, sha=sha)
        of.git.branches[branch] = made.sha
        return fake_shapes.push(of, branch, before, made.sha, forced=forced)


def _unpermitted(rest: str) -> Answer:
    """[DOC: troubleshooting-the-rest-api] It names the right that is missing."""
    told = failure(403, "Resource not accessible by integration")
    area = rest.partition("/")[0]
    right = area if area in ("issues", "discussions") else "contents"
    return Answer(403, told.body, {"x-accepted-github-permissions": f"{right}=read"})


def make() -> GitHub:
    """An empty one."""
    return GitHub()


def _file(told: str | bytes | File) -> File:
    if isinstance(told, File):
        return told
    return File(told.encode() if isinstance(told, str) else told)
