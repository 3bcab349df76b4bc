"""Brings documents in, through `apply` as everything else: ledger, feeds, keys, names.

What `apply` makes of a document without a text gives way, in the same transaction, to what the
legacy row knew of it. A document that the ledger knows already stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.core.errors import Raced
from ingest.core.ranks import IMPORTED
from ingest.flows.batches import raced
from ingest.flows.documents.apply import apply
from ingest.flows.documents.bind import bind
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.flows.documents.subjects import StoreStatement
from ingest.flows.legacy.columns import text
from ingest.flows.legacy.documents import LegacyDocument, document
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.plain_rows import notes_of, text_of
from ingest.flows.legacy.reporting import Notes
from ingest.flows.legacy.repositories import SOURCE
from ingest.flows.legacy.target import ImportTarget
from ingest.store import connections, ledger, legacy_documents, legacy_rows, orphans
from ingest.store.binding import Noted
from ingest.store.engine import transaction
from ingest.store.legacy_documents import KnownDocument
from ingest.store.legacy_tables import DOCUMENTS

_TABLE = "lightfast_docs_documents"
_COMPARED = ("content_hash", "config_hash", "frontmatter", "chunk_count")


@dataclass(slots=True)
class _IncomingDocument:
    """A document on its way in; `slug` is the one that it gets."""

    notes: Notes
    made: LegacyDocument
    slug: str = ""


@dataclass(slots=True)
class _DocumentBatch:
    """A batch on its way: all of it, and of that what is new here."""

    every: list[Notes] = field(default_factory=list)
    here: list[_IncomingDocument] = field(default_factory=list)
    fresh: list[_IncomingDocument] = field(default_factory=list)
    configs: dict[str, StoreConfig] = field(default_factory=dict)
    noted: Noted | None = None

    def statements(self) -> list[StoreStatement]:
        """What is said of the new ones."""
        return [(self.configs[one.made.store_id], one.made.statement) for one in self.fresh]


def bring_documents(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of documents; then what refers to them is bound."""
    renders = Renders()

    def run() -> _DocumentBatch:
        if not target.is_ready:
            return _plan(None, target, batch)
        with transaction(target.engine) as conn:
            done = _plan(conn, target, batch)
            if done.fresh and not target.is_dry:
                done.noted = _write(conn, done, renders)
            return done

    done = target.attempt(lambda: raced(run, renders.catch_up))
    bind(target.engine, done.noted)
    _count(target, done)


def _count(target: ImportTarget, done: _DocumentBatch) -> None:
    for notes in done.every:
        target.tally.row(notes)
    target.tally.written[DOCUMENTS] += len(done.fresh)
    for one in (*done.here, *done.fresh):
        target.brought.documents.add(one.made.id)
        of = target.brought.of_connection
        of[one.made.statement.connection_id] = of.get(one.made.statement.connection_id, 0) + 1
    if target.is_dry:
        for one in done.fresh:
            target.brought.slugs.add(_place(one.made.store_id, one.slug))


def _plan(conn: sa.Connection | None, target: ImportTarget, batch: Sequence[Row]) -> _DocumentBatch:
    """What is new of a batch; says of each what there is to say."""
    done = _DocumentBatch()
    told = _told(conn, target, batch, done)
    known = _known(conn, told)
    by_id = {one.document_id: one for one in known}
    by_key = {one.identity: one for one in known}
    adopted = _told_here(conn, [one for one in told if one.made.id not in by_id])
    keys: set[str] = set()
    for one in told:
        if one.made.key in keys:
            one.notes.refused("known-under-another-id", "path", one.made.identity.id)
            continue
        keys.add(one.made.key)
        if (standing := adopted.get(one.made.key)) is not None:
            one.notes.refused("path-told-here", "path", one.made.identity.id, [*standing])
            continue
        _judge(one, by_id.get(one.made.id), by_key.get(one.made.key), done)
    _name(conn, target, done)
    if conn is not None:
        _compare(conn, [one for one in done.here if by_id[one.made.id].made == IMPORTED])
        done.configs = _configs(conn, {one.made.store_id for one in done.fresh})
    return done


def _known(
    conn: sa.Connection | None, told: Sequence[_IncomingDocument]
) -> Sequence[KnownDocument]:
    """What the ledger knows under the identities of these, or under their ids."""
    if conn is None:
        return []
    keys, ids = [one.made.key for one in told], [one.made.id for one in told]
    return legacy_documents.known(conn, keys, ids)


def _told(
    conn: sa.Connection | None, target: ImportTarget, batch: Sequence[Row], done: _DocumentBatch
) -> list[_IncomingDocument]:
    there = target.stores_of(conn, {text(row, "store_id") or "" for row in batch})
    told: list[_IncomingDocument] = []
    for row in batch:
        notes, store_id = notes_of(DOCUMENTS, row), text(row, "store_id") or ""
        done.every.append(notes)
        if store_id not in there:
            notes.refused("no-parent", "store_id", store_id)
            continue
        made = document(row, target.brought.owner(store_id), notes, target.taken_at)
        told.append(_IncomingDocument(notes, made, made.slug))
    return told


