"""The way to GitHub for one connection: the token, the limits, and the repository's present name.

Law: the repository's id decides. Its name is looked up and proven before it stands in a path, so
that whoever takes over a former name is never read in its stead. [DOC: rate-limits-for-the-rest-
api, best-practices-for-using-the-rest-api]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from ingest.core.errors import (
    BadInput,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.times import from_epoch_s
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Refusal, Response, Rules
from ingest.sources.contract import Access
from ingest.sources.forms import DIGITS, segment
from ingest.sources.github.answers import InstallationToken, RepositoryAnswer
from ingest.sources.github.names import FULL_NAME
from ingest.sources.github.payloads import read
from ingest.sources.github.tokens import AppKey, app_key
from ingest.sources.http import Api, Params

SECONDARY_WAIT_S = 60.0
"""[DOC: secondary rate limits] "wait for at least one minute" where no header says how long."""
_SPARE = timedelta(minutes=5)
"""A token of an installation is not used in the last minutes of its hour."""
_KNOWN_FOR = timedelta(minutes=5)
"""How long a repository's name is taken for granted."""
_SECONDARY = re.compile(
    rb"secondary rate limit|abuse detection|abuse-rate-limits|rate limit exc", re.IGNORECASE
)
_HEADERS = {
    "accept": "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    "user-agent": "lightfast-ingest",
}


def _wait_s(refusal: Refusal) -> float | None:
    """403 or 429: `retry-after`, else until the reset where nothing remains, else a minute."""
    if refusal.status not in (403, 429):
        return None
    told = refusal.retry_after_s()
    if told is not None:
        return told
    if refusal.headers.get("x-ratelimit-remaining") == "0":
        return _until_reset(refusal)
    limited = refusal.status == 429 or _SECONDARY.search(refusal.body[:4096])
    return SECONDARY_WAIT_S if limited else None


def _until_reset(refusal: Refusal) -> float:
    """`x-ratelimit-reset` is in seconds since 1970, by GitHub's own clock."""
    reset = refusal.headers.get("x-ratelimit-reset", "")
    if not (reset.isascii() and reset.isdigit()):
        return SECONDARY_WAIT_S
    try:
        return max(1.0, refusal.until(from_epoch_s(int(reset))))
    except ValueError:
        return SECONDARY_WAIT_S


# 409 is said of an empty repository's git data: what was asked for is not there.
_RULES = Rules(wait_s=_wait_s, absent=frozenset({404, 409, 410}))


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as it is now; `full_name` is proven to be that of its id."""

    id: str
    full_name: str
    default_branch: str
    private: bool

    @property
    def path(self) -> str:
        """Of the API."""
        return f"repos/{self.full_name}"


@dataclass(slots=True)
class GitHubApi:
    """Requests of one connection. Blocking; of two threads that find a token stale both renew it,
    which does no harm.
    """

    access: Access
    _api: Api = field(init=False, repr=False)
    _key: AppKey | None = field(init=False, repr=False, default=None)
    _unusable: str | None = field(init=False, repr=False, default=None)
    _minted: InstallationToken | None = field(init=False, repr=False, default=None)
    _known: tuple[Repository, datetime] | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        base = self.access.base_url.rstrip("/").removesuffix("/graphql")
        # GitHub Enterprise Server: `/api/v3`, and `/api/graphql`.
        base = f"{base}/v3" if base.endswith("/api") else base
        self._api = Api(
            "GitHub",
            base,
            self.access.now,
            _HEADERS,
            _RULES,
            resolve=self.access.resolve,
            mask=self.access.mask,
        )
        try:
            self._key = app_key(self.access.token)
        except BadInput as error:
            self._unusable = str(error)

    def get(
        self, path: str, *, params: Params | None = None, max_bytes: int | None = None
    ) -> Response:
        """GET below the API's base; raises what `http.Api.get` raises."""
        return self._with_token(
            lambda headers: self._api.get(path, params=params, headers=headers, max_bytes=max_bytes)
        )

    def post(self, path: str, json: JSON) -> Response:
        """POST that asks; raises what `http.Api.post` raises."""
        return self._with_token(lambda headers: self._api.post(path, json=json, headers=headers))

    def refusal(self, answer: Response) -> Refusal:
        """An answer that refuses, whatever its status says."""
        now, mask = self.access.now(), self.access.mask
        return Refusal(answer.status, answer.headers, answer.body, now, mask)

    def graphql_path(self) -> str:
        """Beside the REST API on github.com, and beside `v3` on GitHub Enterprise Server."""
        base = self._api.base_url
        enterprise = base.endswith("/api/v3")
        return f"{base.removesuffix('/v3')}/graphql" if enterprise else "graphql"

    def repository(self, id_: str, *, fresh: bool = False) -> Repository:
        """The repository of this id; raises `Refused` where the token cannot read it."""
        now = self.access.now()
        if self._known is not None and not fresh:
            known, since = self._known
            if known.id == id_ and now - since < _KNOWN_FOR:
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
                private = bool(answer.private)
                return Repository(id_, answer.full_name, answer.default_branch, private)
        raise Refused(
            f"GitHub shows no repository {named or ''} ({id_}) to this token: "
            "it is deleted, or the token may not read it"
        )

    def _with_token(self, send: Callable[[Mapping[str, str]], Response]) -> Response:
        """An installation's token that is refused may just be revoked: one new one is tried."""
        if self._unusable is not None:
            raise Refused(self._unusable)
        if self._key is None:
            return send(_bearer(self.access.token))
        known = self._minted
        if known is not None and self.access.now() < known.expires_at - _SPARE:
            try:
                return send(_bearer(known.token))
            except Refused:
                self._minted = None
        self._minted = minted = self._mint(self._key)
        return send(_bearer(minted.token))

    def _mint(self, key: AppKey) -> InstallationToken:
        """[REST-OAS] apps/create-installation-access-token."""
        id_ = self.access.metadata.get("githubInstallationId")
        if not DIGITS.fits(id_):
            raise Refused(
                "a GitHub App's key needs githubInstallationId in the connection's metadata"
            )
        path = f"app/installations/{id_}/access_tokens"
        try:
            answer = self._api.post(path, json={}, headers=_bearer(key.jwt(self.access.now())))
        except Absent as error:
            raise Refused(
                f"GitHub knows no installation {id_} of App {key.app_id}: it was removed or "
                "suspended, or is another App's"
            ) from error
        return read(InstallationToken, answer.json())


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def fail_query(errors: list[JSON], refusal: Refusal) -> NoReturn:
    """GraphQL says in the body, under the status 200, what REST says by the status."""
    first = errors[0] if isinstance(errors[0], dict) else {}
    kind, message = str(first.get("type") or ""), str(first.get("message") or "")
    words = refusal.quoted(f"{kind or 'an error'}: {message}")
    said = f"GitHub answers a query with {words}"
    if kind in ("RATE_LIMITED", "RATE_LIMIT"):
        raise RateLimited(said, retry_after_s=_until_reset(refusal))
    if kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
        raise Refused(said)
    if kind == "NOT_FOUND":
        raise Absent(said, 404)
    if kind == "SERVICE_UNAVAILABLE" or message.startswith("Something went wrong"):
        raise TransientError(said)
    raise PermanentError(said)
