"""Vercel's API for one connection: a deployment with the end of its build log.

Law: that a deployment is gone is believed only where its project can be read, as a wrong or
missing team looks the same. Documents: vercel.com/docs/rest-api.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ingest.core.changes import Refresh, Upsert
from ingest.core.errors import BadPayload, Refused
from ingest.core.times import from_epoch_s
from ingest.core.values import JSON
from ingest.sources.answers import DEFAULT_WAIT_S, Absent, Refusal, Rules
from ingest.sources.contract import Access, Lookup, Sight
from ingest.sources.forms import ID, needed, own, segment
from ingest.sources.http import Api
from ingest.sources.vercel.documents import FAILED
from ingest.sources.wire import mapping, nonblank

LOG_EVENTS = 500
_VERSIONED = re.compile(r"/v[0-9]{1,3}/*\Z")
_MILLISECONDS_FROM = 10**11


def connect(access: Access) -> VercelClient:
    """A client for one connection; raises `Refused` where its metadata names no project."""
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
    return VercelClient(api, replace(api, rules=BESIDE), project, team)


def again(told: Upsert) -> Refresh | None:
    """A deployment can always be looked up."""
    return Refresh(told.identity)


@dataclass(frozen=True, slots=True)
class VercelClient:
    """The requests that we make; `team` is None for a personal account.

    `beside` is for what a deployment that may be read can be told without.
    """

    api: Api = field(repr=False)
    beside: Api = field(repr=False)
    project: str
    team: str | None = None

    def fetch_one(self, lookup: Lookup) -> Sight:
        """A deployment and, where it failed, the events of its build, newest first."""
        team = self.team or _hinted(lookup)
        path = segment(lookup.identity.id, "the id of a Vercel deployment", ID)
        try:
            found = self.api.get(f"/v13/deployments/{path}", params=_of(team)).json()
        except Absent as absent:
            self._prove(team, absent)
            return Sight(None)
        if not isinstance(found, dict):
            raise BadPayload("deployment", "the answer is no object")
        if (nonblank(found, "id") or nonblank(found, "uid")) != lookup.identity.id:
            raise BadPayload("deployment.id", "another deployment was answered")
        state = nonblank(found, "readyState") or nonblank(found, "state")
        events = self._events(path, team) if state == FAILED else None
        return Sight({"deployment": found, "events": events})

    def check(self) -> str:
        """The project's name, which proves the token and the team."""
        found = self._project(self.team)
        name = nonblank(found, "name") or self.project
        return f"reads deployments of project {name}"

    def close(self) -> None:
        """Let go of open connections."""
        self.api.close()
        self.beside.close()

    def _events(self, path: str, team: str | None) -> JSON:
        """The end of the build's log; one that is not kept, or that may not be read, is none."""
        params = {"builds": 1, "direction": "backward", "limit": LOG_EVENTS, **_of(team)}
        try:
            found = self.beside.get(f"/v3/deployments/{path}/events", params=params).json()
        except Absent:
            return []
        return found[:LOG_EVENTS] if isinstance(found, list) else []

    def _prove(self, team: str | None, absent: Absent) -> None:
        """Raise `Refused` unless the project can be read: then the deployment is gone indeed."""
        try:
            self._project(team)
        except Absent:
            raise Refused(
                f"{absent}, and project {self.project} cannot be read either: "
                f"{_remedy(team)}, or the project is removed"
            ) from absent

    def _project(self, team: str | None) -> Mapping[str, JSON]:
        path = f"/v9/projects/{self.project}"
        return mapping(self.api.get(path, params=_of(team)).json())


def _hinted(lookup: Lookup) -> str | None:
    told = lookup.hint.get("teamId")
    return told if ID.fits(told) else None


def _of(team: str | None) -> dict[str, str | int | list[str]]:
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
