"""The way to GitHub for one connection: the token, the limits, and the repository's present name.

Law: the repository's id decides. Its name is looked up and proven before it stands in a path, so
that whoever takes over a former name is never read in its stead. [DOC: rate-limits-for-the-rest-
api, best-practices-for-using-the-rest-api]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from ingest.core.errors import (
    BadInput,
    BadPayload,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent, Refusal, Response
from ingest.sources.forms import DIGITS, segment
from ingest.sources.github.answers import RepositoryAnswer
from ingest.sources.github.names import FULL_NAME
from ingest.sources.github.payloads import read
from ingest.sources.github.renewal import RENEWAL
from ingest.sources.github.rest import rest_api, until_reset
from ingest.sources.github.tokens import check_token
from ingest.sources.http import Api, Params, bearer
from ingest.sources.renewing import tokens_of
from ingest.sources.wire import at, items

_KNOWN_FOR = timedelta(minutes=5)
"""How long a repository's name is taken for granted."""
_LIMITED = ("RATE_LIMITED", "RATE_LIMIT")


class PartRefused(Refused):
    """A query is answered, and something of it is not shown to the token."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as it is now; `full_name` is proven to be that of its id.

    switched_off: the kinds of objects that it has and shows to nobody, as long as their feature is
    off.
    """

    id: str
    full_name: str
    default_branch: str
    private: bool
    switched_off: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """Of the API."""
        return f"repos/{self.full_name}"


@dataclass(slots=True)
class GitHubApi:
    """Requests of one connection. Blocking; used by several threads at a time."""

    access: Access
    _api: Api = field(init=False, repr=False)
    _authorized: Mapping[str, str] = field(init=False, repr=False, default_factory=dict)
    _unusable: str | None = field(init=False, repr=False, default=None)
    _known: tuple[Repository, datetime] | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        tokens = tokens_of(self.access, RENEWAL)
        self._api = rest_api(self.access, tokens)
        if tokens is not None:
            return
        self._authorized = {"authorization": bearer(self.access.token)}
        try:
            check_token(self.access.token)
        except BadInput as error:
            self._unusable = str(error)

    def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        max_bytes: int | None = None,
        unless: str | None = None,
    ) -> Response:
        """GET below the API's base; raises what `http.Api.get` raises.

        unless: an entity tag; the answer is a 304 where it is that still.
        """
        headers = {**self._headers(), **({"if-none-match": unless} if unless else {})}
        return self._api.get(path, params=params, headers=headers, max_bytes=max_bytes)

    def post(self, path: str, json: JSON) -> Response:
        """POST that asks; raises what `http.Api.post` raises."""
        return self._api.post(path, json=json, headers=self._headers())

    def change(self, method: str, path: str, json: JSON = None) -> Response:
        """PATCH, PUT or DELETE; raises what `http.Api.change` raises."""
        return self._api.change(method, path, json=json, headers=self._headers())

    def query(self, text: str, variables: Mapping[str, JSON]) -> dict[str, JSON]:
        """The `data` of a GraphQL query; raises where GitHub says any error beside it."""
        return self._asked(text, variables, partly=False)[0]

    def query_partly(
        self, text: str, variables: Mapping[str, JSON]
    ) -> tuple[dict[str, JSON], str | None]:
        """The same of one whose fields count each for itself: what failed is null, and why is said.

        Raises `RateLimited` all the same.
        """
        return self._asked(text, variables, partly=True)

    def _asked(
        self, text: str, variables: Mapping[str, JSON], *, partly: bool
    ) -> tuple[dict[str, JSON], str | None]:
        answer = self.post(self._graphql_path(), {"query": text, "variables": {**variables}})
        told = answer.json()
        if not isinstance(told, dict):
            raise BadPayload("$", "is no object")
        errors, data = items(told, "errors"), told.get("data")
        refusal = Refusal(
            answer.status, answer.headers, answer.body, self.access.now(), self.access.mask
        )
        if errors and not (partly and all(at(one, "type") not in _LIMITED for one in errors)):
            fail_query(errors, refusal)
        if not isinstance(data, dict):
            raise BadPayload("data", "required and missing")
        return data, refusal.quoted(str(at(errors[0], "message"))) if errors else None

    def _graphql_path(self) -> str:
        """Beside the REST API on github.com, and beside `v3` on GitHub Enterprise Server."""
        base = self._api.base_url
        enterprise = base.endswith("/api/v3")
        return f"{base.removesuffix('/v3')}/graphql" if enterprise else "graphql"

    def repository(
        self, id_: str, *, fresh: bool = False, within: timedelta = _KNOWN_FOR
    ) -> Repository:
        """The repository of this id; raises `Refused` where the token cannot read it.

        within: how old that knowledge may be; `fresh`: not at all.
        """
        now = self.access.now()
        if self._known is not None and not fresh:
            known, since = self._known
            if known.id == id_ and now - since < within:
                return known
        found = self._look_up(id_)
        self._known = (found, now)
        return found

    def close(self) -> None:
        """Let go of open connections."""
        self._api.close()

    def _look_up(self, id_: str) -> Repository:
        """By the name that the connection knows, and where that is another's by now, by the id."""
        paths = [f"repositories/{segment(id_, 'the id of a repository', DIGITS)}"]
        named = self.access.metadata.get("repoFullName")
        if FULL_NAME.fits(named):
            paths.insert(0, f"repos/{named}")
        for path in paths:
            try:
                answer = read(RepositoryAnswer, self.get(path).json())
            except Absent:
                continue
            if str(answer.id) == id_ and FULL_NAME.fits(answer.full_name):
                return Repository(
                    id_,
                    answer.full_name,
                    answer.default_branch,
                    bool(answer.private),
                    _switched_off(answer),
                )
        raise Refused(
            f"GitHub shows no repository {named or ''} ({id_}) to this token: "
            "it is deleted, or the token may not read it"
        )

    def _headers(self) -> Mapping[str, str]:
        """Those of a plain token; what is made of an App's key comes of itself."""
        if self._unusable is not None:
            raise Refused(self._unusable)
        return self._authorized


def _switched_off(answer: RepositoryAnswer) -> frozenset[str]:
    """[REST-OAS] `has_issues`, `has_discussions`; comments on pull requests are none of either."""
    issues = frozenset({"issue"}) if answer.has_issues is False else frozenset[str]()
    talks = frozenset({"discussion", "discussion_comment"})
    return issues | (talks if answer.has_discussions is False else frozenset[str]())


def fail_query(errors: list[JSON], refusal: Refusal) -> NoReturn:
    """GraphQL says in the body, under the status 200, what REST says by the status."""
    first = errors[0] if isinstance(errors[0], dict) else {}
    kind, message = str(first.get("type") or ""), str(first.get("message") or "")
    words = refusal.quoted(f"{kind or 'an error'}: {message}")
    said = f"GitHub answers a query with {words}"
    if kind in _LIMITED:
        raise RateLimited(said, retry_after_s=until_reset(refusal))
    if kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
        raise PartRefused(said)
    if kind == "NOT_FOUND":
        raise Absent(said, 404)
    if kind == "SERVICE_UNAVAILABLE" or message.startswith("Something went wrong"):
        raise TransientError(said)
    raise PermanentError(said)
