"""What a run that listed all did not see: how much that is, and what is done about each of it.

Law (promise 11): only of kinds whose lists are complete and not empty, only what nobody touched
since the run began, and nothing without a proof: what is not in a list is looked up, and that
deletes it. More than a share, or every document of a kind, waits for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from ingest.core.changes import Patch, Refresh, Withdraw
from ingest.core.errors import PermanentError
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.flows.syncs.held import HeldPart
from ingest.sources.listing import Concluded, Listing, Unlisted
from ingest.sources.registry import source
from ingest.store import heartbeats, sync_marks, sync_unseen
from ingest.store.engine import transaction
from ingest.store.sync_marks import Finished
from ingest.store.sync_unseen import UnseenRow

MOST_SHARE = 0.2
"""Of the documents of the listed kinds, that may be missing before a person is asked."""
STEP = 1_000
"""Documents that are looked at in one transaction."""
MOST_NAMED = 10
"""Keys of a kind that a plan names."""


_EMPTY = "nothing is listed, which deletes nothing"


@dataclass(frozen=True, slots=True)
class Missing:
    """A document that was not seen, and what its source has done about it (None: nothing)."""

    row: UnseenRow
    then: Concluded | None


@dataclass(slots=True)
class PruningPlan:
    """What pruning would do, by kind.

    kinds: those that were listed whole. standing: documents of these, as many as the run found.
    missing: those to be looked up, to find out whether they are gone. left: those that lie outside
    the connection's filter, stay for another reason, or are of a kind that lists leave out. named:
    keys of some that are missing. skipped: kinds that nothing is concluded of. emptied: those of
    these whose lists are complete and hold nothing: what lies outside the filter by now is let go.
    """

    kinds: frozenset[str]
    emptied: frozenset[str] = frozenset()
    standing: dict[str, int] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def count(self, one: Missing, *, alarming: bool) -> None:
        """One more document that was not seen; `alarming` where that says that it may be gone."""
        if not (alarming and isinstance(one.then, Refresh)):
            self.left[one.row.kind] += 1
            return
        self.missing[one.row.kind] += 1
        named = self.named.setdefault(one.row.kind, [])
        if len(named) < MOST_NAMED:
            named.append(one.row.source_id)

    @property
    def share(self) -> float:
        """Which part of the documents is missing."""
        standing = sum(self.standing.values())
        return self.missing.total() / standing if standing else 0.0

    def needs_a_person(self, most_share: float) -> str | None:
        """Why a person has to confirm it; None where nobody has to."""
        if self.share > most_share:
            count, standing = self.missing.total(), sum(self.standing.values())
            return (
                f"{count:,} of {standing:,} documents are not listed any more "
                f"({self.share:.0%}, over {most_share:.0%})"
            )
        whole = sorted(k for k, n in self.missing.items() if n and n >= self.standing.get(k, 0))
        return f"no {' and no '.join(whole)} is listed any more" if whole else None

    def as_json(self) -> dict[str, JSON]:
        """As it is kept with the run, and shown."""
        standing: dict[str, JSON] = dict(self.standing)
        missing: dict[str, JSON] = dict(self.missing)
        left: dict[str, JSON] = dict(self.left)
        named: dict[str, JSON] = {kind: [*keys] for kind, keys in self.named.items()}
        skipped: dict[str, JSON] = dict(self.skipped)
        return {
            "standing": standing,
            "missing": missing,
            "left": left,
            "named": named,
            "skipped": skipped,
            "share": round(self.share, 4),
        }


def prunable(listing: Listing, ended: Sequence[Finished]) -> PruningPlan:
    """The kinds of which a list is complete and not empty; and why the others are not pruned. Pure.

    A kind that several lists tell of needs all of them.
    """
    by_name = {one.resource: one for one in ended}
    every: set[str] = set()
    unproven: set[str] = set()
    skipped: dict[str, str] = {}
    for resource in listing.resources:
        why = _unproven(by_name.get(resource.name))
        every |= resource.kinds
        if why is not None:
            skipped |= dict.fromkeys(resource.kinds, f"{resource.name}: {why}")
        if why is not None and why != _EMPTY:
            unproven |= resource.kinds
    whole = frozenset(every - skipped.keys())
    return PruningPlan(whole, frozenset(every - whole - unproven), skipped=skipped)


def _unproven(ended: Finished | None) -> str | None:
    if ended is None:
        return "not listed"
    if ended.state != "done":
        return f"failed: {ended.last_error}"
    if ended.since is not None:
        return "not listed whole"
    if ended.gap is not None:
        return ended.gap
    return _EMPTY if ended.seen == 0 else None


def plan(engine: sa.Engine, held: HeldPart) -> PruningPlan:
    """What pruning would do; reads in steps, each in a transaction of its own."""
    listing = _listing(held)
    with transaction(engine) as conn:
        made = prunable(listing, sync_marks.finished(conn, held.row.run_id))
    quiet = frozenset[str]().union(*(resource.leaves_out for resource in listing.resources))
    for step in steps(engine, held, made.kinds, made.emptied):
        for kind, count in step.standing.items():
            if kind not in quiet:
                made.standing[kind] = made.standing.get(kind, 0) + count
        for one in step.missing:
            if one.then is not None or one.row.kind not in made.emptied:
                made.count(one, alarming=one.row.kind not in quiet)
    return made


@dataclass(frozen=True, slots=True)
class PruningStep:
    """What was not seen of some documents, up to the id `until`.

    standing: how many documents of these are in sight, by kind.
    """

    until: str
    standing: Mapping[str, int]
    missing: Sequence[Missing]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is done about any of them."""
        return all(one.then is None for one in self.missing)


