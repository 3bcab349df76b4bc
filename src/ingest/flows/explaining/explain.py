"""Explains a document: why each of its relationships is there, what came in about it and what that
did, which hashes it had.

Law: nothing is written, and nothing of another store is told. Who speaks of the document is found
by reading the raw deliveries that are kept once more, with the adapter of today.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.folding import LedgerRow
from ingest.core.identity import Identity, document_id, event_id, object_id
from ingest.core.ranks import version_of, was_seen
from ingest.core.reading import reading_of
from ingest.core.references import DEPLOYMENT
from ingest.flows.connections import directory
from ingest.flows.connections.directory import Directory
from ingest.flows.deliveries.normalise import prepare
from ingest.flows.deliveries.prepared import Opened, Prepared, Target
from ingest.flows.deliveries.route import names_of, open_delivery
from ingest.flows.documents.find import find_documents
from ingest.flows.documents.keys import members
from ingest.flows.explaining import past, words
from ingest.flows.explaining.past import HashKept, HeardDelivery, PastEntry
from ingest.flows.explaining.words import SaidRelationship
from ingest.sources.registry import all_sources
from ingest.store import explaining, reading
from ingest.store.explaining import KeptDelivery

_WORD = re.compile(rb"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Explained:
    """All that can be told of a document.

    document: as `reading.show`, without its references; None where it is out of sight. row: the
        ledger's, by which it is known.
    told_by: of the version that stands, `webhook` or `look-up`; None where it was only heard of.
    deliveries_since: deliveries were looked through from then on, None: all that are kept.
    changes_since: changes are kept from then on, None: none are.
    """

    row: LedgerRow
    document: Mapping[str, Any] | None
    relationships: tuple[SaidRelationship, ...]
    past: tuple[PastEntry, ...]
    hashes: tuple[HashKept, ...]
    deliveries_since: datetime | None
    changes_since: datetime | None

    @property
    def version(self) -> str | None:
        """The source's version that the document stands in, as ranks have it."""
        return None if self.row.rank is None else version_of(self.row.rank)

    @property
    def told_by(self) -> str | None:
        """Who told that version."""
        if self.row.rank is None:
            return None
        return "look-up" if was_seen(self.row.rank) else "webhook"


def explain_document(
    conn: sa.Connection,
    named: str,
    *,
    store_id: str | None = None,
    source_type: str | None = None,
    api_urls: Mapping[str, str],
) -> Explained:
    """Everything of one document, by its id, or by a key that one alone has or had.

    `api_urls`: the configured bases of APIs, by source type. To be called in a snapshot. Raises
    `BadInput` where none was ever heard of, and where several have the key.
    """
    row = explaining.row_of(conn, named) or _called(conn, named, store_id, source_type)
    document = row.document_id
    shown = reading.show(conn, document)
    told, changes_since = explaining.told(conn, document)
    made = past.effects(told)
    kept, deliveries_since = explaining.deliveries(
        conn, row, _needle(row.external_id), [effect.at for effect in made]
    )
    heard = _heard(conn, row, kept, {effect.at for effect in made}, api_urls)
    events = explaining.events(
        conn, row, f"sync:{object_id(_identity(row))}:", {key for one in heard for key in one.keys}
    )
    entries = past.entries(heard, events, made, kept_since=changes_since)
    standing = None if shown is None else (shown["content_hash"], shown["config_hash"])
    return Explained(
        row,
        shown,
        tuple(_relationships(conn, row, shown)) if shown is not None else (),
        tuple(entries),
        tuple(past.hashes(made, entries, standing)),
        deliveries_since,
        changes_since,
    )


def _called(
    conn: sa.Connection, key: str, store_id: str | None, source_type: str | None
) -> LedgerRow:
    """The one document that is called so, or was."""
    found = find_documents(conn, key, store_id=store_id, source_type=source_type)
    now = [one for one in found if one["alias"] is None] or found
    if len(now) > 1:
        named = ", ".join(f"{one['id']} ({one['source_type']} {one['kind']})" for one in now[:5])
        raise BadInput(f"{len(now)} documents are called {key}; give the id of one: {named}")
    row = explaining.row_of(conn, now[0]["id"]) if now else None
    if row is None:
        raise BadInput(
            f"there is no document {key}, by its id or by a key; `ingest docs list` lists them"
        )
    return row


