"""What was done to documents, in the words of the trail. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ingest.flows.documents.apply import Applied
from ingest.flows.documents.changed import ChangedDocument, became
from ingest.flows.documents.plan import Entry
from ingest.store.trails import TrailStep

Told = tuple[int, TrailStep]
"""The index of a statement in what was applied, and by whom it was said (a step without a did)."""


def by(
    connection_id: str | None, *, delivery_id: int | None = None, lookup_id: int | None = None
) -> TrailStep:
    """Who says something: a step of which the document is not known yet."""
    return TrailStep("", connection_id, "", None, None, delivery_id, lookup_id)


def steps_of(applied: Applied, told: Iterable[Told]) -> list[TrailStep]:
    """A step for each document and whoever spoke of it; what did most of it counts."""
    found: dict[TrailStep, TrailStep] = {}
    for index, who in told:
        entry = applied.spoken.get(index)
        if entry is None:
            continue
        did = "stale" if index in applied.stale else _did(entry, wanted=index in applied.wanted)
        key = replace(who, document_id=entry.after.document_id)
        if key not in found or found[key].did in ("stale", "unchanged"):
            before, after = _hashes(entry)
            found[key] = replace(key, did=did, hash_before=before, hash_after=after)
    return list(found.values())


def steps_of_run(
    changed: Iterable[ChangedDocument], run_id: int, connection_id: str
) -> Iterator[TrailStep]:
    """A step for each document that a sync run changed."""
    for one in changed:
        before, after = _hashes(one.entry)
        did = _did(one.entry, wanted=True)
        yield TrailStep(
            one.entry.after.document_id, connection_id, did, before, after, run_id=run_id
        )


def _did(entry: Entry, *, wanted: bool) -> str:
    end = became(entry)
    if end is None:
        return "unchanged" if wanted else "unwanted"
    if end != "updated":
        return end
    before, after = _hashes(entry)
    return "metadata" if before == after else "changed"


def _hashes(entry: Entry) -> tuple[str | None, str | None]:
    """Of the text before and after; None where there is none, or nobody had to look at it."""
    before = entry.stored.content_hash if entry.stored is not None else None
    if entry.decision.deleted:
        return before, None
    return before, entry.draft.row["content_hash"] if entry.draft is not None else before
