"""What a delivery, a look-up or a listing says about documents: the values of `apply`.

A `Change` says it, a `Refresh` asks for it. Pure values. Which of two changes wins is decided in
`ranks`, what becomes of one in `folding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ingest.core.identity import Identity
from ingest.core.lean import lean
from ingest.core.references import Reference
from ingest.core.values import JSON

Merge = Literal["min", "max", "union", "newest"]

UPSERT_PRIORITY = 100
"""Priority of a told upsert that the provider's table does not single out (0 to 499)."""
DELETE_PRIORITY = 500
"""Priority of every told delete: above any upsert of the same version."""


@lean
class Upsert:
    """A whole object: it replaces what was known, patches of older rank included.

    `version` is the source's own (microseconds since the epoch, or the rank of a state);
    `priority` breaks ties between payloads of one version (the provider's table, 0 to 499).
    `source_id` is the human key, `aliases` further keys that must find the document.
    `references` are those that a provider's field states; `links` are URLs in such fields (an
    attachment), which every source's mention syntax is asked about. `temporal` are the commit
    (`commitSha`) and the deployment (`deploymentId`) that it belongs to.
    `home` is what bare references in the text are relative to (`owner/repo`), where that exists;
    `home_scope` the scope of what they mean (a repository's id), where that is known.
    `labels` name the groups of the connection's filter that the object belongs to (team ids);
    None where the payload does not say.
    `title_is_made_up`: by us, out of its keys or others' words, so nothing is said by it.
    `branch` is the name of the branch that it is made of: a field, which each source's mention
    syntax reads as it reads a branch's name.
    `answers`: the parent is what it answers, and stays without it; what it goes with is what it
    `lives_in`, where that is known.
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
    temporal: Mapping[str, str] = field(default_factory=dict)
    home: str | None = None
    home_scope: str | None = None
    labels: frozenset[str] | None = None
    priority: int = UPSERT_PRIORITY
    chunk_overlap: int | None = None
    title_is_made_up: bool = False
    answers: bool = False
    lives_in: Identity | None = None
    branch: str | None = None

    @property
    def goes_with(self) -> Identity | None:
        """What takes it out of sight when it goes, and brings it back."""
        return self.lives_in if self.answers else self.parent


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a patch: its value and the commutative merge declared for it.

    `min` and `max` compare texts or numbers, `union` keeps sorted lists of texts or mappings of
    those, `newest` takes that of the newest rank.
    """

    value: JSON
    merge: Merge


@dataclass(frozen=True, slots=True)
class Patch:
    """Some metadata fields of an object; kept until a whole object of newer rank replaces it.

    `fields` by the name that they have in the metadata; `version` and `priority` as in `Upsert`.
    Any order of patches ends in the same document.
    """

    identity: Identity
    version: int
    fields: Mapping[str, Field]
    priority: int = UPSERT_PRIORITY


@dataclass(frozen=True, slots=True)
class Delete:
    """The object is gone. `final` where its id never returns: then no later word lifts it.

    `version` is None where nobody told one (a 404, a listing): the last known one is kept.
    `confirm` is the look-up by which a final deletion that a payload tells is confirmed: where
    somebody can be asked it is for good only then, and until then no more than the newest word.
    """

    identity: Identity
    version: int | None
    final: bool = False
    aliases: tuple[str, ...] = ()
    confirm: Refresh | None = None
    priority: int = field(default=DELETE_PRIORITY)


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The object is there, but the connection does not want it any more (a glob, a filter).

    `version` is None where nobody told one: the last known one is meant.
    """

    identity: Identity
    version: int | None
    priority: int = UPSERT_PRIORITY


Change = Upsert | Patch | Delete | Withdraw


@dataclass(frozen=True, slots=True)
class Refresh:
    """Look the object up: the payload only hints at it.

    `identity` names what is looked up; its kind may be one that is no document itself (a branch).
    `hint` is what the look-up needs beside the id; of several events of one object the last wins.
    `otherwise` is what to apply where the connection has no token; empty: the delivery is skipped.
    `patience_s`: a 404 that soon after the event is the provider's own lag, and asked again.
    `gone`: the object is told to be gone for good, and what still shows it is that lag.
    `after_s`: no sooner than that, for of what was shown the provider did not tell all yet. Nobody
    waits for it, no sync run either; an event that comes before it is looked up at once.
    """

    identity: Identity
    hint: Mapping[str, JSON] = field(default_factory=dict)
    otherwise: tuple[Change, ...] = ()
    patience_s: float = 0.0
    gone: bool = False
    after_s: float = 0.0
