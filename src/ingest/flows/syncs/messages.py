"""Sync runs that are asked for by the message of a Celery client: the task `ingest.sync`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.canonical import clean
from ingest.core.errors import BadInput, NotConnected
from ingest.flows.syncs.control import sync_connection
from ingest.flows.syncs.request import Kind

ASKED_BY = "a task"
_QUOTED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Ids as we make them; anything else may be what belongs in another place."""


@dataclass(frozen=True, slots=True)
class SyncArguments:
    """The arguments of the task `ingest.sync`, as any client may send them; nothing is checked."""

    connection_id: object
    full: object = False


def sync_by_message(engine: sa.Engine, args: Sequence[object], kwargs: Mapping[str, object]) -> int:
    """Have the run wait that a message asks for; its id. The caller rings the queue `sync`.

    `full` is a truth value of JSON's: all is listed, else what moved. One that waits already is it.
    Raises `BadInput` for arguments that make no sense and for a connection that cannot be listed,
    `NotConnected` for none, `TransientError` where the database is away.
    """
    told = _arguments(args, kwargs)
    connection_id, full = told.connection_id, told.full
    if not isinstance(connection_id, str) or connection_id != clean(connection_id):
        raise BadInput("connection_id is not a text that an id could be")
    if not isinstance(full, bool):
        raise BadInput("full is neither true nor false")
    try:
        kind: Kind = "full" if full else "incremental"
        return sync_connection(engine, connection_id, kind=kind, asked_by=ASKED_BY)
    except NotConnected:
        shown = connection_id if _QUOTED.fullmatch(connection_id) else "of that id"
        raise NotConnected(f"there is no connection {shown}") from None


def _arguments(args: Sequence[object], kwargs: Mapping[str, object]) -> SyncArguments:
    try:
        return SyncArguments(*args, **kwargs)
    except TypeError:
        raise BadInput("the arguments are not connection_id, full=False") from None
