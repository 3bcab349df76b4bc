"""The one total order of changes (promise 5 of the design). Performs no I/O.

A rank is a text that sorts bytewise as the order demands, so that Python, SQL and a person
reading the ledger agree on who is newer:

    version . seen . fence . priority . digest

(a) the source's version; (b) told by a payload 0, seen by a look-up or a listing 1; (c) among
seen ones a fence from a database sequence; (d) among told ones delete above upsert, then the
provider's table; (e) the SHA-256 of the canonical change.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.canonical import digest
from ingest.core.changes import Change, Delete, Patch, Upsert
from ingest.core.values import JSON

_FINAL = "9" * 20
_VERSION_LIMIT = 10**19


@dataclass(frozen=True, slots=True)
class Told:
    """The change was told by a payload."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The change was seen at the provider; `fence` was drawn before the request left."""

    fence: int


Origin = Told | Seen
TOLD = Told()


def rank(change: Change, origin: Origin = TOLD) -> str:
    """The change's place in the total order; equal only for changes that say the same."""
    version = _FINAL if isinstance(change, Delete) and change.final else _fixed(change.version)
    told = isinstance(origin, Told)
    fence = 0 if isinstance(origin, Told) else origin.fence
    priority = change.priority if told else 0
    return f"{version}.{0 if told else 1}.{fence:019d}.{priority:03d}.{digest(content(change))}"


def content(change: Change) -> JSON:
    """What the change says, as JSON: all that decides what is stored.

    Aliases are left out, as those of every change are kept.
    """
    if isinstance(change, Upsert):
        return {
            "sourceId": change.source_id,
            "title": change.title,
            "body": change.body,
            "metadata": dict(change.metadata),
            "parent": list(_plain(change)),
            "frontmatter": dict(change.frontmatter) if change.frontmatter is not None else None,
            "references": [
                [r.kind, r.source, r.key, r.origin, r.evidence, r.prefix] for r in change.references
            ],
            "links": list(change.links),
            "createdAt": change.created_at.isoformat() if change.created_at else None,
            "home": change.home,
            "labels": [*sorted(change.labels)] if change.labels is not None else None,
            "chunkOverlap": change.chunk_overlap,
        }
    if isinstance(change, Patch):
        return {name: [f.value, f.merge] for name, f in change.fields.items()}
    return {"deleted": True}


def _plain(change: Upsert) -> tuple[str, ...]:
    parent = change.parent
    return (parent.scope, parent.kind, parent.id) if parent else ()


def _fixed(version: int) -> str:
    if not 0 <= version < _VERSION_LIMIT:
        raise ValueError(f"version {version} is outside 0..10^19; give micros or a state's rank")
    return f"{version:020d}"
