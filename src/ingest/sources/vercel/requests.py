"""The requests that we make of Vercel's API: a deployment and its log, a project, lists, webhooks.

Law: every one of them names the team, as what is a team's is not found without; that something is
gone is believed only where its project can be read. Documents: vercel.com/docs/rest-api.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.times import from_epoch_s
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import DEFAULT_WAIT_S, Absent, Refusal, Rules
from ingest.sources.forms import ID, needed, own, segment
from ingest.sources.http import Api
from ingest.sources.vercel.documents import FAILED
from ingest.sources.wire import mapping, nonblank

LOG_EVENTS = 500
MOST_EACH = 3
"""Requests for one deployment: with its log, and the name of its environment."""
MOST_LISTED = 100
"""…/list-deployments: the largest `limit`."""
LISTS = ("/v7/deployments", "/v6/deployments")
"""The SDK's and the documents': the same list by two names, of which one may be taken away."""
_VERSIONED = re.compile(r"/v[0-9]{1,3}/*\Z")
_MILLISECONDS_FROM = 10**11
_MISSING = frozenset({404, 410})
_ENVIRONMENT = "the id of a Vercel environment"

Query = dict[str, str | int | list[str]]


@dataclass(frozen=True, slots=True)
class Requests:
    """Of one connection; `team` is None for a personal account.

    `beside` is for what a deployment that may be read can be told without.
    """

    api: Api = field(repr=False)
    beside: Api = field(repr=False)
    project: str
    team: str | None = None

    def deployment(self, id_: str, team: str | None) -> dict[str, JSON]:
        """A deployment and, where it failed, the events of its build, newest first.

        Raises `Absent`, and `BadPayload` for an answer that is another one.
        """
        path = segment(id_, "the id of a Vercel deployment", ID)
        found = self.api.get(f"/v13/deployments/{path}", params=_of(team)).json()
        if not isinstance(found, dict):
            raise BadPayload("deployment", "the answer is no object")
        if (nonblank(found, "id") or nonblank(found, "uid")) != id_:
            raise BadPayload("deployment.id", "another deployment was answered")
        state = nonblank(found, "readyState") or nonblank(found, "state")
        events = self._events(path, team) if state and state.upper() == FAILED else None
        return {"deployment": self._named(found, team), "events": events}

    def _events(self, path: str, team: str | None) -> JSON:
        """The end of the build's log: one that is not kept, or not yet, is empty; None for one that
        may not be read, or cannot.
        """
        params = {"builds": 1, "direction": "backward", "limit": LOG_EVENTS, **_of(team)}
        try:
            found = self.beside.get(f"/v3/deployments/{path}/events", params=params).json()
        except Absent as absent:
            return [] if absent.status in _MISSING else None
        except PermanentError:
            return None
        return found[:LOG_EVENTS] if isinstance(found, list) else []

    def _named(self, found: dict[str, JSON], team: str | None) -> dict[str, JSON]:
        """The deployment with the name of its custom environment, of which it may tell the id alone
        (…/environment/retrieve-a-custom-environment).
        """
        told = mapping(found.get("customEnvironment"))
        id_ = nonblank(told, "id") or nonblank(found, "customEnvironmentId")
        if nonblank(told, "slug") or not ID.fits(id_):
            return found
        path = f"/v9/projects/{self.project}/custom-environments/{segment(id_, _ENVIRONMENT, ID)}"
        try:
            slug = nonblank(self.beside.get(path, params=_of(team)).json(), "slug")
        except (Absent, PermanentError):
            return found
        return {**found, "customEnvironment": {**told, "id": id_, "slug": slug}}

    def read_project(self, team: str | None) -> Mapping[str, JSON]:
        """The project; raises `Absent`."""
        path = f"/v9/projects/{self.project}"
        return mapping(self.api.get(path, params=_of(team)).json())

    def prove(self, team: str | None, why: str) -> Mapping[str, JSON]:
        """The project, which shows that what is missing is missing indeed; else `Refused`."""
        try:
            return self.read_project(team)
        except Absent as absent:
            raise Refused(
                f"{why}, and project {self.project} cannot be read either: "
                f"{_remedy(team)}, or the project is removed"
            ) from absent

    def deployments(self, params: Query, lists: Sequence[str] = LISTS) -> tuple[JSON, str]:
        """One page of the project's deployments, and which of the lists answered: the first that
        is there.

        Raises `Refused` where the project cannot be read, `PermanentError` where nothing is listed.
        """
        query: Query = {"projectId": self.project, "limit": MOST_LISTED, **params, **_of(self.team)}
        for path in lists:
            try:
                return self.api.get(path, params=query).json(), path
            except Absent:
                continue
        self.prove(self.team, "Vercel lists no deployments")
        raise PermanentError(f"Vercel lists deployments by none of {', '.join(lists)} any more")

    def webhooks(self) -> JSON:
        """All webhooks of the team; raises `Absent`. Whether `projectId` would leave out those that
        are for every project, Vercel does not say.
        """
        return self.api.get("/v1/webhooks", params=_of(self.team)).json()

    def make_webhook(self, url: str, events: Sequence[str]) -> JSON:
        """A webhook of the project's, with its secret, which is told this once."""
        asked: JSON = {"url": url, "events": [*events], "projectIds": [self.project]}
        return self.api.post(self._whole("/v1/webhooks"), json=asked).json()

    def delete_webhook(self, id_: str) -> None:
        """Raises `Absent` for one that is gone."""
        path = segment(id_, "the id of a Vercel webhook", ID)
        self.api.change("DELETE", self._whole(f"/v1/webhooks/{path}"))

    def _whole(self, path: str) -> str:
        """The URL with the team in it, for what is no GET."""
        return f"{self.api.base_url}{path}" + (f"?teamId={self.team}" if self.team else "")

    def close(self) -> None:
        """Let go of open connections."""
        self.api.close()
        self.beside.close()


