"""Deliveries by what is asked for, one with its trail and its body, and its replay."""

from __future__ import annotations

import orjson
import structlog

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.core.errors import BadInput
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE
from ingest.flows.deliveries.shown import shown_delivery, unknown_deliveries
from ingest.sources.registry import source_types
from ingest.store import connections, delivery_filter, queue_admin
from ingest.store.delivery_filter import DeliveryFilter
from ingest.store.engine import transaction
from ingest.store.queue_admin import STATUSES

log = structlog.get_logger(__name__)

ROWS = 50
LONGEST_BODY = 200_000
"""Characters of a body that are shown; the command line prints all of it."""
SAID = {
    "replayed": "It is processed once more, from the start.",
    "pending": "It is on its way already; there is nothing to replay.",
}


def listed(asked: ConsoleRequest) -> ConsolePage:
    """A page of them, the newest first."""
    wanted = _wanted(asked)
    with transaction(asked.program.engine, durable=False) as conn:
        rows, before = delivery_filter.page(conn, wanted, limit=ROWS, before=asked.before())
        named = connections.listing(conn)
    filled = {
        "rows": rows,
        "names": {one["id"]: one["name"] for one in named},
        "statuses": STATUSES,
        "source_types": source_types(),
        "older": asked.next_page("before", before) if before is not None else None,
    }
    return ConsolePage("deliveries.html", filled)


def shown(asked: ConsoleRequest) -> ConsolePage:
    """One, by our id or its provider's."""
    found = shown_delivery(asked.program.engine, asked.path["id"])
    with transaction(asked.program.engine, durable=False) as conn:
        of = found["connection_id"]
        connection = connections.by_id(conn, [of]).get(of) if of is not None else None
    body: str = found["body"]
    filled = {
        "one": found,
        "connection": connection.name if connection is not None else None,
        "body": body[:LONGEST_BODY],
        "is_cut": len(body) > LONGEST_BODY,
        "formatted": _formatted(body) if len(body) <= LONGEST_BODY else None,
        "said": SAID.get(asked.query.get("said", "")),
    }
    return ConsolePage("delivery.html", filled)


def replay(asked: ConsoleRequest) -> str:
    """Process it once more; what is on its way stays as it is."""
    id_, engine = asked.number("id"), asked.program.engine
    with transaction(engine) as conn:
        if not queue_admin.known(conn, [id_]):
            raise unknown_deliveries([asked.path["id"]])
        replayed = queue_admin.replay(conn, [id_])
    if replayed:
        log.info("console_replayed", delivery=id_, by=asked.visitor)
        for queue in (INGEST_QUEUE, FETCH_QUEUE):
            asked.ring(queue)
    return f"/deliveries/{id_}?said={'replayed' if replayed else 'pending'}"


def _wanted(asked: ConsoleRequest) -> DeliveryFilter:
    query = asked.query
    status, source_type = query.get("status"), query.get("source")
    if status is not None and status not in STATUSES:
        raise BadInput(f"{status[:40]!r} is not a status; they are {', '.join(STATUSES)}")
    if source_type is not None:
        asked.require_source(source_type)
    return DeliveryFilter(
        status=status,
        source_type=source_type,
        connection_id=query.get("connection"),
        reason=query.get("reason"),
        since=asked.time("since"),
        until=asked.time("until"),
        key=query.get("key"),
    )


def _formatted(body: str) -> str | None:
    """A body that is JSON, indented; None for what is none, or is so already."""
    try:
        formatted = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return None
    return formatted if formatted != body else None
