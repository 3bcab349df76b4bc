"""Finds what of a batch of documents has to be written: only what changed. Pure.

The same text and configuration leave the chunks alone, the same row is not touched at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.core.folding import LIVE, Decision, LedgerRow
from ingest.flows.documents.draft import Draft, zoneless
from ingest.flows.documents.keys import named, thing
from ingest.store.binding import Owned
from ingest.store.documents import Stored

_COMPARED = (
    "source_id",
    "source_metadata",
    "parent_doc_id",
    "content_hash",
    "config_hash",
    "frontmatter",
    "relationships",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the batch: what was, what will be, and the draft where it is rewritten.

    `before` is None for an identity that was unknown, `stored` where no document stands.
    """

    before: LedgerRow | None
    after: LedgerRow
    decision: Decision
    stored: Stored | None
    draft: Draft | None

    @property
    def turned(self) -> bool:
        """Whether a known row's visibility changes, so that its descendants must hear of it."""
        return self.before is not None and self.before.visible != self.after.visible

    @property
    def hides(self) -> bool:
        """The document stands in sight (just written, or from before) and must not."""
        written = self.draft is not None or self.stored is not None
        stands = self.after.state == LIVE and (written or self.turned)
        return stands and not self.after.visible

    @property
    def shows(self) -> bool:
        """The document is withheld and may be seen; what this batch wrote is in sight already."""
        written = self.draft is not None or self.stored is not None
        return self.turned and in_sight(self.after) and not written

    @property
    def came_or_went(self) -> bool:
        """A document known from before is in sight now and was not, or the other way round.

        Keys of former times find it, and others feed it, that this batch says nothing about.
        """
        return self.before is not None and in_sight(self.before) != in_sight(self.after)


def in_sight(row: LedgerRow) -> bool:
    """Whether the document stands, and may be seen."""
    return row.state == LIVE and row.visible


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows to write.

    deleted: documents that go. fresh: new ones. changed: those whose row differs from what stands.
    recut: those of `changed` whose text or configuration does, so that their chunks are cut anew.
    patched, dated: `id` with `source_metadata`, and `id` with `created_at`, of documents that are
    not rewritten.
    """

    deleted: tuple[Entry, ...]
    fresh: tuple[Draft, ...]
    changed: tuple[Draft, ...]
    recut: tuple[Draft, ...]
    patched: tuple[dict[str, Any], ...]
    dated: tuple[dict[str, Any], ...]

    @property
    def written(self) -> tuple[Draft, ...]:
        """Every draft whose row is written."""
        return (*self.fresh, *self.changed)


def plan(entries: Sequence[Entry]) -> Plan:
    """What of these entries differs from what stands.

    Writes into the rows of the drafts: whose chunks stay keeps its chunk count.
    """
    changed = _changed(entries)
    kept, recut = _by_text(changed)
    for draft, stored in kept:
        draft.row["chunk_count"] = stored.chunk_count
    return Plan(
        deleted=tuple(e for e in entries if e.decision.deleted),
        fresh=tuple(e.draft for e in entries if e.draft is not None and e.stored is None),
        changed=tuple(draft for draft, _ in changed),
        recut=tuple(draft for draft, _ in recut),
        patched=_patched(entries),
        dated=_dated(entries),
    )


_Rewritten = tuple[Draft, Stored]
"""A draft, and the document that stands."""


def _changed(entries: Sequence[Entry]) -> list[_Rewritten]:
    rewritten = [(e.draft, e.stored) for e in entries if e.draft and e.stored]
    return [(draft, stored) for draft, stored in rewritten if differs(draft, stored)]


def _by_text(changed: Sequence[_Rewritten]) -> tuple[list[_Rewritten], list[_Rewritten]]:
    """Those whose chunks stay, and those that are cut anew."""
    kept = [(draft, stored) for draft, stored in changed if _same_text(draft, stored)]
    return kept, [(draft, stored) for draft, stored in changed if not _same_text(draft, stored)]


def keys_written(entries: Sequence[Entry], what: Plan) -> set[Owned]:
    """The keys that have another owner by what is written: of what went, and of what is new.

    What is called otherwise by now, and what goes out of sight, moves all that it has (`sight`);
    what is referred to is bound by `pointing`.
    """
    keys = {key for e in what.deleted if e.before for key in _own_keys(e.before)}
    for draft in what.fresh:
        keys.add(_name_of(draft))
        found = thing(draft.store.id, draft.upsert.identity)
        if found is not None:
            keys.add(found)
    for draft, stored in renamed(entries, what):
        keys.add(_name_of(draft))
        keys.add(named(draft.store.id, draft.row["source_type"], stored.source_id, moved=True))
    return keys


def renamed(entries: Sequence[Entry], what: Plan) -> list[_Rewritten]:
    """The documents that are called otherwise from now on, and as what they stand."""
    changed = {id(draft) for draft in what.changed}
    return [
        (e.draft, e.stored)
        for e in entries
        if e.draft is not None
        and e.stored is not None
        and id(e.draft) in changed
        and e.draft.row["source_id"] != e.stored.source_id
    ]


def differs(draft: Draft, stored: Stored) -> bool:
    """Whether the row of a draft is another than that which stands."""
    created = draft.row["created_at"]
    return any(draft.row[name] != getattr(stored, name) for name in _COMPARED) or (
        created is not None and created != stored.created_at
    )


def _same_text(draft: Draft, stored: Stored) -> bool:
    return (draft.row["content_hash"], draft.row["config_hash"]) == (
        stored.content_hash,
        stored.config_hash,
    )


def _patched(entries: Sequence[Entry]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"id": e.after.document_id, "source_metadata": e.decision.metadata}
        for e in entries
        if e.decision.metadata and not e.draft
    )


def _dated(entries: Sequence[Entry]) -> tuple[dict[str, Any], ...]:
    """A stale statement may be the only one that knows when a document was created."""
    found = ((e, zoneless(e.after.dates.shown)) for e in entries if _is_dated_anew(e))
    return tuple({"id": e.after.document_id, "created_at": shown} for e, shown in found)


def _is_dated_anew(entry: Entry) -> bool:
    shown, stored = zoneless(entry.after.dates.shown), entry.stored
    if stored is None or entry.draft or entry.decision.deleted:
        return False
    return shown is not None and shown != stored.created_at


def _own_keys(row: LedgerRow) -> set[Owned]:
    if not row.source_id:
        return set()
    return {named(row.store_id, row.source_type, row.source_id, moved=True)}


def _name_of(draft: Draft) -> Owned:
    return named(draft.store.id, draft.row["source_type"], draft.row["source_id"])
