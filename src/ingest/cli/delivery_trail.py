"""What came of a delivery: its events, look-ups and documents, and what each did or why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ingest.cli import output
from ingest.cli.fetches import COLUMNS, DOCUMENTS, MOST
from ingest.core.errors import NotFound
from ingest.flows.deliveries.hindrance import hindrance_of
from ingest.store import queue_admin, trails
from ingest.store.engine import transaction

_LARGEST_ID = 2**63 - 1
_FIRST = ("id", "source_type", "connection_id", "delivery_key", "status", "reason")
_SAID = dict.fromkeys((*_FIRST, "waits_for", "remedy"))
"""What people look for stands first."""
_EVENTS = ("id", "store_id", "status", "processed_at")
_TRIES = ("lookup_id", "at", "attempt", "outcome", "error")


def found(conn: sa.Connection, told: str) -> int:
    """The delivery of our id, or of the provider's; raises `NotFound` for none, or for several."""
    if told.isascii() and told.isdigit() and int(told) <= _LARGEST_ID:
        id_ = int(told)
        if queue_admin.known(conn, [id_]):
            return id_
    keyed = queue_admin.by_key(conn, told)
    if not keyed:
        raise unknown([told])
    if len(keyed) > 1:
        named = ", ".join(map(str, keyed[:20]))
        raise NotFound(f"{len(keyed)} deliveries have the id {told[:80]}; show one of: {named}")
    return keyed[0]


def unknown(told: list[str]) -> NotFound:
    """The word for deliveries that there are not."""
    named = ", ".join(one[:80] for one in told[:10])
    return NotFound(
        f"there is no delivery {named} (any more: settled ones are deleted after their time, see "
        "`ingest db size`); `ingest deliveries list` names those there are"
    )


def shown(engine: sa.Engine, told_id: str) -> dict[str, Any]:
    """A delivery as `queue_admin.show` has it, with `waits_for`, `remedy`, `events`, `look_ups` and
    `documents`. Raises `NotFound` for none.
    """
    with transaction(engine) as conn:
        whole = _whole(conn, found(conn, told_id))
    hindered = hindrance_of(engine, whole)
    return {**_SAID, **whole, "waits_for": hindered.waits_for, "remedy": hindered.remedy}


def _whole(conn: sa.Connection, delivery_id: int) -> dict[str, Any]:
    row = queue_admin.show(conn, delivery_id)
    if row is None:
        raise unknown([str(delivery_id)])
    asked = trails.lookups_of_delivery(conn, delivery_id)
    done = trails.documents_of(
        conn, delivery_ids=[delivery_id], lookup_ids=[one["id"] for one in asked], limit=MOST
    )
    events = trails.events_of_delivery(conn, delivery_id)
    return {**row, "events": events, "look_ups": asked, "documents": done}


def tell(told: Mapping[str, Any]) -> None:
    """Print it for people, the body last."""
    apart = ("events", "look_ups", "documents", "body", "headers")
    output.record({name: told[name] for name in told if name not in apart}, as_json=False)
    output.part("Events", told["events"], _EVENTS, "It told no event.")
    asked = told["look_ups"]
    output.part("Look-ups", asked, COLUMNS, "It asked for nothing to be looked up.")
    tries = [{"lookup_id": one["id"], **row} for one in asked for row in one["tries"]]
    if tries:
        output.part("Tries", tries, _TRIES, "")
    documents = told["documents"]
    output.part(
        "Documents", documents, DOCUMENTS, "It did nothing to any document: see the reason."
    )
    output.line("")
    output.record({"headers": told["headers"], "body": told["body"]}, as_json=False)
