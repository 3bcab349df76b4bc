"""Documents that come into sight or go out of it, with the references to them and from them.

Law: what is out of sight points nowhere and is pointed at by nobody; whoever pointed at it is shown
anew once the keys that are answered here are bound.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from ingest.core.identity import Identity
from ingest.flows.documents.keys import aim, named, thing
from ingest.flows.documents.shown import show_anew
from ingest.sources.registry import folded
from ingest.store import documents, references
from ingest.store.binding import Owned


def keys_of(conn: sa.Connection, document_ids: Collection[str]) -> set[Owned]:
    """The keys by which documents are found, all of which move with them, and those by which their
    own references are bound.
    """
    found = references.keys_of(conn, document_ids)
    keys = {named(*key, moved=True) for key in found.names}
    for store_id, *who in found.things:
        known = thing(store_id, Identity(*who), moved=True)
        if known is not None:
            keys.add(known)
    return keys | {aim(*one) for one in found.aimed}


def hide(conn: sa.Connection, document_ids: Collection[str]) -> None:
    """Put documents out of sight; their keys have to be asked for before."""
    references.delete(conn, _to_themselves(conn, document_ids))
    references.loose(conn, document_ids)
    show_anew(conn, document_ids, touch=False)
    documents.withhold(conn, document_ids)


def hide_anew(conn: sa.Connection, document_ids: Collection[str]) -> None:
    """Withheld documents that got another key: what refers to that by it refers to itself."""
    documents.release(conn, document_ids)
    hide(conn, document_ids)


def show(conn: sa.Connection, document_ids: Collection[str]) -> set[Owned]:
    """Bring withheld documents back; the keys that are to be bound for them."""
    documents.release(conn, document_ids)
    return keys_of(conn, document_ids)


def _to_themselves(conn: sa.Connection, document_ids: Collection[str]) -> list[dict[str, str]]:
    """The references of documents to keys that they have or had themselves."""
    pointers = references.read(conn, document_ids)
    names = references.names_of(conn, pointers)
    return [
        {
            "document_id": id_,
            "kind": one.kind,
            "target_source": one.target_source,
            "target_key": one.target_key,
        }
        for id_, told in pointers.items()
        for own in [{(source, folded(source, key)) for source, key in names.get(id_, ())}]
        for one in told
        if (one.target_source, one.bind_key or one.target_key) in own
    ]
