"""Recorded answers of GitHub's: which requests of ours each is an answer to, and what it becomes.

[REST-OAS] Lists of one conversation are read where those of the whole repository are, which have
the same items. Files have no list: a tree, a blob, a branch or a comparison is read by the look-up
of a branch, in a repository that is made up around it (`playback_files`). What is expected is
written down here from the provider's contract, and shares nothing with the readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ingest.core.identity import Identity
from ingest.sources.contract import Lookup
from ingest.sources.github.demo import playback_files, playback_hooks
from ingest.sources.github.demo.playback_graphql import query_answer
from ingest.sources.github.demo.playback_objects import (
    Each,
    ListOf,
    One,
    blocking,
    gathered,
    reviews,
)
from ingest.sources.github.demo.playback_room import Room, room_of
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


def _repository(of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
    routes = {f"GET {room.path}": of.answer()}
    return Playback("repository", room.metadata, routed(routes), ("check",))


def _gathered(of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
    return gathered(of, room)


def _unasked(why: str) -> _Make:
    def make(of: RecordedAnswer, _room: Room, at: re.Match[str]) -> Playback | Unasked:
        return Unasked(re.sub(r"[0-9a-f]{40}|[0-9]+", "…", at["rest"]) or of.path, why)

    return make


_N, _SHA = r"(?P<number>[0-9]+)", r"(?P<sha>[0-9a-f]{40}|[0-9a-f]{64})"
_KINDS: tuple[tuple[str, _Make], ...] = (
    (r"/issues", ListOf("issue", "issues", "issues")),
    (r"/issues/comments", ListOf("comment", "comments", "issues/comments")),
    (rf"/issues/{_N}/comments", Each("comment", "issues/comments/{id}")),
    (r"/pulls", ListOf("pull_request", "pulls", "pulls")),
    (r"/pulls/comments", ListOf("review_comment", "review-comments", "pulls/comments")),
    (
        rf"/pulls/{_N}(/reviews/[0-9]+)?/comments",
        Each("review_comment", "pulls/comments/{id}"),
    ),
    (rf"/pulls/{_N}/reviews", reviews),
    (r"/releases", ListOf("release", "releases", "releases")),
    (rf"/issues/{_N}", One("issue", "issues/{id}", "number")),
    (rf"/pulls/{_N}", One("pull_request", "pulls/{id}", "number")),
    (r"/issues/comments/[0-9]+", One("comment", "issues/comments/{id}")),
    (r"/pulls/comments/[0-9]+", One("review_comment", "pulls/comments/{id}")),
    (rf"/pulls/{_N}/reviews/[0-9]+", One("review", "pulls/{number}/reviews/{id}")),
    (r"/releases/([0-9]+|latest|tags/.+)", One("release", "releases/{id}")),
    (rf"/issues/{_N}/dependencies/blocked_by", blocking),
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
    (rf"/issues/{_N}/(?:sub_issues|dependencies/blocking)", _gathered),
    (r"/issues/[0-9]+/parent", _unasked("an issue names its parent itself")),
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
_GATHERED = frozenset({"/issues", "/user/issues", "/search/issues"})
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
    if of.path.rstrip("/") in _GATHERED:
        return gathered(of, room)
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
