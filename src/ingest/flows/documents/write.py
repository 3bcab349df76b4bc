"""Writes what `apply` decided, set by set: ledger, documents, chunks, references, feeds, sight.

Only what changed is written: the same text and configuration leave the chunks alone, the same row
is not touched at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import Raced
from ingest.core.folding import LIVE, Decision, LedgerRow
from ingest.flows.documents.draft import Draft, zoneless
from ingest.flows.documents.render import Renders
from ingest.store import documents, feeds, ledger, references
from ingest.store.documents import Stored

Key = tuple[str, str, str]
"""(store id, source type, human key)."""

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
    """One document of the batch: what was, what will be, and the draft where it is rewritten."""

    before: LedgerRow | None
    after: LedgerRow
    decision: Decision
    stored: Stored | None
    draft: Draft | None

    @property
    def turned(self) -> bool:
        """Whether a known row's visibility changes, so that its descendants must hear of it."""
        return self.before is not None and self.before.visible != self.after.visible


def write(
    conn: sa.Connection,
    entries: Sequence[Entry],
    heard_of: Sequence[LedgerRow],
    connections: frozenset[str],
    renders: Renders,
) -> frozenset[Key]:
    """Write the batch; the keys that may have a new owner. Raises `Raced`.

    `heard_of` are parents that were only named so far.
    """
    _write_ledger(conn, entries, heard_of)
    keys = _write_documents(conn, entries, renders)
    _write_feeds(conn, entries)
    changed = [e for e in entries if e.before != e.after or e.decision.feeds]
    if changed:
        feeds.mark_counts(conn, connections)
    return frozenset(keys | _turn(conn, entries))


def _write_ledger(
    conn: sa.Connection, entries: Sequence[Entry], heard_of: Sequence[LedgerRow]
) -> None:
    """New rows and parents in one sorted statement: two workers then wait, they do not deadlock."""
    turned = [e.after.identity for e in entries if e.turned]
    if turned:
        ledger.escalate(conn, turned)
    new = [*heard_of, *(e.after for e in entries if e.before is None)]
    written = ledger.insert(conn, new)
    if len(written) < len(new):
        raise Raced("another worker wrote the same new document first")
    ledger.update(conn, [e.after for e in entries if e.before not in (None, e.after)])


def _write_documents(conn: sa.Connection, entries: Sequence[Entry], renders: Renders) -> set[Key]:
    documents.delete(conn, [e.after.document_id for e in entries if e.decision.deleted])
    keys = {key for e in entries if e.decision.deleted and e.before for key in _own_keys(e.before)}
    fresh = [e.draft for e in entries if e.draft and e.stored is None]
    changed = [
        (e.draft, e.stored) for e in entries if e.draft and e.stored and _differs(e.draft, e.stored)
    ]
    recut = [d for d, stored in changed if not _same_text(d, stored)]
    pieces = _pieces([*fresh, *recut], renders)
    for made, stored in changed:
        if _same_text(made, stored):
            made.row["chunk_count"] = stored.chunk_count
    documents.insert(conn, [made.row for made in fresh])
    documents.update(conn, [made.row for made, _ in changed])
    documents.insert_chunks(conn, [r for made in fresh for r in pieces[made.row["id"]]])
    documents.replace_chunks(
        conn, [d.row for d in recut], [r for d in recut for r in pieces[d.row["id"]]]
    )
    _write_references(conn, fresh, [made for made, _ in changed])
    documents.patch(conn, [_patched(e) for e in entries if e.decision.metadata and not e.draft])
    documents.date(conn, [dated for e in entries if (dated := _dated(e)) is not None])
    for made in (*fresh, *(d for d, _ in changed)):
        keys.update(_draft_keys(made))
    for e in entries:
        keys.update((e.after.store_id, e.after.source_type, a) for a in e.decision.aliases)
    return keys


def _write_references(
    conn: sa.Connection, fresh: Iterable[Draft], changed: Sequence[Draft]
) -> None:
    rows = [
        {
            "document_id": made.row["id"],
            "kind": reference.kind,
            "target_source": reference.source,
            "target_key": reference.key,
            "origin": reference.origin,
            "evidence": reference.evidence,
            "store_id": made.store.id,
        }
        for made in (*fresh, *changed)
        for reference in made.rendered.references
    ]
    references.replace(conn, [made.row["id"] for made in changed], rows)


