"""Asks for sync runs, and lets those begin whose turn it is.

Law: of one connection one run is on its way and one waits. What a run lists is decided when it
begins: by what the last complete listings left, and never by what was asked for meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from ingest.core.canonical import digest
from ingest.core.errors import BadInput, NotConnected
from ingest.flows.connections import directory
from ingest.flows.lookups.made_by import made_by
from ingest.sources.listing import Listing, Resource
from ingest.sources.registry import all_sources, source
from ingest.store import heartbeats, sync_marks, sync_runs
from ingest.store.connections import DISCONNECTED, Connection
from ingest.store.engine import transaction
from ingest.store.heartbeats import ReceiverGap
from ingest.store.sync_marks import SyncMark
from ingest.store.sync_runs import NewPart

Kind = Literal["backfill", "incremental", "full"]


def scope_of(connection: Connection) -> str:
    """The digest of a connection's metadata: what it stands for, and what of that it wants.

    Another subscription is no other scope.
    """
    found = all_sources().get(connection.source_type)
    apart = found.subscription_field if found is not None else None
    return digest({name: value for name, value in connection.metadata.items() if name != apart})


def request_sync(conn: sa.Connection, connection: Connection, *, kind: Kind, asked_by: str) -> int:
    """Have a run wait for its turn; its id. The caller rings the queue `sync` after the commit.

    One that waits already is it, made no smaller. Raises `BadInput` where there is nothing to list:
    a source without a listing, a connection without a token, or one that is disconnected.
    """
    require_listable(connection)
    scope = scope_of(connection)
    return sync_runs.request(conn, connection.id, kind=kind, asked_by=asked_by, scope=scope)


def require_listable(connection: Connection) -> None:
    """Raise `BadInput` where a connection cannot be synced, with what to do about it."""
    if connection.status == DISCONNECTED:
        raise BadInput(
            f"connection {connection.id} is disconnected; connect it again with: ingest source "
            f"resume {connection.id}"
        )
    require_listed(connection)
    if not connection.has_token:
        raise BadInput(
            f"connection {connection.id} has no API token, so its provider cannot be listed; set "
            f"one with: ingest source update {connection.id} --token-env VAR"
        )


def require_listed(connection: Connection) -> None:
    """Raise `BadInput` where a connection's source has no listing."""
    found = source(connection.source_type)
    if found.listing is None:
        title = found.descriptor.title
        raise BadInput(f"{title} is not listed by this program: its webhooks are all there is")


def begin_due(engine: sa.Engine) -> int:
    """Let the runs begin whose turn it is; how many did. Raises `TransientError`."""
    with transaction(engine) as conn:
        waiting = sync_runs.to_start(conn)
        return sum(_begin(conn, *one) for one in waiting)


def _begin(conn: sa.Connection, run_id: int, connection_id: str, kind: str) -> bool:
    book = directory.read_directory(conn, [connection_id], ())
    connection = book.by_id.get(connection_id)
    if connection is None:
        raise NotConnected(f"there is no connection {connection_id}")
    found = all_sources().get(connection.source_type)
    if found is None or found.listing is None or not connection.has_token:
        reason = "its source is not listed any more, or its token was removed"
        sync_runs.finish(conn, run_id, sync_runs.CANCELLED, reason)
        return False
    scope = scope_of(connection)
    known = Known(
        {r: m for r, m in sync_marks.marks(conn, connection_id).items() if m.scope == scope},
        made_by(found, book.stores.get(connection_id, ())),
        heartbeats.now(conn),
        heartbeats.gaps(conn, connection_id),
    )
    parts = parts_of(found.listing, kind, known)
    return sync_runs.start(conn, run_id, scope, parts, made_by=known.made_by)


@dataclass(frozen=True, slots=True)
class Known:
    """What decides where a run begins.

    marks: by resource, those of the present scope. made_by: as documents are made now. now: the
    database's. gaps: the times at which no receiver was there.
    """

    marks: Mapping[str, SyncMark]
    made_by: str
    now: datetime
    gaps: Sequence[ReceiverGap] = ()


def parts_of(listing: Listing, kind: str, known: Known) -> list[NewPart]:
    """What a run lists, each from when; pure."""
    made = (_part(resource, kind, known) for resource in listing.resources)
    return [part for part in made if part is not None]


def _part(resource: Resource, kind: str, known: Known) -> NewPart | None:
    mark = known.marks.get(resource.name)
    if kind == "backfill" or mark is None:
        return NewPart(resource.name)
    kept = mark.kept if mark.made_by == known.made_by else None
    if kind == "full" or _is_swept(resource, mark, known.now):
        return NewPart(resource.name, None, kept)
    if not resource.narrows:
        return None
    # A gap is behind a list once a listing of it that began after the gap has ended well.
    unheard = (gap.began_at for gap in known.gaps if gap.ended_at > mark.through)
    began = min((mark.through, known.now, *unheard))
    return NewPart(resource.name, began - timedelta(seconds=resource.overlap_s), kept)


def _is_swept(resource: Resource, mark: SyncMark, now: datetime) -> bool:
    """Whether an incremental run lists it whole: that was too long ago for what it may miss."""
    if resource.sweep_s is None:
        return False
    return mark.whole_at is None or now - mark.whole_at >= timedelta(seconds=resource.sweep_s)
