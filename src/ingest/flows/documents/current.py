"""Whether a store still wants its documents as a batch was rendered.

A batch reads what its stores want long before it writes. Were that changed in between, it would
write by the former wish behind a run that makes all anew by the new one, and nobody would see it.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from ingest.core.errors import TransientError
from ingest.flows.documents.render import StoreConfig
from ingest.store import stores


def require_current(conn: sa.Connection, rendered_for: Iterable[StoreConfig]) -> None:
    """Keep what stores want as it is until the commit; first of all locks.

    Raises `TransientError` where one wants something else by now: the batch is given back, and
    rendered by that the next time. One that is gone is left to whoever writes in it.
    """
    told = {store.id: store for store in rendered_for}
    for id_, wanted in stores.wanted(conn, told).items():
        if wanted != told[id_].embedding:
            raise TransientError(f"store {id_} is cut or embedded otherwise since a moment ago")