def _write_feeds(conn: sa.Connection, entries: Sequence[Entry]) -> None:
    feeds.write(
        conn,
        [
            {
                "document_id": e.after.document_id,
                "connection_id": feed.connection_id,
                "feeding": feed.feeding,
                "rank": feed.rank,
                "revision": feed.revision,
            }
            for e in entries
            for feed in e.decision.feeds
        ],
    )
    added = [_alias(e.after, alias) for e in entries for alias in sorted(e.decision.aliases)]
    dropped = [_alias(e.after, e.decision.lost_alias) for e in entries if e.decision.lost_alias]
    feeds.change_aliases(conn, added, dropped)


def _turn(conn: sa.Connection, entries: Sequence[Entry]) -> set[Key]:
    """Hide and show what lost or won its right to be seen, descendants outside the batch too."""
    sight = {e.after.document_id: False for e in entries if e.after.state == LIVE and _hides(e)}
    sight |= {e.after.document_id: True for e in entries if e.turned and _shows(e)}
    turned = [e.after.identity for e in entries if e.turned]
    if turned:
        # The cascade has the last word, for between two of the batch may stand one outside it.
        sight |= ledger.cascade(conn, turned)
    moved = {*sight, *(e.after.document_id for e in entries if _came_or_went(e))}
    if not moved:
        return set()
    shown = [document for document, visible in sight.items() if visible]
    keys = references.keys_of(conn, moved)
    documents.withhold(conn, sight.keys() - shown)
    documents.release(conn, shown)
    feeds.mark_counts(conn, (), moved)
    return keys | references.keys_of(conn, shown)


def _came_or_went(entry: Entry) -> bool:
    """A document known from before is in sight now and was not, or the other way round.

    Keys of former times find it, and others feed it, that this batch says nothing about.
    """
    return entry.before is not None and _in_sight(entry.before) != _in_sight(entry.after)


def _in_sight(row: LedgerRow) -> bool:
    return row.state == LIVE and row.visible


def _hides(entry: Entry) -> bool:
    """The document stands in sight (just written, or from before) and must not."""
    written = entry.draft is not None or entry.stored is not None
    return not entry.after.visible and (written or entry.turned)


def _shows(entry: Entry) -> bool:
    """The document is withheld and may be seen; what this batch wrote is in sight already."""
    written = entry.draft is not None or entry.stored is not None
    return entry.after.visible and entry.after.state == LIVE and not written


def _pieces(drafts: Sequence[Draft], renders: Renders) -> dict[str, list[dict[str, Any]]]:
    """The chunk rows of drafts, by document; each draft's row learns its count."""
    cut = [(made, renders.pieces(made.upsert, made.store)) for made in drafts]
    renders.require()
    found: dict[str, list[dict[str, Any]]] = {}
    for made, pieces in cut:
        document_id, chunks = made.row["id"], pieces.chunks if pieces else ()
        made.row["chunk_count"] = len(chunks)
        found[document_id] = [
            {"document_id": document_id, "position": c.position, "start": c.start, "text": c.text}
            for c in chunks
        ]
    return found


def _differs(made: Draft, stored: Stored) -> bool:
    created = made.row["created_at"]
    return any(made.row[name] != getattr(stored, name) for name in _COMPARED) or (
        created is not None and created != stored.created_at
    )


def _same_text(made: Draft, stored: Stored) -> bool:
    return (made.row["content_hash"], made.row["config_hash"]) == (
        stored.content_hash,
        stored.config_hash,
    )


def _patched(entry: Entry) -> dict[str, Any]:
    return {"id": entry.after.document_id, "source_metadata": entry.decision.metadata}


def _dated(entry: Entry) -> dict[str, Any] | None:
    """A stale word may be the only one that knows when a document was created."""
    shown = zoneless(entry.after.dates.shown)
    if entry.stored is None or entry.draft or entry.decision.deleted:
        return None
    if shown is None or shown == entry.stored.created_at:
        return None
    return {"id": entry.after.document_id, "created_at": shown}


def _alias(row: LedgerRow, alias: str) -> dict[str, Any]:
    return {
        "document_id": row.document_id,
        "alias": alias,
        "store_id": row.store_id,
        "source_type": row.source_type,
    }


def _own_keys(row: LedgerRow) -> set[Key]:
    return {(row.store_id, row.source_type, row.source_id)} if row.source_id else set()


def _draft_keys(made: Draft) -> set[Key]:
    keys = {(made.store.id, made.row["source_type"], made.row["source_id"])}
    keys.update((made.store.id, r.source, r.key) for r in made.rendered.references)
    return keys
