"""Whether a store still wants its documents as a batch was rendered, of those who feed it.

A batch reads what its stores want, and who feeds them, long before it writes. Were that changed in
between, it would write by the former wish behind a run that makes all anew by the new one, or for a
connection behind whoever took it off the store, and nobody would see it.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from ingest.core.errors import TransientError
from ingest.flows.documents.render import StoreConfig
from ingest.store import stores


def require_current(conn: sa.Connection, rendered_for: Iterable[StoreConfig]) -> None:
    """Keep what stores want as it is until the commit; first of all locks.

    Raises `TransientError` where one wants something else by now, or a connection was taken off it:
    the batch is given back, and read anew the next time. One that is gone is left to whoever writes
    in it. The count of links says so, and not the links: who waits here for the change reads
    nothing but the locked row as it is after it.
    """
    told = {store.id: store for store in rendered_for}
    for id_, (wanted, links_taken) in stores.wanted(conn, told).items():
        if wanted != told[id_].embedding:
            raise TransientError(f"store {id_} is cut or embedded otherwise since a moment ago")
        if links_taken != told[id_].links_taken:
            raise TransientError(f"a connection was taken off store {id_} a moment ago")
