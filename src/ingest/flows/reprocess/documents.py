"""A step over documents: some are read with their texts, made anew, and written where they differ.

Law: what is costly is made with no transaction open; what is written is locked as `apply` locks it,
read again, and made again where anybody has said something of it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa

from ingest.core.errors import Raced
from ingest.flows.connections.directory import read_stores
from ingest.flows.documents.bind import bind, note_keys
from ingest.flows.documents.current import require_current
from ingest.flows.documents.plan import Entry
from ingest.flows.documents.render import Renders
from ingest.flows.documents.sight import hide_anew
from ingest.flows.documents.write import write
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.looked_at import LookedAt, LookedAtDocument, StepPart
from ingest.flows.reprocess.remake import Remade, StandingDocument, made_of, remake
from ingest.flows.reprocess.resync import tell_again
from ingest.sources.registry import folded
from ingest.store import documents, ledger, references, reprocessing
from ingest.store.binding import Noted
from ingest.store.documents import Stored
from ingest.store.engine import transaction
from ingest.store.reprocessing import Place

MOST_CHUNKS = 1_000
"""Of the texts of one step: some megabytes."""

T = TypeVar("T")


def look(
    engine: sa.Engine,
    asked: ReprocessRequest,
    after: Place,
    *,
    limit: int,
    api_urls: Mapping[str, str],
) -> LookedAt:
    """Make the next documents behind a place anew. Locks nothing and writes nothing.

    With no transaction open: it reads in one of its own, as of one moment (else a text that is
    written meanwhile would be no text), and computes after it. Raises `TransientError` where the
    database is away.
    """
    with transaction(engine, snapshot=True) as conn:
        following = reprocessing.next_documents(
            conn, asked.within, after=after, limit=limit, most_chunks=MOST_CHUNKS
        )
        standing = _standing(conn, following.places, api_urls)
    found = LookedAt(until=following.until, ends=following.ends)
    for place, one in standing:
        found.findings.append(LookedAtDocument(place, one, remake(one, asked, found.renders)))
    return found


def _standing(
    conn: sa.Connection, places: Mapping[str, Place], api_urls: Mapping[str, str]
) -> list[tuple[Place, StandingDocument]]:
    rows = ledger.read(conn, places)
    ids = [row.document_id for row in rows.values()]
    seen = _with_pointers(conn, ids)
    texts = reprocessing.chunks(conn, seen)
    aside = reprocessing.withheld(conn, [one for one in ids if one not in seen])
    names = references.names_of(conn, aside)
    for id_, (stored, chunks) in aside.items():
        seen[id_] = replace(stored, names=_folded(names.get(id_, ())))
        texts[id_] = chunks
    stores = read_stores(conn, {row.store_id for row in rows.values()}, api_urls=api_urls)
    standing = ((place, rows[identity]) for identity, place in places.items())
    return [
        (
            place,
            StandingDocument(
                row, seen[row.document_id], texts.get(row.document_id, []), stores[row.store_id]
            ),
        )
        for place, row in standing
        if row.document_id in seen
    ]


def _with_pointers(conn: sa.Connection, ids: Collection[str]) -> dict[str, Stored]:
    """Those that are in sight, with what they point at and what they are called."""
    standing = documents.read(conn, ids)
    pointers, names = references.read(conn, standing), references.names_of(conn, standing)
    return {
        id_: replace(one, pointers=pointers.get(id_, ()), names=_folded(names.get(id_, ())))
        for id_, one in standing.items()
    }


def _folded(names: Collection[tuple[str, str]]) -> frozenset[str]:
    return frozenset(folded(*name) for name in names)


def write_part(
    engine: sa.Engine, part: StepPart, renders: Renders, moved: Callable[[sa.Connection], T]
) -> T:
    """Write some of what was made, and that the run has, in one transaction; then bind.

    What `moved` comes to, which notes where the run stands. Raises `Raced` where any of them is
    another by now: look again. Raises the store's errors too, and what `moved` raises.
    """
    with transaction(engine) as conn:
        noted = _write(conn, part, renders)
        done = moved(conn)
    bind(engine, noted)
    return done


def _write(conn: sa.Connection, part: StepPart, renders: Renders) -> Noted | None:
    made = [one.remade for one in part.findings if one.remade is not None]
    require_current(conn, (one.standing.store for one in made))
    _lock(conn, part)
    fresh = _brought_back(conn, [one for one in made if one.entry.draft is not None])
    entries = [_as_it_stands(one, fresh, renders) for one in made]
    noted = note_keys(conn, write(conn, entries, [], frozenset(), renders)) if entries else None
    _put_back(conn, fresh, entries)
    after = {entry.after.identity: entry.after for entry in entries}
    lacking = ((one.standing.row, one.unmade) for one in part.again)
    again = [(after.get(row.identity, row), unmade) for row, unmade in lacking if unmade]
    tell_again(conn, again)
    return noted


def _lock(conn: sa.Connection, part: StepPart) -> None:
    """Lock the ledger's rows, as whoever applies does; raises `Raced` where one is another."""
    written = [*part.again, *(one for one in part.findings if one.remade is not None)]
    standing = {one.standing.row.identity: one.standing.row for one in written}
    if standing and ledger.lock(conn, standing) != standing:
        raise Raced("a document that is made anew was written meanwhile")


def _brought_back(conn: sa.Connection, written: Sequence[Remade]) -> dict[str, Stored]:
    """The documents as they stand under the lock. What is out of sight is brought back to be
    written: `write` hides again what it writes, and `_put_back` what it does not.
    """
    rows = [one.standing.row for one in written]
    documents.release(conn, [row.document_id for row in rows if not row.visible])
    return _with_pointers(conn, [row.document_id for row in rows])


def _as_it_stands(one: Remade, fresh: Mapping[str, Stored], renders: Renders) -> Entry:
    """What was made, beside the document as it stands under the lock: what it points at may be
    bound to others by now, and called otherwise, so that nothing is left to write of it.
    """
    before, row = one.standing.stored, one.standing.row
    if one.entry.draft is None:
        return one.entry
    stored = fresh.get(row.document_id)
    if stored is None or one.rendered is None:
        raise Raced("a document that is made anew went meanwhile")
    if stored == before:
        return one.entry
    same = ("content_hash", "config_hash", "source_metadata", "source_id", "parent_doc_id")
    if any(getattr(stored, name) != getattr(before, name) for name in same):
        raise Raced("a document that is made anew was written meanwhile")
    again = made_of(replace(one.standing, stored=stored), one.rendered, one.wish, renders)
    if again is None:
        return replace(one.entry, after=row, stored=None, draft=None)
    return again.entry


def _put_back(conn: sa.Connection, fresh: Mapping[str, Stored], entries: Sequence[Entry]) -> None:
    """Hide again what was brought back and turned out to need no writing."""
    unwritten = (one.after for one in entries if one.draft is None and not one.after.visible)
    hide_anew(conn, [row.document_id for row in unwritten if row.document_id in fresh])
