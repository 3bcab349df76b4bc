"""Asks a provider for one page, and has its source read each object of it into changes.

Law: no transaction is open meanwhile, and nothing waits here for a limit to pass: what has to wait
goes back into its row. One object that cannot be read leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from ingest.core.bounds import MAX_SEEN
from ingest.core.canonical import clean
from ingest.core.changes import Change, Refresh
from ingest.core.errors import (
    Denied,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.identity import Identity
from ingest.flows.documents.owned_keys import unclaimed
from ingest.flows.documents.statements import asked_for, unplaced
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.made_by import made_by
from ingest.flows.lookups.proofs import end_of
from ingest.flows.syncs.held import HeldPart
from ingest.flows.syncs.joining import Ask, join
from ingest.sources.contract import Lookup, Source
from ingest.sources.discreet import Discreet
from ingest.sources.listing import MOST_CALLS, Listed, Page, PageRequest
from ingest.sources.registry import source

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReadObject:
    """An object of a page, and what its source makes of it.

    error: why nothing could be made of it; it is there all the same.
    """

    identity: Identity
    changes: tuple[Change, ...] = ()
    lookups: tuple[Refresh, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page as it is settled: its objects, and what else it says. made_by: see `made_by`;
    limited: see `Joined`.
    """

    page: Page
    objects: tuple[ReadObject, ...]
    made_by: str
    limited: RateLimited | None = None


def fetch_page(
    clients: Clients, held: HeldPart, counted: Callable[[Callable[[PageRequest], Page]], Ask]
) -> ReadPage:
    """The next page of a list, or several small ones as one; one that the token alone is refused
    ends there, with a gap. counted: counts what each takes.

    Blocks; raises what `Clients` and the client raise (`Refused`, `RateLimited`, `TransientError`,
    `PermanentError`), and any fault of the client.
    """
    row, connection = held.row, held.connection
    found = source(connection.source_type)
    made = made_by(found, held.stores)
    client = clients.of(connection, clients.opened(held.sealed))
    request = PageRequest(
        row.resource,
        row.since,
        row.sent_at,
        row.cursor,
        row.kept,
        connection=connection.metadata,
        taken=held.taken,
        made_by=made,
        most_calls=most_calls(row.setbacks),
    )

    def asked(one: PageRequest) -> Page:
        try:
            return client.list_page(one)
        except Refused as refusal:
            end = end_of(clients.denied(connection, client, refusal), refusal, row.attempts)
            if isinstance(end, TransientError):
                raise end from refusal
            return _ended(end)
        except Denied as denied:
            return _ended(denied)

    joined = join(counted(asked), request)
    objects = _read(found, client, held, joined.page, made)
    return ReadPage(joined.page, objects, made, joined.limited)


def _ended(denied: Denied) -> Page:
    """The end of a list that is not all there is, so that nothing is absent by it."""
    return Page(gap=str(denied))


def most_calls(setbacks: int) -> int:
    """How many requests a page may make whose list met so many setbacks of late: half as many for
    each, and one at least. Of twenty one fails nearly always where every third fails. Pure.
    """
    return max(MOST_CALLS >> setbacks, 1)


def _read(
    found: Source, client: Discreet, held: HeldPart, page: Page, made: str
) -> tuple[ReadObject, ...]:
    """All objects at once; where one cannot be read, each by itself. In a thread, so that what is
    raised is a value here.
    """
    readings = [_reading(found, held, one, made) for one in page.listed]
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        whole = pool.submit(client.read, lambda: [reading() for reading in readings])
        if whole.exception() is None:
            pairs = zip(page.listed, whole.result(), strict=True)
            return tuple(_weighed(found, held, one, said) for one, said in pairs)
        each = [pool.submit(client.read, reading) for reading in readings]
    return tuple(
        _weighed(found, held, one, future.result())
        if (error := future.exception()) is None
        else ReadObject(one.identity, error=_said(one, error))
        for one, future in zip(page.listed, each, strict=True)
    )


def _reading(
    found: Source, held: HeldPart, one: Listed, made: str
) -> Callable[[], tuple[Change | Refresh, ...]]:
    lookup = Lookup(
        one.identity,
        one.hint,
        made_by=made,
        sent_at=held.row.sent_at,
        connection=held.connection.metadata,
        taken=held.taken,
        raw=one.raw,
    )
    documents = found.documents
    if documents is None:
        raise PermanentError("a source that lists has to read what it lists (`documents`)")
    return lambda: documents(lookup)


def _weighed(
    found: Source, held: HeldPart, one: Listed, said: tuple[Change | Refresh, ...]
) -> ReadObject:
    if len(said) > MAX_SEEN:
        return ReadObject(one.identity, error=f"speaks of more than {MAX_SEEN:,} things")
    told = tuple(change for change in said if not isinstance(change, Refresh))
    asked = tuple(change for change in said if isinstance(change, Refresh))
    lost = unplaced(found, held.connection, told)
    if lost:
        told, asked = asked_for(found, told, asked, lost)
    changes, _ = unclaimed(found, told, held.taken)
    return ReadObject(one.identity, changes, asked)


def _said(one: Listed, error: BaseException) -> str:
    """What is shown of an error; a fault of the source's is logged whole, once for each object.

    Raises the error where it is nobody's: what cannot be tried now is tried later.
    """
    if isinstance(error, TransientError):
        raise error
    if isinstance(error, IngestError):
        return clean(f"{one.identity.kind} {one.identity.id}: {error}")
    identity = one.identity
    log.error(
        "listed_object_not_read", source=identity.source_type, kind=identity.kind, exc_info=error
    )
    return f"{one.identity.kind} {one.identity.id}: source fault: {type(error).__name__}"
