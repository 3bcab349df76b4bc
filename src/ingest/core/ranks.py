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
_VERSION_CHARS = 20
_UNTOLD = "?" * _VERSION_CHARS


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
    version = _version(change)
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
            "temporal": dict(change.temporal),
            "createdAt": change.created_at.isoformat() if change.created_at else None,
            "home": change.home,
            "labels": [*sorted(change.labels)] if change.labels is not None else None,
            "chunkOverlap": change.chunk_overlap,
        }
    if isinstance(change, Patch):
        return {name: [f.value, f.merge] for name, f in change.fields.items()}
    return {"deleted": True} if isinstance(change, Delete) else {"withdrawn": True}


def grounded(rank: str, known: str | None) -> str:
    """The rank of a change without a version of its own: it has the last known one."""
    if not rank.startswith(_UNTOLD):
        return rank
    version = known[:_VERSION_CHARS] if known is not None else _fixed(0)
    return version + rank[_VERSION_CHARS:]


def same_version(rank: str, other: str) -> bool:
    """Whether two changes have one version, so that only the tie-breakers part them."""
    return rank[:_VERSION_CHARS] == other[:_VERSION_CHARS]


def was_seen(rank: str) -> bool:
    """Whether a look-up or a listing said it, rather than a payload."""
    return rank[_VERSION_CHARS : _VERSION_CHARS + 3] == ".1."


def is_final(rank: str) -> bool:
    """Whether it is a deletion that nothing lifts."""
    return rank.startswith(_FINAL)


def _version(change: Change) -> str:
    if isinstance(change, Delete):
        if change.final:
            return _FINAL
        if change.version is None:
            return _UNTOLD
    return _fixed(change.version or 0)


def _plain(change: Upsert) -> tuple[str, ...]:
    parent = change.parent
    return (parent.scope, parent.kind, parent.id) if parent else ()


def _fixed(version: int) -> str:
    if not 0 <= version < _VERSION_LIMIT:
        raise ValueError(f"version {version} is outside 0..10^19; give micros or a state's rank")
    return f"{version:020d}"
