"""Lists a project's issues, a page at a time: rows of the search, and behind each an issue whole.

Document: docs.sentry.io, "API: List an Organization's Issues"; Sentry's cursors are values of what
is sorted by, so they do not end. A row tells less than a look-up (no comment, tag, release or
event), so each issue is read by itself, and one page of the search fills several of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, timedelta

from ingest.core.changes import Refresh
from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Response
from ingest.sources.contract import Payload
from ingest.sources.forms import ID
from ingest.sources.http import Api
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.sources.sentry.descriptor import DESCRIPTOR
from ingest.sources.sentry.documents import identity
from ingest.sources.sentry.listing import LISTING, STATES, window_of
from ingest.sources.sentry.payloads import word
from ingest.sources.sentry.places import Place, compared, place_of
from ingest.sources.sentry.rest import count_in, next_cursor, rows_of
from ingest.sources.sentry.whole import Reader
from ingest.sources.wire import mapping

_LIMIT = 100
_CALLS_OF_AN_ISSUE = 3
_MOST_BEGINNINGS = 3
_QUICKER = ["stats", "lifetime", "filtered", "unhandled"]


def page_of(reader: Reader, search: Api, metadata: Payload, request: PageRequest) -> Page:
    """The next page of one of `LISTING`'s resources.

    search: takes a 400 for an `Absent`. Raises as `Lists.list_page`, `Refused` too where nothing is
    listed and the project is not proven readable.
    """
    if LISTING.resource(request.resource) is None:
        raise PermanentError(f"Sentry has no list of {request.resource}")
    place = place_of(request.cursor) or Place(_project_id(reader))
    asking = _Asking(reader, search, request, window_of(metadata))
    listed: list[Listed] = []
    wanted: list[Refresh] = []
    enough = max(request.most_calls - _CALLS_OF_AN_ISSUE, reader.calls)
    while not place.is_end and reader.calls <= enough:
        if place.left:
            one = _read(reader, _issue(metadata, place.left[0]))
            if isinstance(one, Refresh):
                wanted.append(one)
            elif one is not None:
                listed.append(one)
            place = place.without_first()
        else:
            place = asking.further(place)
    page = Page(tuple(listed), wanted=tuple(wanted), expected=place.hits)
    if not place.is_end:
        return replace(page, cursor=place.json())
    if place.named == 0:
        reader.readable_project()
    kept: JSON = {"prints": place.prints} if request.resource == STATES.name else None
    return replace(page, kept=kept, gap=_gap(place))


def _read(reader: Reader, issue: Identity) -> Listed | Refresh | None:
    """One issue whole; None where it went since it was named, or is about to.

    One whose answer makes no sense, or that is refused, is left to a look-up of its own, and ends
    alone; and so is one that went into another, for a look-up knows what it was called.
    """
    try:
        told = reader.issue(issue.id)
    except PermanentError:
        return Refresh(issue)
    except Refused as refusal:
        if refusal.stale:
            raise
        return Refresh(issue)
    if told is None:
        return None
    is_itself = word(mapping(told, "issue").get("id")) == issue.id
    return Listed(issue, told) if is_itself else Refresh(issue)


@dataclass(frozen=True, slots=True)
class _Asking:
    """The search that one page of ours asks; `api` takes a 400 for an `Absent`."""

    reader: Reader
    api: Api
    request: PageRequest
    window: timedelta

    def further(self, place: Place) -> Place:
        """The place after one more page of it; anew where its cursor is not understood."""
        page = self._page(place)
        if page is None:
            return place.anew()
        rows = _own_rows(page, place.project)
        after = next_cursor(page)
        if after is not None and after == place.after:
            raise BadPayload("Link", "names as the next page the one that was asked for")
        further = replace(
            place,
            left=tuple(rows),
            after=after,
            more=after is not None,
            named=place.named + len(rows),
            hits=_hits(page) if place.after is None else place.hits,
        )
        if self.request.resource != STATES.name:
            return further
        return compared(further, [*rows.values()], self.request.kept)

    def _page(self, place: Place) -> Response | None:
        self.reader.calls += 1
        organization = self.reader.organization
        try:
            return self.api.get(
                f"organizations/{organization}/issues/", params=self._question(place)
            )
        except Absent as error:
            if error.status != 400:
                raise Refused(
                    f"Sentry's organization {organization} cannot be read with this token; give "
                    "one that may, or mend the slugs in the connection's metadata"
                ) from error
            if place.after is None:
                raise PermanentError(f"{error}: it does not understand the question") from error
            if place.begun_again >= _MOST_BEGINNINGS:
                problem = f"{error}: it does not understand its own cursors"
                raise PermanentError(problem) from error
            return None

    def _question(self, place: Place) -> dict[str, str | int | list[str]]:
        """Issues of every state: without a `query` only unresolved ones are listed.

        By their first event, which does not move, so that none jumps over the cursor; what is new
        since some time by the last one: what jumps then does so by an event that the next run
        begins before.
        """
        asked: dict[str, str | int | list[str]] = {
            "project": place.project,
            "query": "",
            "sort": "new",
            "statsPeriod": f"{self.window.days}d",
            "limit": _LIMIT,
            "collapse": _QUICKER,
        }
        since = self.request.since
        if self.request.resource == STATES.name:
            asked["expand"] = "sentryAppIssues"
        elif since is not None:
            told = since.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
            asked |= {"query": f"lastSeen:>={told}", "sort": "date"}
        return asked if place.after is None else {**asked, "cursor": place.after}


def _issue(metadata: Payload, id_: str) -> Identity:
    return identity(DESCRIPTOR.scope("", metadata), "issue", id_)


def _project_id(reader: Reader) -> str:
    """Lists know a project by its number alone, and a connection may have its slug for that."""
    if reader.project_id.isdigit():
        return reader.project_id
    id_ = word(reader.readable_project().get("id"))
    if not ID.fits(id_):
        raise BadPayload("id", "this is no id of a project")
    return id_


def _own_rows(page: Response, project: str) -> dict[str, Mapping[str, JSON]]:
    """The rows of the project by their ids, in their order."""
    rows: dict[str, Mapping[str, JSON]] = {}
    for number, row in enumerate(rows_of(page)):
        id_ = word(row.get("id"))
        if not ID.fits(id_):
            raise BadPayload(f"[{number}].id", "missing, or no id of an issue")
        if word(mapping(row, "project").get("id")) in (None, project):
            rows[id_] = row
    return rows


def _hits(page: Response) -> int | None:
    """How many issues are found, about; None where there are at least as many as are counted."""
    hits, most = count_in(page, "x-hits"), count_in(page, "x-max-hits")
    return None if hits is None or (most is not None and hits >= most) else hits


def _gap(place: Place) -> str | None:
    """A search has a time budget, and may end before its end; what it announced is approximate."""
    if place.hits is None or 2 * place.named >= place.hits:
        return None
    return f"Sentry's search ended after {place.named} of about {place.hits} issues"
