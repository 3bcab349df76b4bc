"""The repository that a recorded answer of GitHub's is of, and what its objects are called.

Contract: an issue is `owner/repo#12`, what stands in it `owner/repo#12/comment/5`, a release
`owner/repo@tag`; the name is the one that the object's own page has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.core.values import JSON
from ingest.testing.fakes import Answer
from ingest.testing.recorded import RecordedAnswer

_PLACE = re.compile(
    r"(?:/api/v3)?/(?:repos/(?P<name>[^/]+/[^/]+)|repositories/(?P<id>[0-9]+))(?P<rest>/.*|)"
)
_PAGE = re.compile(r"https?://[^/]+/([^/]+/[^/]+)/(?:issues|pull|discussions|releases)\b")
_API = re.compile(r"https?://[^/]+(?:/api/v3)?/repos/([^/]+/[^/]+)/")
_NUMBER = re.compile(r"/(?:issues|pull|pulls|discussions)/([0-9]+)(?![0-9])")
_ABOVE = ("issue_url", "pull_request_url", "html_url")


@dataclass(frozen=True, slots=True)
class Room:
    """A repository as a connection has it. rest: of the path, below the repository; None: the
    request was about none.
    """

    id: str
    full_name: str
    rest: str | None

    @property
    def path(self) -> str:
        """Of our requests."""
        return f"/repos/{self.full_name}"

    @property
    def metadata(self) -> dict[str, JSON]:
        """Of a connection to it."""
        return {
            "type": "github",
            "githubRepoId": self.id,
            "githubInstallationId": "0",
            "repoFullName": self.full_name,
            "owner": self.full_name.partition("/")[0],
            "defaultBranch": "main",
            "private": False,
            "permissions": {"admin": False, "push": False, "pull": True},
            "include": ["**"],
        }

    @property
    def routes(self) -> dict[str, Answer]:
        """The repository itself, which every look-up proves to be readable."""
        told = {"id": int(self.id), "full_name": self.full_name, "default_branch": "main"}
        return {f"GET {self.path}": Answer(200, told)}

    @staticmethod
    def number_of(told: Mapping[str, Any]) -> int | None:
        """Of the conversation that an object stands in, as its URLs have it."""
        links = told.get("_links")
        pull = links.get("pull_request") if isinstance(links, dict) else None
        urls = [str(told.get(name) or "") for name in _ABOVE]
        urls += [str(pull.get("href")) if isinstance(pull, dict) else ""]
        return next((int(found[1]) for url in urls if (found := _NUMBER.search(url))), None)

    @staticmethod
    def above_of(told: Mapping[str, Any]) -> str:
        """What kind of conversation that is."""
        return "pull_request" if "/pull/" in str(told.get("html_url") or "") else "issue"


def room_of(of: RecordedAnswer) -> Room:
    """By the request; what that does not say, by the objects themselves."""
    place = _PLACE.fullmatch(of.path)
    asked = place.groupdict() if place is not None else {}
    objects = [*_objects(of)]
    names, ids = [asked.get("name")], [asked.get("id")]
    if asked.get("rest") == "" and not of.is_error:
        names, ids = [of.object.get("full_name"), *names], [*ids, of.object.get("id")]
    name = next(filter(None, [*names, *map(name_of, objects)]), "somebody/something")
    id_ = next(filter(None, [*ids, *map(_id_of, objects)]), 1)
    return Room(str(id_), str(name), asked.get("rest"))


def name_of(told: Mapping[str, Any]) -> str | None:
    """The repository that an object's page, or else its place in the API, is in."""
    page, api = _PAGE.match(str(told.get("html_url"))), _API.match(str(told.get("url")))
    found = page or api
    return found[1] if found else None


def key_of(room: Room, kind: str, told: Mapping[str, Any], number: int | None = None) -> str:
    """The key of an object by the contract."""
    name = name_of(told) or room.full_name
    if kind == "release":
        return f"{name}@{told.get('tag_name')}"
    if kind in ("issue", "pull_request", "discussion"):
        return f"{name}#{told.get('number')}"
    above = room.number_of(told) or number or 1
    return f"{name}#{above}/{kind.replace('_', '-')}/{told.get('id')}"


def title_of(kind: str, told: Mapping[str, Any]) -> str | None:
    """The title of an object by the contract; what stands in a conversation has none."""
    if kind == "release":
        return str(told.get("name") or told.get("tag_name"))
    return told.get("title") if kind in ("issue", "pull_request", "discussion") else None


def _objects(of: RecordedAnswer) -> Iterator[Mapping[str, Any]]:
    yield from of.items or [of.object]


def _id_of(told: Mapping[str, Any]) -> str | None:
    """A pull request names its repository whole, and a client believes no other."""
    base = told.get("base")
    repo = base.get("repo") if isinstance(base, dict) else None
    id_ = repo.get("id") if isinstance(repo, dict) else None
    return str(id_) if type(id_) is int else None
