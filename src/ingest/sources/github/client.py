"""GitHub's API for one connection: each object looked up whole, in the shape webhooks tell it in.

What is handed over: `{"object": …, "repository": "owner/repo"}`, with the `number` of the
conversation for what belongs to one, for comments which kind of `parent` that is, and for issues
what they are `blocked_by`; a branch is `branches`. [REST-OAS]
Law: an object is gone only where its repository is proven readable; one that was transferred is
gone from here, wherever a redirect leads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ingest.core.errors import BadPayload, Denied, PermanentError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent, Response
from ingest.sources.contract import Lookup, Sight
from ingest.sources.forms import DIGITS, segment
from ingest.sources.github import branches, graphql, lists
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.names import NODE_ID
from ingest.sources.github.payloads import is_pull_request
from ingest.sources.github.searching import searched_comment
from ingest.sources.github.sights import CONVERSATION, blocked_by, in_conversation
from ingest.sources.listing import Page, PageRequest

_Object = dict[str, JSON]

_REPOSITORY_IN = re.compile(r"/repos/([^/]+/[^/]+)(?:/|\Z)")
_ID_IN = re.compile(r"/repositories/([0-9]{1,19})/")
_MOST_VARIABLE = 2**31
# "Issues are disabled for this repo", and not "This issue was deleted".
_DISABLED = re.compile(r"\b(?:is|are|been) disabled\b", re.IGNORECASE)
_FEATURES = {
    "issue": "issues",
    "comment": "issues",
    "discussion": "discussions",
    "discussion_comment": "discussions",
}


class _Kind(NamedTuple):
    """How a kind is asked for: the path below the repository (`{id}`, `{number}`), and the field
    that is its own key.
    """

    path: str
    key: str


_KINDS: Mapping[str, _Kind] = {
    "issue": _Kind("issues/{id}", "number"),
    "pull_request": _Kind("pulls/{id}", "number"),
    "comment": _Kind("issues/comments/{id}", "id"),
    "review": _Kind("pulls/{number}/reviews/{id}", "id"),
    "review_comment": _Kind("pulls/comments/{id}", "id"),
    "release": _Kind("releases/{id}", "id"),
}


class GitHubClient:
    """One connection's client; see `sources.contract.Client` and `sources.listing.Lists`."""

    def __init__(self, access: Access) -> None:
        self._api = GitHubApi(access)
        self._scope = str(access.metadata.get("githubRepoId") or "")
        self._others: Mapping[str, Callable[[Repository, Lookup], _Object | None]] = {
            "discussion": self._discussion,
            "discussion_comment": self._discussion_comment,
        }

    def fetch_one(self, lookup: Lookup) -> Sight:
        """Look one object up; raises `Refused`, `RateLimited`, `TransientError`, `PermanentError`.

        Kinds: those of `_KINDS`, `discussion`, `discussion_comment`, `branch`.
        """
        kind = lookup.identity.kind
        if kind == "branch":
            return branches.look(self._api, lookup)
        look = self._others.get(kind) or (self._rest if kind in _KINDS else None)
        if look is None:
            raise PermanentError(f"a {kind[:40]} of GitHub's cannot be looked up")
        repository = self._api.repository(lookup.identity.scope)
        try:
            told = look(repository, lookup)
            return Sight(None if told is None else {**told, "repository": repository.full_name})
        except Absent as absent:
            # Gone, moved, or out of sight with all the rest: the last raises `Refused` here.
            repository = self._api.repository(lookup.identity.scope, fresh=True)
            if _is_switched_off(repository, lookup, absent):
                raise Denied(
                    f"{repository.full_name} has {_FEATURES.get(kind, 'that')} switched off, which "
                    f"hides its {kind.replace('_', ' ')}s and deletes none"
                ) from absent
            return Sight(None)

    def list_page(self, request: PageRequest) -> Page:
        """One page of one of `listing.LISTING`'s resources; see `sources.listing.Lists`."""
        return lists.list_page(self._api, request)

    def check(self) -> str:
        """Which repository the token reads."""
        found = self._api.repository(self._scope, fresh=True)
        seen = "private" if found.private else "public"
        return f"{found.full_name} ({seen}), default branch {found.default_branch}"

    def close(self) -> None:
        """Let go of open connections."""
        self._api.close()

    def _rest(self, repository: Repository, lookup: Lookup) -> _Object | None:
        kind = _KINDS[lookup.identity.kind]
        number = _number(lookup) if "{number}" in kind.path else ""
        path = kind.path.format(id=_id(lookup), number=number)
        answer = self._api.get(f"{repository.path}/{path}")
        told = _object(answer)
        if not self._is_here(repository, told, answer) or str(told.get(kind.key)) != _id(lookup):
            return None
        if lookup.identity.kind == "issue" and is_pull_request(told.get("pull_request")):
            return None
        if lookup.identity.kind == "issue":
            return {"object": told, "blocked_by": blocked_by(self._api, repository, told)}
        if lookup.identity.kind in CONVERSATION:
            return _in_conversation(lookup, told)
        return {"object": told}

    def _is_here(self, repository: Repository, told: _Object, answer: Response) -> bool:
        """Whether the answer is of this repository: a redirect may have led to another's."""
        base = told.get("base")
        repo = base.get("repo") if isinstance(base, dict) else None
        id_ = repo.get("id") if isinstance(repo, dict) else None
        if id_ is not None:
            return str(id_) == repository.id
        if answer.moved is None:
            return True
        led_to = _ID_IN.search(answer.moved)
        if led_to is not None:
            return led_to[1] == repository.id
        urls = (told.get(name) for name in ("repository_url", "url"))
        named = next((m[1] for u in urls if isinstance(u, str) and (m := _named(u))), None)
        if named is None:
            return False
        return named.lower() == self._api.repository(repository.id, fresh=True).full_name.lower()

    def _discussion(self, repository: Repository, lookup: Lookup) -> _Object | None:
        variables = _of(repository) | {"number": _whole(_id(lookup))}
        answer = self._api.query(graphql.DISCUSSION, variables)
        node = graphql.found(answer, "repository", "discussion")
        if node is None or not graphql.is_of(node, repository.id):
            return None
        return {"object": graphql.discussion(node)}

    def _discussion_comment(self, repository: Repository, lookup: Lookup) -> _Object | None:
        node_id = lookup.hint.get("nodeId")
        if not NODE_ID.fits(node_id):
            number = _whole(_number(lookup))
            return searched_comment(self._api, repository, number, _id(lookup))
        node = graphql.found(self._api.query(graphql.COMMENT, {"id": node_id}), "node")
        above = graphql.found(node, "discussion") if node else None
        if node is None or above is None or not graphql.is_of(above, repository.id):
            return None
        if str(node.get("databaseId")) != _id(lookup) or graphql.is_deleted(node):
            return None
        return {"object": graphql.comment(node), "number": graphql.number_of(above)}