def _relationships(
    conn: sa.Connection, row: LedgerRow, shown: Mapping[str, Any]
) -> Iterator[SaidRelationship]:
    id_ = row.document_id
    pointers = explaining.pointers(conn, id_)
    meant = {one for pointer in pointers for one in members(words.aimed(pointer, row.store_id))}
    title = reading.titles(conn, [id_]).get(id_, "")
    states = explaining.states(conn, meant)
    read = reading_of(row.reading, row.rank)
    yield from words.of_references(pointers, row.store_id, title, read, states)
    temporal = {**((shown["relationships"] or {}).get("temporal") or {})}
    if any(pointer.kind == DEPLOYMENT for pointer in pointers):
        temporal.pop("deploymentId", None)
    found = {str(value): _named(conn, row, str(value)) for value in temporal.values()}
    yield from words.of_times(temporal, shown["source_metadata"], found)


def _named(conn: sa.Connection, row: LedgerRow, value: str) -> words.RelationshipTarget:
    """The document of a store that a temporal relationship names: by its key."""
    keys = dict.fromkeys(all_sources(), value)
    for one in reading.find(conn, value, keys, store_id=row.store_id):
        if one["id"] == row.document_id:
            return words.RelationshipTarget(
                "itself", one["id"], one["kind"], one["source_id"], "key"
            )
        return words.RelationshipTarget("bound", one["id"], one["kind"], one["source_id"], "key")
    return words.RelationshipTarget("none")


def _identity(row: LedgerRow) -> Identity:
    return Identity(row.source_type, row.scope, row.kind, row.external_id)


def _needle(external_id: str) -> bytes:
    """What every body holds that names a thing of this id, however JSON writes it."""
    return max(_WORD.findall(external_id.encode()), key=len, default=b"")


def _heard(
    conn: sa.Connection,
    row: LedgerRow,
    kept: Sequence[KeptDelivery],
    times: set[datetime],
    api_urls: Mapping[str, str],
) -> list[HeardDelivery]:
    opened = [open_delivery(one.row) for one in kept]
    book = directory.read_directory(conn, *names_of(opened), api_urls=api_urls)
    readers = (book, _with_tokens(book))
    found, other = [], []
    for one, read in zip(kept, opened, strict=True):
        shares = [_shares(row, read, reader) for reader in readers]
        named = next((told for told in shares if _is_named(row, told)), None)
        if named is not None:
            found.append(_told(row, one, named))
        elif one.settled_at in times:
            other.append((one, shares[0]))
    return sorted([*found, *_with_others(conn, row, other)], key=lambda told: told.delivery.row.id)


def _with_others(
    conn: sa.Connection, row: LedgerRow, kept: Sequence[tuple[KeptDelivery, Sequence[Target]]]
) -> Iterator[HeardDelivery]:
    """Those that waited for a look-up of what is no document itself, as a branch is: what that saw
    was written in the transaction that ended them.
    """
    asked = {id(shares): {*_asked(row, shares, waits=True)} for _, shares in kept}
    known = explaining.states(conn, set().union(*asked.values()))
    for one, shares in kept:
        if not asked[id(shares)] <= known.keys():
            yield _told(row, one, shares)


def _with_tokens(book: Directory) -> Directory:
    """As if every connection could ask: of whom a delivery speaks that was skipped for want of a
    token is told by what would have been looked up.
    """
    return replace(
        book,
        by_id={id_: replace(one, has_token=True) for id_, one in book.by_id.items()},
        by_tenant={
            tenant: [replace(one, has_token=True) for one in found]
            for tenant, found in book.by_tenant.items()
        },
    )


def _shares(row: LedgerRow, opened: Opened | Prepared, book: Directory) -> Sequence[Target]:
    """What a delivery means to the document's store, by the adapter of today."""
    prepared = prepare(opened, book) if isinstance(opened, Opened) else opened
    return [one for one in prepared.targets if one.store.id == row.store_id]


def _is_named(row: LedgerRow, shares: Sequence[Target]) -> bool:
    return any(_ranks(row, shares)) or row.identity in _asked(row, shares)


def _told(row: LedgerRow, kept: KeptDelivery, shares: Sequence[Target]) -> HeardDelivery:
    keys = (event_id(row.store_id, row.source_type, target.event_key) for target in shares)
    rank = max(_ranks(row, shares), default=None)
    return HeardDelivery(kept, rank, row.identity in _asked(row, shares), tuple(keys))


def _ranks(row: LedgerRow, shares: Sequence[Target]) -> Iterator[str]:
    """The places of what is told of the document."""
    for target in shares:
        for statement in target.statements:
            if document_id(statement.change.identity, row.store_id) == row.identity:
                yield statement.rank


def _asked(row: LedgerRow, shares: Sequence[Target], *, waits: bool = False) -> Iterator[str]:
    """The identities that are asked for; `waits`: where the delivery ends with the look-up."""
    for target in shares:
        if target.waits or not waits:
            yield from (document_id(ask.identity, row.store_id) for ask in target.lookups)
