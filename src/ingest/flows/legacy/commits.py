"""A legacy ingestion commit becomes an event: a push, by its delivery. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.core.slugs import bounded_key
from ingest.flows.legacy.columns import name_unknown, text, time
from ingest.flows.legacy.lines import Row, Value
from ingest.flows.legacy.reporting import Notes
from ingest.flows.legacy.repositories import SOURCE, UNKNOWN, LegacyRepository

STATUSES = frozenset({"processed", "skipped", "failed"})
_COLUMNS = frozenset(
    {
        "id",
        "store_id",
        "before_sha",
        "after_sha",
        "delivery_id",
        "source",
        "status",
        "processed_at",
    }
)
_NO_DELIVERIES = frozenset({"", UNKNOWN})


def event(
    row: Row, linked: Sequence[LegacyRepository], notes: Notes, taken_at: str
) -> dict[str, Value]:
    """Our row of the event: the seed's `GitHubEventMetadata`, and the legacy `source` beside.

    linked: the repositories of the store; the only one is the event's.
    """
    name_unknown(row, _COLUMNS, notes)
    delivery_id = text(row, "delivery_id") or ""
    return {
        "id": notes.id,
        "store_id": text(row, "store_id"),
        "source_type": SOURCE,
        "event_key": _key(delivery_id, notes),
        "event_metadata": _metadata(row, linked, notes, delivery_id),
        "status": _status(row, notes),
        "processed_at": time(row, "processed_at", notes, (), taken_at),
    }


def _key(delivery_id: str, notes: Notes) -> str:
    """The provider's delivery id: a redelivery of it is the same fact. What several rows share is
    none, and would make one fact of many.
    """
    if delivery_id not in _NO_DELIVERIES:
        return delivery_id
    key = bounded_key(f"legacy:{notes.id}")
    notes.changed("no-delivery-id", "delivery_id", delivery_id, key)
    return key


def _metadata(
    row: Row, linked: Sequence[LegacyRepository], notes: Notes, delivery_id: str
) -> dict[str, Value]:
    names = {one.name for one in linked}
    repository = next(iter(names)) if len(linked) == 1 else None
    for name in ("pusher", "ref", *(() if repository else ("repository",))):
        notes.changed("not-recorded", name, None, UNKNOWN)
    return {
        "type": SOURCE,
        "action": "push",
        "beforeSha": text(row, "before_sha") or "",
        "afterSha": text(row, "after_sha") or "",
        "deliveryId": delivery_id,
        "pusher": UNKNOWN,
        "ref": UNKNOWN,
        "repository": repository or UNKNOWN,
        "source": text(row, "source") or UNKNOWN,
    }


def _status(row: Row, notes: Notes) -> str:
    told = text(row, "status") or "processed"
    if told in STATUSES:
        return told
    notes.changed("unknown-status", "status", told, "failed")
    return "failed"
