"""The deployments of a project, a page at a time, newest first.

Law: a page is named by a time of creation and by nothing that ends, so that a listing goes on
where it stood however much later; the edge of two pages is asked for twice rather than never.
Document: vercel.com/docs/rest-api/deployments/list-deployments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from ingest.core.changes import Refresh
from ingest.core.errors import PermanentError, Refused
from ingest.core.times import to_micros
from ingest.sources.answers import Absent
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.sources.vercel import payloads
from ingest.sources.vercel.cursors import (
    MOST_MARKS,
    MOST_UNFINISHED,
    Left,
    Place,
    first,
    left,
    place,
)
from ingest.sources.vercel.descriptor import DESCRIPTOR
from ingest.sources.vercel.documents import FAILED
from ingest.sources.vercel.items import (
    Sorted,
    Whom,
    deployments_of,
    is_unfinished,
    next_of,
    sort,
)
from ingest.sources.vercel.listing import DEPLOYMENTS
from ingest.sources.vercel.normalise import identity
from ingest.sources.vercel.requests import LISTS, MOST_EACH, Query, Requests
from ingest.sources.wire import mapping

_BLIND = timedelta(days=1)
"""So much longer is listed where nobody knows which deployments were unfinished the last time."""


def list_page(requests: Requests, request: PageRequest) -> Page:
    """One page; raises what `fetch_one` raises, and `Refused` where nothing can be read at all."""
    if request.resource != DEPLOYMENTS:
        raise PermanentError(f"Vercel has no list of {request.resource}")
    before = left(request.kept, request.made_by)
    stands = place(request.cursor) or _begun(request, before)
    scope = DESCRIPTOR.scope(requests.project, request.connection)
    step = _Step(requests, request, before, lambda id_: identity(scope, id_))
    return step.page(stands)


def _begun(request: PageRequest, before: Left | None) -> Place:
    """A full listing meets all that is unfinished by itself."""
    return Place(due=before.unfinished if before and request.since else ())


@dataclass(slots=True)
class _Looked:
    """What was looked up of a page: told whole, or not to be told and so wanted; `done` by id."""

    listed: list[Listed] = field(default_factory=list)
    wanted: list[Refresh] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Step:
    """One page of one listing; `before` is what the last one left."""

    requests: Requests
    request: PageRequest
    before: Left | None
    whom: Whom

    def page(self, stands: Place) -> Page:
        """What is still to be looked up, or else the next page of the list."""
        found, calls = Sorted(look=dict(stands.look)), 0
        if not (stands.look or stands.listed):
            stands, found = self._listed(stands)
            calls = 1
        looked = self._looked_up(found.look, calls)
        after = _after(stands, found, looked)
        is_over = after.listed and not after.look
        return Page(
            listed=(*found.listed, *looked.listed),
            present=tuple(found.present),
            wanted=tuple(looked.wanted),
            cursor=None if is_over else after.told(),
            kept=self._left(after).told() if is_over else None,
            gap=found.gap,
        )

    def _listed(self, stands: Place) -> tuple[Place, Sorted]:
        """The next page of the list, and where that leads."""
        lists = sorted(LISTS, key=lambda path: path != stands.at)
        answer, at = self.requests.deployments(self._query(stands), lists)
        items, told = deployments_of(answer), next_of(answer)
        if not items and stands.until is None:
            self.requests.prove(self.requests.team, "Vercel lists no deployments")
        found = sort(items, self.whom, {*stands.met, *(self.before.marks if self.before else ())})
        if told is None:
            return replace(stands, at=at, listed=True), found
        until = told + 1  # what was made in the same millisecond may have been cut off
        if stands.until is not None and until >= stands.until:
            until = stands.until - 1
            found.gap = f"Vercel lists more than a page of what was made before {stands.until}"
        return replace(stands, at=at, until=until), found

    def _query(self, stands: Place) -> Query:
        query: Query = {} if stands.until is None else {"until": stands.until}
        since = self.request.since
        if since is None:
            return query
        begins = since if self.before else since - _BLIND
        return {**query, "since": max(0, to_micros(begins) // 1000)}

    def _looked_up(self, look: dict[str, str], calls: int) -> _Looked:
        """As many of these as one page may ask for; what cannot be read is left to a look-up."""
        found = _Looked()
        for id_ in look:
            if calls and calls + MOST_EACH > self.request.most_calls:
                break
            found.done.append(id_)
            calls += 1
            try:
                raw = self.requests.deployment(id_, self.requests.team)
            except (Absent, PermanentError):
                found.wanted.append(Refresh(self.whom(id_)))
                continue
            except Refused as refusal:
                if refusal.stale:
                    raise
                found.wanted.append(Refresh(self.whom(id_)))
                continue
            of = payloads.seen(mapping(raw, "deployment"))
            calls += (of.status == FAILED) + bool(of.environment)
            found.listed.append(Listed(self.whom(id_), raw))
            if is_unfinished(of):
                found.unfinished.append(id_)
        return found

    def _left(self, ended: Place) -> Left:
        """An incremental listing knows besides what the one before it knew."""
        known = self.before.marks if self.before and self.request.since else ()
        return Left(self.request.made_by, first((*ended.met, *known), MOST_MARKS), ended.unfinished)


def _after(stands: Place, found: Sorted, looked: _Looked) -> Place:
    """The next place: what was met is noted, and once all is listed, what is due is looked up."""
    marks = [found.look[id_] for id_ in looked.done if found.look[id_]]
    look = {id_: mark for id_, mark in found.look.items() if id_ not in looked.done}
    unfinished = (*stands.unfinished, *found.unfinished, *looked.unfinished)
    met = {one.identity.id for one in found.listed} | {one.id for one in found.present}
    due = tuple(id_ for id_ in stands.due if id_ not in met and id_ not in found.look)
    if stands.listed and not look:
        look, due = dict.fromkeys(due, ""), ()
    return replace(
        stands,
        look=look,
        met=first((*stands.met, *found.met, *marks), MOST_MARKS),
        unfinished=first(unfinished, MOST_UNFINISHED),
        due=due,
    )
