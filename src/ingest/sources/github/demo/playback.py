"""Recorded answers of GitHub's: which requests of ours each is an answer to, and what it becomes.

[REST-OAS] Lists of one conversation are read where those of the whole repository are, which have
the same items. Files have no list: a tree, a blob, a branch or a comparison is read by the look-up
of a branch, in a repository that is made up around it (`playback_files`). What is expected is
written down here from the provider's contract, and shares nothing with the readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.github.demo import playback_files, playback_hooks
from ingest.sources.github.demo.playback_graphql import query_answer
from ingest.sources.github.demo.playback_room import Room, key_of, room_of, title_of
from ingest.sources.listing import PageRequest
from ingest.testing.fakes import Answer, Asked
from ingest.testing.playback import (
    End,
    Playback,
    Playing,
    Unasked,
    routed,
    usual_ends,
)
from ingest.testing.recorded import RecordedAnswer

_TOKEN = "ghp_" + "r" * 36
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LIMITED = re.compile(r"rate limit|abuse detection", re.IGNORECASE)
_ABSENT: Mapping[int, frozenset[End]] = {409: frozenset({"gone"})}
"""An empty repository, of whose data git has nothing to show."""

_Make = Callable[[RecordedAnswer, Room, re.Match[str]], Playback | Unasked]


@dataclass(frozen=True, slots=True)
class _List:
    """kind: of the identity of its items; resource: ours; path: where our list of them is."""

    kind: str
    resource: str
    path: str

    def __call__(self, of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
        """What was cut down to ids when it was recorded is a gap, and no document."""
        told = [one for one in of.items if not _is_no_document(self.kind, one)]
        whole = [one for one in told if len(one) > 1]
        is_cut = len(whole) < len(told)
        after: tuple[Answer, ...] = (of.answer(), Answer(200, []))
        return Playback(
            kind=f"list of {self.kind.replace('_', ' ')}s{', cut down to ids' * is_cut}",
            metadata=room.metadata,
            script=routed({**room.routes, f"GET {room.path}/{self.path}": after}),
            asks=(PageRequest(self.resource, None, _NOW),),
            objects=len(whole),
            documents={key_of(room, self.kind, one): title_of(self.kind, one) for one in whole},
            may_gap=is_cut,
        )


@dataclass(frozen=True, slots=True)
class _Each:
    """A list of one conversation: each of its items as it is looked up, with that conversation."""

    kind: str
    path: str

    def __call__(self, of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
        number, ids = int(at["number"]), [one.get("id") for one in of.items]
        paths = [f"GET {room.path}/{self.path.format(id=id_)}" for id_ in ids]
        above = [room.above_of(one) for one in of.items]
        return Playback(
            kind=f"list of {self.kind.replace('_', ' ')}s of one conversation",
            metadata=room.metadata,
            script=routed(
                {
                    **room.routes,
                    **{path: of.answer(one) for path, one in zip(paths, of.items, strict=True)},
                }
            ),
            asks=tuple(
                Lookup(
                    Identity("github", room.id, self.kind, str(id_)),
                    {"number": number, "parent": parent},
                )
                for id_, parent in zip(ids, above, strict=True)
            ),
            objects=len(ids),
            documents={key_of(room, self.kind, one, number): None for one in of.items},
            ends=frozenset({"read"} if ids else {"nothing said"}),
        )


@dataclass(frozen=True, slots=True)
class _One:
    """kind: of the identity; path: where we look one up, of its `{id}` and its `{number}`."""

    kind: str
    path: str
    key: str = "id"

    def __call__(self, of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
        told, number = of.object, at.groupdict().get("number")
        if told.get(self.key) is None:
            return Unasked(self.kind.replace("_", " "), "the answer shows none")
        id_ = str(told.get(self.key))
        is_none = _is_no_document(self.kind, told)
        path = f"{room.path}/{self.path.format(id=id_, number=number)}"
        above: int = int(number or room.number_of(told) or 1)
        hint: dict[str, JSON] = {"number": above, "parent": room.above_of(told)}
        documents = {key_of(room, self.kind, told, above): title_of(self.kind, told)}
        return Playback(
            kind=self.kind.replace("_", " "),
            metadata=room.metadata,
            script=routed({**room.routes, f"GET {path}": of.answer()}),
            asks=(Lookup(Identity("github", room.id, self.kind, id_), hint),),
            objects=int(not is_none),
            documents={} if is_none else documents,
            ends=frozenset({"gone", "read"} if is_none else {"read"}),
        )


def _is_no_document(kind: str, told: Mapping[str, Any]) -> bool:
    """A pull request among issues, which has a list of its own; a draft; a pending review."""
    if kind == "issue":
        link = told.get("pull_request")
        return isinstance(link, dict) and any(one is not None for one in link.values())
    if kind == "review":
        return str(told.get("state")).lower() == "pending"
    return kind == "release" and told.get("draft") is True


def _reviews(of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
    """Reviews are listed over GraphQL, and over REST those of a pull request with many."""
    node = {
        "number": int(at["number"]),
        "updatedAt": "2026-01-01T00:00:00Z",
        "reviews": {"pageInfo": {"hasNextPage": True, "endCursor": "more"}, "nodes": []},
    }
    pulls = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [node]}
    data = {"repository": {"databaseId": int(room.id), "pullRequests": pulls}}
    listed = _List("review", "reviews", f"pulls/{at['number']}/reviews")
    played = listed(of, room, at)
    if isinstance(played, Unasked):
        return played
    lists = played.script

    def script(asked: Asked) -> Answer:
        is_query = asked.path == "/graphql"
        return Answer(200, {"data": data}) if is_query else lists(asked)

    return Playback(
        played.kind, played.metadata, script, played.asks, played.objects, played.documents
    )


def _blocking(of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
    """What blocks an issue is asked for with the issue, and becomes what that refers to."""
    number = int(at["number"])
    issue = {
        "id": number,
        "number": number,
        "title": f"Issue {number}",
        "state": "open",
        "updated_at": "2026-01-01T00:00:00Z",
        "html_url": f"https://github.com/{room.full_name}/issues/{number}",
        "issue_dependencies_summary": {"total_blocked_by": max(1, len(of.items))},
    }
    path = f"GET {room.path}/issues/{number}"
    routes = {path: Answer(200, issue), f"{path}/dependencies/blocked_by": of.answer()}
    return Playback(
        "list of blocking issues",
        room.metadata,
        routed({**room.routes, **routes}),
        (Lookup(Identity("github", room.id, "issue", str(number))),),
        len(of.items),
        {f"{room.full_name}#{number}": f"Issue {number}"},
    )


def _repository(of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
    routes = {f"GET {room.path}": of.answer()}
    return Playback("repository", room.metadata, routed(routes), ("check",))


def _unasked(why: str) -> _Make:
    def make(of: RecordedAnswer, _room: Room, at: re.Match[str]) -> Playback | Unasked:
        return Unasked(re.sub(r"[0-9]+|[0-9a-f]{40}", "…", at["rest"]) or of.path, why)

    return make


_N, _SHA = r"(?P<number>[0-9]+)", r"(?P<sha>[0-9a-f]{40}|[0-9a-f]{64})"
_KINDS: tuple[tuple[str, _Make], ...] = (
    (r"/issues", _List("issue", "issues", "issues")),
    (r"/issues/comments", _List("comment", "comments", "issues/comments")),
    (rf"/issues/{_N}/comments", _Each("comment", "issues/comments/{id}")),
    (r"/pulls", _List("pull_request", "pulls", "pulls")),
    (r"/pulls/comments", _List("review_comment", "review-comments", "pulls/comments")),
    (
        rf"/pulls/{_N}(/reviews/[0-9]+)?/comments",
        _Each("review_comment", "pulls/comments/{id}"),
    ),
    (rf"/pulls/{_N}/reviews", _reviews),
    (r"/releases", _List("release", "releases", "releases")),
    (rf"/issues/{_N}", _One("issue", "issues/{id}", "number")),
    (rf"/pulls/{_N}", _One("pull_request", "pulls/{id}", "number")),
    (r"/issues/comments/[0-9]+", _One("comment", "issues/comments/{id}")),
    (r"/pulls/comments/[0-9]+", _One("review_comment", "pulls/comments/{id}")),
    (rf"/pulls/{_N}/reviews/[0-9]+", _One("review", "pulls/{number}/reviews/{id}")),
    (r"/releases/([0-9]+|latest|tags/.+)", _One("release", "releases/{id}")),
    (rf"/issues/{_N}/dependencies/blocked_by", _blocking),
    (r"/git/trees/.+", playback_files.tree),
    (rf"/git/blobs/{_SHA}", playback_files.blob),
    (r"/contents/(?P<path>.+)", playback_files.contents),
    (r"/branches/(?P<branch>.+)", playback_files.branch),
    (r"/compare/(?P<base>.+)\.\.\.(?P<head>.+)", playback_files.comparison),
    (r"", _repository),
    (r"/hooks", playback_hooks.hooks),
    (r"/hooks/(?P<hook>[0-9]+)/deliveries(/(?P<delivery>[0-9]+))?", playback_hooks.log),
    (r"/hooks/.*", _unasked("all webhooks are listed")),
    (r"/contents/?", _unasked("files are read by trees")),
    (r"/issues/[0-9]+/(sub_issues|parent)", _unasked("an issue names its parent itself")),
    (r"/(comments|commits/.+/comments)(/.*)?", _unasked("comments on commits are no documents")),
    (r"/commits.*|/git/commits/.+", _unasked("the head of a branch tells all of a file's commit")),
    (r"/issues/.*(labels|events|timeline).*", _unasked("issues themselves tell how they are")),
)
_CHANGED = (
    (r"/issues", "/issues/{number}"),
    (r"/pulls", "/pulls/{number}"),
    (r"/issues/[0-9]+/comments", "/issues/comments/{id}"),
    (r"/pulls/[0-9]+/comments(?:/[0-9]+/replies)?", "/pulls/comments/{id}"),
    (r"/pulls/([0-9]+)/reviews(?:/[0-9]+/(?:events|dismissals))?", "/pulls/{0}/reviews/{id}"),
    (r"/releases", "/releases/{id}"),
)
"""What makes or changes an object is answered with it."""
_NO_REQUEST = "no client of ours asks for it"


def playback(of: RecordedAnswer) -> Playback | Unasked:
    """See `Playing.playback`."""
    room = room_of(of)
    if of.path.endswith("/graphql"):
        return query_answer(of, room)
    rest = room.rest
    if of.is_error:
        return _error(of, room)
    if rest is not None and of.method not in ("GET", ""):
        rest = _shown(of, rest)
    if rest is None:
        return Unasked(f"{of.method} {re.sub('[0-9]+', '…', of.path)}", _NO_REQUEST)
    for pattern, make in _KINDS:
        at = re.fullmatch(f"(?P<rest>{pattern})", rest)
        if at is not None:
            return make(of, room, at)
    return Unasked(re.sub(r"[0-9a-f]{40}|[0-9]+", "…", rest), _NO_REQUEST)


def _shown(of: RecordedAnswer, rest: str) -> str | None:
    """Where the object is read that a change of it was answered with; None: none was."""
    id_, number = of.object.get("id"), of.object.get("number")
    if id_ is None:
        return None
    for pattern, path in _CHANGED:
        at = re.fullmatch(pattern, rest)
        if at is not None:
            return path.format(*at.groups(), id=id_, number=number)
    return rest


def _error(of: RecordedAnswer, room: Room) -> Playback:
    """A refusal: of the repository itself where that was asked for, else of one issue in it."""
    status = of.status or 0
    if room.rest == "" and of.method == "GET":
        ends = usual_ends(status) - {"gone"} or frozenset[End]({"Refused"})
        script = routed({}, lambda _asked: of.answer())
        return Playback("error", room.metadata, script, ("check",), ends=_limited(of, ends))
    routes = {**room.routes, f"GET {room.path}/issues/1": of.answer()}
    ask = Lookup(Identity("github", room.id, "issue", "1"))
    ends = _limited(of, usual_ends(status, _ABSENT))
    return Playback("error", room.metadata, routed(routes), (ask,), ends=ends)


def _limited(of: RecordedAnswer, ends: frozenset[End]) -> frozenset[End]:
    """A 403 may be a limit: its headers, or its words, say so.

    [DOC: rate-limits-for-the-rest-api]
    """
    told = of.headers.get("retry-after") or of.headers.get("x-ratelimit-remaining") == "0"
    is_limit = told or _LIMITED.search(str(of.object.get("message") or of.body))
    return frozenset({"RateLimited"}) if of.status == 403 and is_limit else ends


PLAYING = Playing(_TOKEN, playback)