def _is_switched_off(repository: Repository, lookup: Lookup, absent: Absent) -> bool:
    """Whether what is not shown is there: GitHub says 410 where it shows none of its kind, and
    hides them all by a 404 elsewhere. Comments on pull requests go on where issues are off.
    """
    kind = lookup.identity.kind
    if kind == "comment" and lookup.hint.get("parent") == "pull_request":
        return False
    off = {*repository.switched_off, *(("comment",) if "issue" in repository.switched_off else ())}
    return kind in off or bool(_DISABLED.search(absent.words))


def connect(access: Access) -> GitHubClient:
    """The client of one connection."""
    return GitHubClient(access)


def _in_conversation(lookup: Lookup, told: _Object) -> _Object:
    """As a list hands it over; what names no conversation itself (answers of 2012) stands in the
    one that whoever asks for it knows.
    """
    try:
        return in_conversation(lookup.identity.kind, told)
    except BadPayload:
        if not DIGITS.fits(str(lookup.hint.get("number"))):
            raise
        return {"object": told}


def _object(answer: Response) -> _Object:
    told = answer.json()
    if not isinstance(told, dict):
        raise BadPayload("$", "is no object")
    return told


def _named(url: str) -> re.Match[str] | None:
    return _REPOSITORY_IN.search(url)


def _of(repository: Repository) -> _Object:
    owner, _, name = repository.full_name.partition("/")
    return {"owner": owner, "name": name}


def _id(lookup: Lookup) -> str:
    return segment(lookup.identity.id, f"the id of a GitHub {lookup.identity.kind}", DIGITS)


def _number(lookup: Lookup) -> str:
    number = lookup.hint.get("number")
    if isinstance(number, bool) or not DIGITS.fits(str(number)):
        raise PermanentError(
            f"which conversation the {lookup.identity.kind} belongs to is not told"
        )
    return str(number)


def _whole(number: str) -> int:
    """GraphQL's `Int` has 32 bits; no repository counts that far."""
    found = int(number)
    if found >= _MOST_VARIABLE:
        raise PermanentError(f"{number} is no number of a GitHub discussion")
    return found
