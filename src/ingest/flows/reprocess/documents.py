"""A step over documents: some are read with their texts, made anew, and written where they differ.

Law: what is costly is made with no transaction open; what is written is locked as `apply` locks it,
read again, and made again where anybody has said something of it meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from ingest.core.errors import Raced
from ingest.core.values import JSON
from ingest.flows.connections.directory import read_stores
from ingest.flows.documents.bind import bind, note_keys
from ingest.flows.documents.current import require_current
from ingest.flows.documents.prerender import MAX_ROWS
from ingest.flows.documents.render import Renders
from ingest.flows.documents.write import write
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.remake import Remade, StandingDocument, made_of, remake
from ingest.flows.reprocess.stored import REASONS, Unmade
from ingest.sources.registry import folded
from ingest.store import documents, ledger, references, reprocessing
from ingest.store.binding import Noted
from ingest.store.documents import Stored
from ingest.store.engine import transaction

MOST_CHUNKS = 1_000
"""Of the texts of one step: some megabytes."""
MOST_SAMPLES = 20


@dataclass(slots=True)
class LookedAt:
    """What a step found: what is made anew, in the order of identities, and what it came to.

    until: behind which identity the next step begins; ends: there is none.
    counts: by source type. unmade: (document id, source id, reason).
    """

    made: list[Remade] = field(default_factory=list)
    renders: Renders = field(default_factory=Renders)
    until: str = reprocessing.FIRST
    ends: bool = False
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    unmade: list[tuple[StandingDocument, Unmade]] = field(default_factory=list)

    def count(self, source_type: str, *outcomes: str) -> None:
        """One more of each."""
        self.counts.setdefault(source_type, Counter()).update(outcomes)

    @property
    def samples(self) -> list[JSON]:
        """Some of what cannot be made, each with the reason."""
        return [
            {
                "document": one.row.document_id,
                "source_id": one.stored.source_id,
                "store": one.row.store_id,
                "reason": REASONS[why.reason],
            }
            for one, why in self.unmade[:MOST_SAMPLES]
        ]


def look(
    engine: sa.Engine,
    asked: ReprocessRequest,
    after: str,
    *,
    limit: int,
    api_urls: Mapping[str, str],
) -> LookedAt:
    """Make the next documents behind an identity anew. Locks nothing and writes nothing.

    With no transaction open: it reads in one of its own, and computes after it. Raises
    `TransientError` where the database is away.
    """
    with transaction(engine, durable=False) as conn:
        identities, ends = reprocessing.next_documents(
            conn, asked.within, after=after, limit=limit, most_chunks=MOST_CHUNKS
        )
        standing = _standing(conn, identities, api_urls)
    found = LookedAt(until=identities[-1] if identities else after, ends=ends)
    for one in standing:
        made = remake(one, asked, found.renders)
        found.count(one.row.source_type, "looked", *_outcomes(made))
        if isinstance(made, Unmade):
            found.unmade.append((one, made))
        elif made is not None:
            found.made.append(made)
    return found


def _outcomes(made: Remade | Unmade | None) -> Iterator[str]:
    if isinstance(made, Unmade):
        yield made.reason
    elif made is not None:
        yield from (name for name in ("rechunked", "reread") if getattr(made, name))


def _standing(
    conn: sa.Connection, identities: Collection[str], api_urls: Mapping[str, str]
) -> list[StandingDocument]:
    rows = ledger.read(conn, identities)
    ids = [row.document_id for row in rows.values()]
    seen = _with_pointers(conn, ids)
    texts = reprocessing.chunks(conn, seen)
    aside = reprocessing.withheld(conn, [one for one in ids if one not in seen])
    names = references.names_of(conn, aside)
    for id_, (stored, chunks) in aside.items():
        seen[id_] = replace(stored, names=_folded(names.get(id_, ())))
        texts[id_] = chunks
    stores = read_stores(conn, {row.store_id for row in rows.values()}, api_urls=api_urls)
    return [
        StandingDocument(
            row, seen[row.document_id], texts.get(row.document_id, []), stores[row.store_id]
        )
        for _, row in sorted(rows.items())
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


def parts(looked: LookedAt) -> list[list[Remade]]:
    """What is written, in as many transactions as it takes for none to write too much; one at
    least, for the run moves on with the last.
    """
    found: list[list[Remade]] = [[]]
    taken = 0
    for one in looked.made:
        draft = one.entry.draft
        rows = looked.renders.rows(draft.upsert, draft.store) if draft is not None else 1
        taken += rows
        if found[-1] and taken > MAX_ROWS:
            found.append([])
            taken = rows
        found[-1].append(one)
    return found


def write_part(
    engine: sa.Engine,
    part: Sequence[Remade],
    renders: Renders,
    moved: Callable[[sa.Connection], None],
) -> None:
    """Write some of what was made, and that the run has, in one transaction; then bind.

    Raises `Raced` where any of them is another by now: look again. Raises the store's errors too,
    and what `moved` raises.
    """
    with transaction(engine) as conn:
        noted = _write(conn, part, renders)
        moved(conn)
    bind(engine, noted)


def _write(conn: sa.Connection, part: Sequence[Remade], renders: Renders) -> Noted | None:
    if not part:
        return None
    require_current(conn, (one.standing.store for one in part))
    _lock(conn, part)
    written = [one for one in part if one.entry.draft is not None]
    marked = [one.entry for one in part if one.entry.draft is None]
    fresh = _brought_back(conn, written)
    entries = [*(_as_it_stands(one, fresh, renders).entry for one in written), *marked]
    return note_keys(conn, write(conn, entries, [], frozenset(), renders))


def _lock(conn: sa.Connection, part: Sequence[Remade]) -> None:
    """Lock the ledger's rows, as whoever applies does; raises `Raced` where one is another."""
    rows = ledger.lock(conn, [one.standing.row.identity for one in part])
    if any(rows.get(one.standing.row.identity) != one.standing.row for one in part):
        raise Raced("a document that is made anew was written meanwhile")


def _brought_back(conn: sa.Connection, written: Sequence[Remade]) -> dict[str, Stored]:
    """The documents as they stand under the lock; `write` hides again what is out of sight."""
    rows = [one.standing.row for one in written]
    documents.release(conn, [row.document_id for row in rows if not row.visible])
    return _with_pointers(conn, [row.document_id for row in rows])


def _as_it_stands(one: Remade, fresh: Mapping[str, Stored], renders: Renders) -> Remade:
    """What was made, beside the document as it stands under the lock: what it points at may be
    bound to others by now, and called otherwise.
    """
    stored = fresh.get(one.standing.row.document_id)
    before = one.standing.stored
    if stored is None or one.rendered is None:
        raise Raced("a document that is made anew went meanwhile")
    if stored == before:
        return one
    same = ("content_hash", "config_hash", "source_metadata", "source_id", "parent_doc_id")
    if any(getattr(stored, name) != getattr(before, name) for name in same):
        raise Raced("a document that is made anew was written meanwhile")
    again = made_of(replace(one.standing, stored=stored), one.rendered, one.wish, renders)
    if again is None:
        raise Raced("a document that is made anew is as it should be by now")
    return again
