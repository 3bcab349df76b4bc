"""A delivery as people are shown it: found by our id or the provider's, with what came of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ingest.core.errors import NotFound
from ingest.flows.deliveries.hindrance import hindrance_of
from ingest.store import queue_admin, trails
from ingest.store.engine import transaction

MOST_DOCUMENTS = 10_000
"""That are shown of one delivery or look-up."""
_LARGEST_ID = 2**63 - 1
_FIRST = ("id", "source_type", "connection_id", "delivery_key", "status", "reason")
_SAID = dict.fromkeys((*_FIRST, "waits_for", "remedy"))
"""What people look for stands first."""


def _found(conn: sa.Connection, told: str) -> int:
    """The delivery of our id, or of the provider's; raises `NotFound` for none, or for several."""
    if told.isascii() and told.isdigit() and int(told) <= _LARGEST_ID:
        id_ = int(told)
        if queue_admin.known(conn, [id_]):
            return id_
    keyed = queue_admin.by_key(conn, told)
    if not keyed:
        raise unknown_deliveries([told])
    if len(keyed) > 1:
        named = ", ".join(map(str, keyed[:20]))
        raise NotFound(f"{len(keyed)} deliveries have the id {told[:80]}; show one of: {named}")
    return keyed[0]


def unknown_deliveries(told: list[str]) -> NotFound:
    """The word for deliveries that there are not."""
    named = ", ".join(one[:80] for one in told[:10])
    return NotFound(
        f"there is no delivery {named} (any more: settled ones are deleted after their time, see "
        "`ingest db size`); `ingest deliveries list` names those there are"
    )


def shown_delivery(engine: sa.Engine, told: str) -> dict[str, Any]:
    """A delivery as `_with_trail` has it, and what it `waits_for` and the `remedy` where it
    did less than somebody hoped for. Raises `NotFound` for none.
    """
    with transaction(engine) as conn:
        whole = _with_trail(conn, _found(conn, told))
    hindered = hindrance_of(engine, whole)
    return {**_SAID, **whole, "waits_for": hindered.waits_for, "remedy": hindered.remedy}


def _with_trail(conn: sa.Connection, delivery_id: int) -> dict[str, Any]:
    """A delivery as `queue_admin.show` has it, with `events`, `look_ups` and `documents`."""
    row = queue_admin.show(conn, delivery_id)
    if row is None:
        raise unknown_deliveries([str(delivery_id)])
    asked = trails.lookups_of_delivery(conn, delivery_id)
    done = trails.documents_of(
        conn,
        delivery_ids=[delivery_id],
        lookup_ids=[one["id"] for one in asked],
        limit=MOST_DOCUMENTS,
    )
    events = trails.events_of_delivery(conn, delivery_id)
    return {**row, "events": events, "look_ups": asked, "documents": done}
