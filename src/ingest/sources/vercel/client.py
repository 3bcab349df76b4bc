"""Vercel's API for one connection: a deployment with the end of its build log, and all of them.

Law: that a deployment is gone is believed only where its project can be read, as a wrong or
missing team looks the same; of what is gone its age says whether anybody deleted it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.core.changes import Refresh, Upsert
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent
from ingest.sources.contract import Lookup, Sight
from ingest.sources.forms import ID
from ingest.sources.listing import Page, PageRequest
from ingest.sources.vercel import lists, payloads
from ingest.sources.vercel.requests import Requests, requests_of
from ingest.sources.vercel.retention import is_past
from ingest.sources.wire import mapping, nonblank

AGED_OUT: dict[str, JSON] = {"agedOut": True}
"""What is shown, and kept for the next look-up, of what Vercel removed for its age."""


def connect(access: Access) -> VercelClient:
    """A client for one connection; raises `Refused` where its metadata names no project."""
    return VercelClient(requests_of(access))


def again(told: Upsert) -> Refresh | None:
    """A deployment can always be looked up."""
    return Refresh(told.identity)


@dataclass(frozen=True, slots=True)
class VercelClient:
    """Fulfils `contract.Client` and `listing.Lists`."""

    requests: Requests

    def fetch_one(self, lookup: Lookup) -> Sight:
        """A deployment and, where it failed, the events of its build, newest first."""
        team = self.requests.team or _hinted(lookup)
        try:
            raw = self.requests.deployment(lookup.identity.id, team)
        except Absent as absent:
            return _absent(lookup, self.requests.prove(team, str(absent)))
        of = payloads.seen(mapping(raw.get("deployment")))
        return Sight(raw, _state(lookup, is_old=of.has_aged_out))

    def list_page(self, request: PageRequest) -> Page:
        """One page of the project's deployments, newest first; those that it does not tell whole
        are looked up.
        """
        return lists.list_page(self.requests, request)

    def check(self) -> str:
        """The project's name, which proves the token and the team."""
        found = self.requests.read_project(self.requests.team)
        name = nonblank(found, "name") or self.requests.project
        return f"reads deployments of project {name}"

    def close(self) -> None:
        """Let go of open connections."""
        self.requests.close()


def _absent(lookup: Lookup, project: Mapping[str, JSON]) -> Sight:
    """Gone, or aged out: as it was seen before, or by the dates that a sync run knows of it."""
    is_old = lookup.state == AGED_OUT or is_past(lookup.hint, project, lookup.sent_at)
    return Sight(AGED_OUT, AGED_OUT) if is_old else Sight(None)


def _state(lookup: Lookup, *, is_old: bool) -> JSON:
    """What the next look-up has to know; None where it is what the last one left."""
    if is_old:
        return AGED_OUT
    return {} if lookup.state else None


def _hinted(lookup: Lookup) -> str | None:
    told = lookup.hint.get("teamId")
    return told if ID.fits(told) else None