def _told_here(
    conn: sa.Connection | None, told: Sequence[_IncomingDocument]
) -> Mapping[str, Sequence[str]]:
    """By their keys, the orphans whose path some repository of the store has told of: the documents
    of it. Had they come over before, the first to tell would have adopted them; now nobody does.
    """
    orphans_ = [one.made for one in told if one.made.is_orphan]
    if conn is None or not orphans_:
        return {}
    kind = orphans_[0].identity.kind
    wanted = [(one.store_id, one.identity.id) for one in orphans_]
    found = legacy_documents.told(conn, SOURCE, kind, wanted)
    return {
        one.key: found[one.store_id, one.identity.id]
        for one in orphans_
        if (one.store_id, one.identity.id) in found
    }


def _judge(
    one: _IncomingDocument,
    same_id: KnownDocument | None,
    same_file: KnownDocument | None,
    done: _DocumentBatch,
) -> None:
    """Whether a document is here: by its id, or the same file by another one."""
    if same_id is None and same_file is None:
        done.fresh.append(one)
    elif same_id is None and same_file is not None:
        one.notes.refused("known-under-another-id", "id", one.made.id, same_file.document_id)
    elif same_id is not None and same_id.store_id != one.made.store_id:
        one.notes.refused("taken-here", "id", one.made.store_id, same_id.store_id)
    elif same_id is not None:
        done.here.append(one)
        if same_id.slug != one.made.slug:
            one.notes.changed("slug-repeated", "slug", one.made.slug, same_id.slug)
        if same_id.made != IMPORTED:
            one.notes.kept("newer-here", None)


def _compare(conn: sa.Connection, here: Sequence[_IncomingDocument]) -> None:
    """What came over before, and was not read since: an archive of another time may differ."""
    if not here:
        return
    rows = text_of([{"id": one.made.id, **one.made.kept} for one in here])
    differing = legacy_rows.standing(conn, _TABLE, rows, _COMPARED)
    for one in here:
        for name, value in differing.get(one.made.id, {}).items():
            stands: Any = value
            one.notes.kept("differs-here", name, one.made.kept[name], stands)


def _name(conn: sa.Connection | None, target: ImportTarget, done: _DocumentBatch) -> None:
    """A slug is of one document of a store: of the first one in the archive."""
    wanted = [(one.made.store_id, one.made.slug) for one in done.fresh]
    taken: set[tuple[str, str]] = set()
    if conn is not None:
        taken.update(legacy_documents.slugs_taken(conn, wanted))
        _learn_hidden(conn, target, {store_id for store_id, _ in wanted})
    for one in done.fresh:
        place = one.made.store_id, one.made.slug
        if place in taken or _place(*place) in target.brought.slugs:
            one.slug = one.made.own_slug
            one.notes.changed("slug-repeated", "slug", one.made.slug, one.slug)
        taken.add((one.made.store_id, one.slug))


def _learn_hidden(conn: sa.Connection, target: ImportTarget, store_ids: set[str]) -> None:
    """Once for each store: what is out of sight is found by no index of slugs."""
    for store_id in sorted(store_ids - target.brought.looked_through):
        for slug in legacy_documents.hidden_slugs(conn, store_id):
            target.brought.slugs.add(_place(store_id, slug))
        target.brought.looked_through.add(store_id)


def _place(store_id: str, slug: str) -> str:
    return f"{store_id}\x1f{slug}"


def _configs(conn: sa.Connection, store_ids: set[str]) -> dict[str, StoreConfig]:
    return {
        one.id: StoreConfig(
            id=one.id,
            embedding_model=one.embedding_model,
            embedding_dim=one.embedding_dim,
            chunk_max_tokens=one.chunk_max_tokens,
            chunk_overlap=one.chunk_overlap,
            owned={},
            links_taken=one.links_taken,
        )
        for one in connections.stores(conn, store_ids).values()
    }


def _write(conn: sa.Connection, done: _DocumentBatch, renders: Renders) -> Noted | None:
    """The ledger hears of each under its own id and slug, and then what is said of it."""
    rows = [one.made.heard_of(one.slug) for one in done.fresh]
    if len(ledger.insert(conn, rows)) < len(rows):
        raise Raced("another transaction told of one of the documents first")
    _render(done, renders)
    applied = apply(conn, done.statements(), renders)
    kept: list[Mapping[str, object]] = [{"id": one.made.id, **one.made.kept} for one in done.fresh]
    legacy_documents.restore(conn, text_of(kept))  # type: ignore[arg-type] # their values are
    orphans.add(
        conn,
        [row for row, one in zip(rows, done.fresh, strict=True) if one.made.is_orphan],
    )
    return applied.noted


def _render(done: _DocumentBatch, renders: Renders) -> None:
    """There is no text: nothing of it is costly."""
    for store, statement in done.statements():
        if isinstance(statement.change, Upsert):
            renders.render(statement.change, store)
            renders.cut(statement.change, store)