def steps(
    engine: sa.Engine,
    held: HeldPart,
    kinds: frozenset[str],
    emptied: frozenset[str],
    after: str = "",
) -> Iterator[PruningStep]:
    """All documents of the connection behind the id `after`, so many at a time; each step is read
    in a transaction, and none is open meanwhile. Those of `emptied` kinds are only ever withdrawn.
    """
    row, listing = held.row, _listing(held)
    while True:
        with transaction(engine) as conn:
            of = sync_unseen.next_step(conn, row.connection_id, after=after, limit=STEP)
            if of is None:
                return
            standing = sync_unseen.standing(conn, of, kinds, began_at=row.run_started_at)
            unseen = sync_unseen.unseen(
                conn,
                of,
                run_id=row.run_id,
                kinds=kinds | emptied,
                fence=row.run_fence,
                began_at=row.run_started_at,
            )
            now = heartbeats.now(conn)
        metadata = held.connection.metadata
        found = [Missing(one, _then(listing, metadata, one, now)) for one in unseen]
        missing = [_withdrawn(one) if one.row.kind in emptied else one for one in found]
        yield PruningStep(of.until, standing, missing)
        after = of.until


def _withdrawn(one: Missing) -> Missing:
    return one if isinstance(one.then, Withdraw) else replace(one, then=None)


def _then(
    listing: Listing, connection: Mapping[str, JSON], row: UnseenRow, now: datetime
) -> Concluded | None:
    identity = Identity(row.source_type, row.scope, row.kind, row.external_id)
    parent = Identity(row.source_type, *row.parent) if row.parent is not None else None
    then = listing.absent(
        Unlisted(
            identity,
            row.source_id,
            row.source_metadata,
            row.created_at,
            connection,
            now,
            parent,
            row.parent_seen,
        )
    )
    if then is not None and not isinstance(then, Refresh | Patch | Withdraw):
        raise PermanentError(
            f"the source would have a {type(then).__name__} by a list alone, which proves nothing; "
            "its `Listing.absent` has to give a look-up"
        )
    return then


def _listing(held: HeldPart) -> Listing:
    listing = source(held.connection.source_type).listing
    if listing is None:
        raise PermanentError("the source is not listed any more")
    return listing
