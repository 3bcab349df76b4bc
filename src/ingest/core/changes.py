"""What a delivery, a look-up or a listing says about documents: the values that `apply` works on.

Pure values. Which of two changes wins is decided in `ranks`, what becomes of one in `folding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ingest.core.identity import Identity
from ingest.core.references import Reference
from ingest.core.values import JSON

Merge = Literal["min", "max", "union", "newest"]

UPSERT_PRIORITY = 100
"""Priority of a told upsert that the provider's table does not single out (0 to 499)."""
DELETE_PRIORITY = 500
"""Priority of every told delete: above any upsert of the same version."""


@dataclass(frozen=True, slots=True)
class Upsert:
    """A whole object: it replaces what was known, patches of older rank included.

    `version` is the source's own (microseconds since the epoch, or the rank of a state);
    `priority` breaks ties between payloads of one version (the provider's table, 0 to 499).
    `source_id` is the human key, `aliases` further keys that must find the document.
    `references` are those that a provider's field states; `links` are URLs in such fields (an
    attachment), which every source's mention syntax is asked about.
    `home` is what bare references in the text are relative to (`owner/repo`), where that exists.
    `labels` name the groups of the connection's filter that the object belongs to (team ids);
    None where the payload does not say.
    """

    identity: Identity
    version: int
    source_id: str
    title: str
    body: str
    metadata: Mapping[str, JSON]
    created_at: datetime | None = None
    parent: Identity | None = None
    aliases: tuple[str, ...] = ()
    frontmatter: Mapping[str, JSON] | None = None
    references: tuple[Reference, ...] = ()
    links: tuple[str, ...] = ()
    home: str | None = None
    labels: frozenset[str] | None = None
    priority: int = UPSERT_PRIORITY
    chunk_overlap: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a patch: its value and the commutative merge declared for it."""

    value: JSON
    merge: Merge


@dataclass(frozen=True, slots=True)
class Patch:
    """Some metadata fields of an object; kept until a whole object of newer rank replaces it."""

    identity: Identity
    version: int
    fields: Mapping[str, Field]
    priority: int = UPSERT_PRIORITY


@dataclass(frozen=True, slots=True)
class Delete:
    """The object is gone. `final` where its id never returns: then no later word lifts it."""

    identity: Identity
    version: int
    final: bool = False
    aliases: tuple[str, ...] = ()
    priority: int = field(default=DELETE_PRIORITY)


Change = Upsert | Patch | Delete
