"""Who a document is: an immutable identity, and the ids that follow from it. Performs no I/O.

The identity never holds a connection, a team or a name, so every order of arrival gives the same
document, and a parent's id is known before the parent is there.
"""

from __future__ import annotations

import hashlib
import uuid

from ingest.core.lean import lean
from ingest.core.slugs import slug

_DOCUMENTS = uuid.UUID("5a8d8f5e-0c0b-5d0a-9a55-6f2f3a0f7c11")
_EVENTS = uuid.UUID("c9b1d6b4-3c55-5d61-8a51-0d5b2f6f0e42")
_SEPARATOR = "\x1f"
_VARIANTS = "89ab"
"""The digit that says the layout: RFC 9562, 4.1."""


@lean
class Identity:
    """A thing at a provider. None of the four ever changes; none is a connection, a team or a name.

    source_type: the name that the source is registered under.
    scope: what the id is unique within: the id of a repository or an organization, a host, …
    kind: `issue`, `file`, …
    id: the provider's own, as a text.
    """

    source_type: str
    scope: str
    kind: str
    id: str

    def key(self, store_id: str) -> str:
        """The identity's text form within a store; what ids and slugs are computed from.

        The five parts with U+001F between them.
        """
        return _SEPARATOR.join((store_id, self.source_type, self.scope, self.kind, self.id))


def document_id(identity: Identity, store_id: str) -> str:
    """The id of the document that the identity has in a store: a UUIDv5, the same in every process.

    Imported rows may have another one: the ledger's id wins.
    """
    return _uuid5(_DOCUMENTS, identity.key(store_id))


def object_id(identity: Identity) -> str:
    """UUIDv5 of the identity in no store: what the look-ups of one thing have in common."""
    return document_id(identity, "")


def document_slug(identity: Identity, store_id: str) -> str:
    """`<kind>-<id>~<12 hex>`, at most 256 characters; it never moves, and is unique.

    The hex is the beginning of the SHA-256 of the identity's key.
    """
    sha256 = hashlib.sha256(identity.key(store_id).encode("utf-8", "replace")).hexdigest()
    return slug(f"{identity.kind}-{identity.id}", sha256)


def event_id(store_id: str, source_type: str, event_key: str) -> str:
    """The id of an event: the UUIDv5 of its unique key, so that every worker makes the same one."""
    return _uuid5(_EVENTS, _SEPARATOR.join((store_id, source_type, event_key)))


def _uuid5(namespace: uuid.UUID, name: str) -> str:
    """RFC 9562 version 5, without the detour of `uuid.uuid5`, which costs five times as much."""
    named = namespace.bytes + name.encode("utf-8", "replace")
    hex_ = hashlib.sha1(named, usedforsecurity=False).hexdigest()
    variant = _VARIANTS[int(hex_[16], 16) & 3]
    return f"{hex_[:8]}-{hex_[8:12]}-5{hex_[13:16]}-{variant}{hex_[17:20]}-{hex_[20:32]}"
