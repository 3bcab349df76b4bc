"""How a provider is listed: what of it, a page at a time, and what it means not to be in a list.

A listing tells what `fetch_one` tells, of many objects: each of them in the shape of a `Sight`, so
that `Source.documents` reads both. Pure values; performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ingest.core.changes import Patch, Refresh, Withdraw
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.metadata import ResyncedMetadata

MOST_CALLS = 20
"""What one page may ask of a provider, about: what is left to ask stands in its cursor."""
MOST_LISTED = 1_000
"""Objects of one page, at most: it is applied in one transaction."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One list of a provider's, which has a cursor of its own.

    name: short and lower case, as it is shown and kept (`issues`, `comments`).
    kinds: the kinds of identity of which a complete full listing names every object that the
        connection wants, so that what it does not name is `Unlisted`; empty: it proves nothing.
    narrows: whether a listing can begin at a time; where not, an incremental run leaves it out,
        unless `sweep_s` says otherwise.
    overlap_s: so long before the beginning of the last listing that was complete the next one
        begins: our clocks, and the provider's own lag.
    leaves_out: those of the kinds of which the list leaves out some that are there (resolved
        comments): what it does not name is looked up all the same, and alarms nobody.
    sweep_s: for what does not move the time that it is listed by: an incremental run lists it
        whole, if it was last listed whole so long ago. None: only full runs do.
    """

    name: str
    kinds: frozenset[str] = frozenset()
    narrows: bool = True
    overlap_s: float = 300.0
    sweep_s: float | None = None
    leaves_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What is asked of one list.

    since: only what moved at or after it (aware, the overlap is taken off already); None: all.
    cursor: what the page before left; None for the first one.
    kept: what the last complete listing left (an export's own cursor, entity tags); None where
        there was none, or where nothing of before counts.
    sent_at: when the request leaves. connection: the metadata of the connection that asks.
    taken: names that belong to others, as in a `Message`.
    made_by: as in a `Lookup`: where it is another, what is left out as unchanged is told again.
    most_calls: how many requests it may make, about; fewer after pages that failed. However few, it
        gets on: by a page of the provider's, or by an object.
    """

    resource: str
    since: datetime | None
    sent_at: datetime
    cursor: JSON = None
    kept: JSON = None
    connection: Mapping[str, JSON] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    made_by: str = ""
    most_calls: int = MOST_CALLS


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a list tells it, whole: `raw` is what `fetch_one` shows of it (`Sight.raw`).

    hint: as that of a `Refresh`, where `Source.documents` reads it.
    """

    identity: Identity
    raw: JSON
    hint: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    listed: told whole. The same object may come on several pages.
    present: there, but not told: unchanged as far as the provider says (a 304, a tree's entry).
        One of which no document stands is looked up.
    wanted: named, and to be looked up, since the list does not tell them whole. An object of a
        document's kind counts as seen.
    cursor: of the next page; None: this is the last one. JSON that a later version may have to
        read, so small and plain.
    kept: on the last page, for the next listing; see `PageRequest`.
    expected: how many objects the whole list has, where the provider says so; for the estimate.
    gap: why the list is not all there is (a search that ends early, a partial answer): nothing is
        absent by it. Of one page it holds for the whole listing.
    """

    listed: tuple[Listed, ...] = ()
    present: tuple[Identity, ...] = ()
    wanted: tuple[Refresh, ...] = ()
    cursor: JSON = None
    kept: JSON = None
    expected: int | None = None
    gap: str | None = None


Concluded = Refresh | Patch | Withdraw
"""What may be done about a document that is in no list. No list deletes anything: what may be gone
is looked up, and the look-up proves it.
"""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A document of the connection that a complete listing of its kind did not name.

    metadata: the document's. connection: that of the connection, as it is now. now: aware.
    parent: what the document stands in, where that is known. parent_listed: the listing named that.
    """

    identity: Identity
    source_id: str
    metadata: Mapping[str, JSON]
    created_at: datetime
    connection: Mapping[str, JSON]
    now: datetime
    parent: Identity | None = None
    parent_listed: bool = False


class Lists(Protocol):
    """What a client can do beside `contract.Client`, where its source has a `Listing`."""

    def list_page(self, request: PageRequest) -> Page:
        """One page; raises what `fetch_one` raises, and never `answers.Absent`.

        Makes some `most_calls` requests at most: a page that would take more ends early, with what
        is left to ask in its cursor. A page that fails is asked for again as a whole, and with
        fewer, so that a provider of whose answers a third fail is listed nevertheless.
        """
        ...


def _leave(_absent: Unlisted) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Listing:
    """How a source is listed.

    resources: its lists, in the order in which they are begun.
    event: the metadata of the event that a document's change by a run is recorded as; it is one of
        `Source.event_types`.
    absent: what to do about a document that is not in a complete listing; pure. A `Refresh`: look
        it up, which proves that it is gone (the usual answer); a `Withdraw` where it lies outside
        of what the connection wants by now; a `Patch` where it aged out at the provider and stays;
        None: leave it.
    incremental_s: seconds between two incremental runs of a connection, unless it says otherwise.
    full_s: the same of full runs.
    """

    resources: tuple[Resource, ...]
    event: type[ResyncedMetadata]
    absent: Callable[[Unlisted], Concluded | None] = _leave
    incremental_s: float = 900.0
    full_s: float = 86_400.0

    def resource(self, name: str) -> Resource | None:
        """The resource of that name."""
        return next((one for one in self.resources if one.name == name), None)
