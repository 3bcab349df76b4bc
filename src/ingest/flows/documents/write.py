"""Writes what `apply` decided: ledger, documents, chunks, references, feeds, and what may be seen.

One statement for all rows of a kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import Raced
from ingest.core.folding import LedgerRow
from ingest.flows.documents.draft import Draft
from ingest.flows.documents.plan import Entry, Key, keys_written, plan
from ingest.flows.documents.render import Renders
from ingest.store import documents, feeds, ledger, references


def write(
    conn: sa.Connection,
    entries: Sequence[Entry],
    heard_of: Sequence[LedgerRow],
    connections: frozenset[str],
    renders: Renders,
) -> frozenset[Key]:
    """Write the batch; the keys that may have a new owner. Raises `Raced`.

    heard_of: parents that were only named so far; they get a row of the ledger.
    connections: those that speak in the batch; where anything changes, their counts are marked to
        be taken anew.
    In the transaction in which `apply` locked the rows. `Raced`: another worker wrote one of the
    new identities first, or chunks of a draft are not rendered.
    """
    _write_ledger(conn, entries, heard_of)
    keys = _write_documents(conn, entries, renders)
    _write_feeds(conn, entries)
    changed = [e for e in entries if e.before != e.after or e.decision.feeds]
    if changed:
        feeds.mark_counts(conn, connections)
    return frozenset(keys | _write_sight(conn, entries))


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
    what = plan(entries)
    chunks = _chunks([*what.fresh, *what.recut], renders)
    documents.delete(conn, [e.after.document_id for e in what.deleted])
    documents.insert(conn, [draft.row for draft in what.fresh])
    documents.update(conn, [draft.row for draft in what.changed])
    documents.insert_chunks(conn, _of(what.fresh, chunks))
    documents.replace_chunks(conn, [d.row for d in what.recut], _of(what.recut, chunks))
    references.replace(conn, [draft.row["id"] for draft in what.changed], _references(what.written))
    documents.patch(conn, what.patched)
    documents.date(conn, what.dated)
    return keys_written(entries, what)


def _chunks(drafts: Sequence[Draft], renders: Renders) -> dict[str, list[dict[str, Any]]]:
    """The chunk rows of drafts, by document; each draft's row learns its count."""
    cut = [(draft, renders.pieces(draft.upsert, draft.store)) for draft in drafts]
    renders.require()
    found: dict[str, list[dict[str, Any]]] = {}
    for draft, pieces in cut:
        document_id, chunks = draft.row["id"], pieces.chunks if pieces else ()
        draft.row["chunk_count"] = len(chunks)
        found[document_id] = [
            {"document_id": document_id, "position": c.position, "start": c.start, "text": c.text}
            for c in chunks
        ]
    return found


def _of(drafts: Iterable[Draft], chunks: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [row for draft in drafts for row in chunks[draft.row["id"]]]


def _references(drafts: Iterable[Draft]) -> list[dict[str, Any]]:
    return [
        {
            "document_id": draft.row["id"],
            "kind": reference.kind,
            "target_source": reference.source,
            "target_key": reference.key,
            "origin": reference.origin,
            "evidence": reference.evidence,
            "store_id": draft.store.id,
        }
        for draft in drafts
        for reference in draft.rendered.references
    ]


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


def _alias(row: LedgerRow, alias: str) -> dict[str, Any]:
    return {
        "document_id": row.document_id,
        "alias": alias,
        "store_id": row.store_id,
        "source_type": row.source_type,
    }


def _write_sight(conn: sa.Connection, entries: Sequence[Entry]) -> set[Key]:
    """Hide and show what lost or won its right to be seen, descendants outside the batch too."""
    sight = _sight(conn, entries)
    moved = {*sight, *(e.after.document_id for e in entries if e.came_or_went)}
    if not moved:
        return set()
    shown = [document for document, visible in sight.items() if visible]
    keys = references.keys_of(conn, moved)
    documents.withhold(conn, sight.keys() - shown)
    documents.release(conn, shown)
    feeds.mark_counts(conn, (), moved)
    return keys | references.keys_of(conn, shown)


def _sight(conn: sa.Connection, entries: Sequence[Entry]) -> dict[str, bool]:
    """Whether each document is to be seen, of those that are hidden or shown.

    The cascade has the last say, as it follows what lies outside the batch too.
    """
    sight = {e.after.document_id: False for e in entries if e.hides}
    sight |= {e.after.document_id: True for e in entries if e.shows}
    turned = [e.after.identity for e in entries if e.turned]
    if turned:
        # Between two of the batch may stand one outside it.
        sight |= ledger.cascade(conn, turned)
    return sight
