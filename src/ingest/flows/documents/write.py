"""Writes what `apply` decided: ledger, documents, chunks, references, feeds, and what may be seen.

One statement for all rows of a kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import Raced
from ingest.core.folding import LIVE, LedgerRow
from ingest.flows.documents.draft import Draft
from ingest.flows.documents.keys import named
from ingest.flows.documents.plan import Entry, keys_written, plan, renamed
from ingest.flows.documents.pointing import pointing
from ingest.flows.documents.render import Renders
from ingest.flows.documents.sight import hide, hide_anew, keys_of, show
from ingest.sources.registry import folded
from ingest.store import documents, feeds, folded_keys, ledger, references
from ingest.store.binding import Owned


def write(
    conn: sa.Connection,
    entries: Sequence[Entry],
    heard_of: Sequence[LedgerRow],
    connections: frozenset[str],
    renders: Renders,
) -> frozenset[Owned]:
    """Write the batch; the keys that may have a new owner. Raises `Raced`.

    heard_of: parents that were only named so far; they get a row of the ledger.
    connections: those that speak in the batch; where anything changes, their counts are marked to
        be taken anew.
    In the transaction in which `apply` locked the rows. `Raced`: another worker wrote one of the
    new identities first, or chunks of a draft are not rendered.
    """
    _write_ledger(conn, entries, heard_of)
    keys = _write_documents(conn, entries, renders)
    called = _write_keys(conn, entries)
    keys |= {named(*key) for _, *key in called}
    _write_feeds(conn, entries)
    changed = [e for e in entries if e.before != e.after or e.decision.feeds]
    if changed:
        feeds.mark_worked(conn, connections)
    keys |= _write_sight(conn, entries)
    hide_anew(conn, _withheld(entries, {document for document, *_ in called}))
    return frozenset(keys)


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


def _write_documents(conn: sa.Connection, entries: Sequence[Entry], renders: Renders) -> set[Owned]:
    what = plan(entries)
    chunks = _chunks([*what.fresh, *what.recut], renders)
    points = pointing((e.draft, e.stored) for e in entries if e.draft is not None)
    documents.delete(conn, [e.after.document_id for e in what.deleted])
    documents.insert(conn, [draft.row for draft in what.fresh])
    documents.update(conn, [draft.row for draft in what.changed])
    documents.insert_chunks(conn, _of(what.fresh, chunks))
    documents.replace_chunks(conn, [d.row for d in what.recut], _of(what.recut, chunks))
    references.delete(conn, points.gone)
    references.put(conn, points.put)
    documents.patch(conn, what.patched)
    documents.date(conn, what.dated)
    moved = keys_of(conn, [stored.id for _, stored in renamed(entries, what)])
    return keys_written(entries, what) | points.aimed | moved


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


def _write_keys(conn: sa.Connection, entries: Sequence[Entry]) -> list[_KeyOf]:
    """Write by which keys documents are found, now and formerly; the former ones that are new."""
    added = [_alias(e.after, alias) for e in entries for alias in sorted(e.decision.aliases)]
    dropped = [_alias(e.after, e.decision.lost_alias) for e in entries if e.decision.lost_alias]
    new = feeds.change_aliases(conn, added, dropped)
    folded_keys.demote(conn, [e.after.document_id for e in entries if _is_renamed(e)])
    rows = _folded(
        *((_key_of(e.after), False) for e in entries if _is_called_anew(e)),
        *((key, True) for key in new),
    )
    folded_keys.put(conn, rows)
    return new


def _withheld(entries: Sequence[Entry], called: Collection[str]) -> list[str]:
    """Those of them that stay out of sight and are not written."""
    return [
        e.after.document_id
        for e in entries
        if e.after.document_id in called
        and e.after.state == LIVE
        and not e.after.visible
        and e.draft is None
        and e.stored is None
        and not e.turned
    ]


_KeyOf = tuple[str, str, str, str]
"""A key of a document: document id, store id, source type, key."""


def _key_of(row: LedgerRow) -> _KeyOf:
    return row.document_id, row.store_id, row.source_type, row.source_id or ""


def _folded(*keys: tuple[_KeyOf, bool]) -> list[dict[str, Any]]:
    """The rows of those that are compared in another spelling; each with whether it is a former."""
    return [
        {
            "document_id": document_id,
            "store_id": store_id,
            "source_type": source_type,
            "key": compared,
            "former": former,
        }
        for (document_id, store_id, source_type, key), former in keys
        for compared in [folded(source_type, key)]
        if compared != key
    ]


def _is_renamed(entry: Entry) -> bool:
    return entry.before is not None and entry.before.source_id != entry.after.source_id


def _is_called_anew(entry: Entry) -> bool:
    """Whether its key may lack a row in the spelling in which keys are compared."""
    before, after = entry.before, entry.after
    if entry.draft is None:
        return False
    return before is None or (before.source_id, before.revision) != (
        after.source_id,
        after.revision,
    )


def _alias(row: LedgerRow, alias: str) -> dict[str, Any]:
    return {
        "document_id": row.document_id,
        "alias": alias,
        "store_id": row.store_id,
        "source_type": row.source_type,
    }


def _write_sight(conn: sa.Connection, entries: Sequence[Entry]) -> set[Owned]:
    """Hide and show what lost or won its right to be seen, descendants outside the batch too."""
    sight = _sight(conn, entries)
    moved = {*sight, *(e.after.document_id for e in entries if e.came_or_went)}
    if not moved:
        return set()
    shown = [document for document, visible in sight.items() if visible]
    keys = keys_of(conn, moved)
    hide(conn, sight.keys() - shown)
    keys |= show(conn, shown)
    feeds.mark_worked(conn, (), moved)
    return keys


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
