"""The one total order of changes (promise 5 of the design). Performs no I/O.

A rank is a text that sorts bytewise as the order demands, so that Python, SQL and a person
reading the ledger agree on who is newer:

    version . seen . fence . priority . ~ said

(a) the source's version; (b) told by a payload 0, seen by a look-up or a listing 1; (c) among
seen ones a fence from a database sequence; (d) among told ones delete above upsert, then the
provider's table; (e) the digest of what the provider said, never of what we made of it: mended
code makes something else of the same words, and has to find them in the same place. The `~` sorts
above every rank of the time when that was otherwise.

What we made of the words carries a revision: of equal ranks the newer or equal one replaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.canonical import digest
from ingest.core.changes import DELETE_PRIORITY, Change, Delete, Patch, Upsert, Withdraw
from ingest.core.identity import Identity
from ingest.core.references import Reference
from ingest.core.values import JSON

_FINAL = "9" * 20
_VERSION_LIMIT = 10**19
_VERSION_CHARS = 20
_FENCE_END = _VERSION_CHARS + 22
"""Where the priority begins: behind the version, one digit, and a fence of 19."""
_UNTOLD = "?" * _VERSION_CHARS


@dataclass(frozen=True, slots=True)
class Told:
    """The change was told by a payload. `said` is the digest of its signed body, in hex, without
    what the provider changes on each attempt.
    """

    said: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The change was seen at the provider; `fence` was drawn before the request left."""

    fence: int


Origin = Told | Seen
TOLD = Told()

IMPORTED = "legacy"
"""In the place of a digest (`made`): the row came out of a legacy database, which kept of the words
a hash over the body alone. Until the document is read again nobody can say what it was made of.
"""


def rank(change: Change, origin: Origin = TOLD) -> str:
    """The change's place in the total order; equal only where one body or one look-up said it."""
    version = _version(change)
    if isinstance(origin, Told):
        return f"{version}.0.{0:019d}.{change.priority:03d}.~{origin.said}"
    return f"{version}.1.{origin.fence:019d}.000.~"


def made(change: Change) -> str:
    """The digest of what we made of the words: whether two of one version say the same."""
    return digest(content(change))


def content(change: Change) -> JSON:
    """What the change says, as JSON: all that decides what is stored.

    Aliases are left out, as those of every change are kept.
    """
    if isinstance(change, Upsert):
        apart: dict[str, JSON] = {}
        if change.answers or change.lives_in is not None:
            apart = {"answers": change.answers, "livesIn": list(_plain(change.lives_in))}
        if change.branch is not None:
            apart["branch"] = change.branch
        return {
            **apart,
            "sourceId": change.source_id,
            "title": change.title,
            "titleIsMadeUp": change.title_is_made_up,
            "body": change.body,
            "metadata": dict(change.metadata),
            "parent": list(_plain(change.parent)),
            "frontmatter": dict(change.frontmatter) if change.frontmatter is not None else None,
            "references": [
                [r.kind, r.source, r.key, r.origin, r.evidence, r.prefix, _thing(r)]
                for r in change.references
            ],
            "links": list(change.links),
            "temporal": dict(change.temporal),
            "createdAt": change.created_at.isoformat() if change.created_at else None,
            "home": change.home,
            "homeScope": change.home_scope,
            "labels": [*sorted(change.labels)] if change.labels is not None else None,
            "chunkOverlap": change.chunk_overlap,
        }
    if isinstance(change, Patch):
        return {name: [f.value, f.merge] for name, f in change.fields.items()}
    return {"deleted": True} if isinstance(change, Delete) else {"withdrawn": True}


def superseded(rank: str) -> str:
    """The place of the end of what was last told there, as another thing took its place: above all
    that was told of that version, and below any newer word.
    """
    return f"{rank[:_FENCE_END]}.{DELETE_PRIORITY:03d}.~"


def grounded(rank: str, known: str | None) -> str:
    """The rank of a change without a version of its own: it has the last known one."""
    if not rank.startswith(_UNTOLD):
        return rank
    version = version_of(known) if known is not None else _fixed(0)
    return with_version(rank, version)


def version_of(rank: str) -> str:
    """The first part of a rank: the source's version."""
    return rank[:_VERSION_CHARS]


def with_version(rank: str, version: str) -> str:
    """The same words at another version, as `version_of` gives it."""
    return version + rank[_VERSION_CHARS:]


def same_version(rank: str, other: str) -> bool:
    """Whether two changes have one version, so that only the tie-breakers part them."""
    return version_of(rank) == version_of(other)


def was_seen(rank: str) -> bool:
    """Whether a look-up or a listing said it, rather than a payload."""
    return rank[_VERSION_CHARS : _VERSION_CHARS + 3] == ".1."


def is_final(rank: str) -> bool:
    """Whether it is a deletion that nothing lifts."""
    return rank.startswith(_FINAL)


def _version(change: Change) -> str:
    if isinstance(change, Delete) and change.final:
        return _FINAL
    if isinstance(change, Delete | Withdraw) and change.version is None:
        return _UNTOLD
    return _fixed(change.version or 0)


def _plain(named: Identity | None) -> tuple[str, ...]:
    return (named.scope, named.kind, named.id) if named else ()


def _thing(reference: Reference) -> list[JSON] | None:
    thing = reference.thing
    return None if thing is None else [thing.scope, thing.kind, thing.id]


def _fixed(version: int) -> str:
    if not 0 <= version < _VERSION_LIMIT:
        raise ValueError(f"version {version} is outside 0..10^19; give micros or a state's rank")
    return f"{version:020d}"
