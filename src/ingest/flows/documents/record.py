"""The events that a run records: one for each document that it changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingest.core.identity import event_id, object_id
from ingest.flows.documents.changed import ChangedDocument
from ingest.sources.registry import all_sources
from ingest.store.events import Event

_GONE = frozenset({"deleted", "withdrawn"})


def resync_events(changed: Iterable[ChangedDocument], run_id: int) -> Iterator[Event]:
    """An event for each document, by the object's id and version; of a source that is listed."""
    for one in changed:
        found = all_sources().get(one.identity.source_type)
        if found is None or found.listing is None:
            continue
        key = f"sync:{object_id(one.identity)}:{one.version}"
        if one.became in _GONE:
            key = f"{key}:{one.became}"
        told = found.listing.event(
            change=one.became,
            kind=one.identity.kind,
            id=one.identity.id,
            source_id=one.source_id,
            version=one.version,
            run=run_id,
        )
        yield Event(
            event_id(one.store_id, one.identity.source_type, key),
            one.store_id,
            one.identity.source_type,
            key,
            told.told(),
            "processed",
        )