def requests_of(access: Access) -> Requests:
    """Those of one connection; raises `Refused` where its metadata names no project."""
    project = needed(access.metadata, "vercelProjectId", ID)
    team = own(access.metadata, "vercelTeamId", ID)
    api = Api(
        title="Vercel",
        base_url=_VERSIONED.sub("", access.base_url.strip().rstrip("/")),
        now=access.now,
        headers={"authorization": f"Bearer {access.token}", "accept": "application/json"},
        rules=RULES,
        resolve=access.resolve,
        mask=access.mask,
    )
    return Requests(api, replace(api, rules=BESIDE), project, team)


def _of(team: str | None) -> Query:
    return {"teamId": team} if team else {}


def _remedy(team: str | None) -> str:
    if team is None:
        return "the connection's metadata names no vercelTeamId, which a team's project needs"
    return f"the token or the vercelTeamId {team} is not the project's"


def _wait_s(refusal: Refusal) -> float | None:
    """429, or the code `rate_limited` whatever the status: until then, by whichever tells it."""
    error = mapping(mapping(refusal.json()).get("error"))
    if refusal.status != 429 and error.get("code") != "rate_limited":
        return None
    told = refusal.retry_after_s()
    if told is not None:
        return told
    resets = (refusal.headers.get("x-ratelimit-reset"), mapping(error, "limit").get("reset"))
    at = next(filter(None, map(_reset_at, resets)), None)
    return DEFAULT_WAIT_S if at is None else max(1.0, refusal.until(at))


def _reset_at(raw: JSON) -> datetime | None:
    """Seconds since 1970, also as a text; in milliseconds where it would be a far year else."""
    told = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    if not (told.isascii() and told.isdigit() and len(told) <= 16):
        return None
    seconds = int(told) / 1000 if int(told) > _MILLISECONDS_FROM else float(told)
    try:
        return from_epoch_s(seconds).astimezone(UTC)
    except ValueError:
        return None


# 402: the account is closed for want of payment.
RULES = Rules(wait_s=_wait_s, refused=frozenset({401, 402, 403}))
# A role may see deployments and not their logs; a wrong token is refused with the deployment.
BESIDE = Rules(wait_s=_wait_s, refused=frozenset({401}), absent=frozenset({402, 403, 404, 410}))
