"""Where an import writes, and what it may take to be there: the database, or none yet.

A dry run reads the same and writes nothing; what it would have written it remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, TypeVar

import sqlalchemy as sa

from ingest.core.errors import TransientError
from ingest.flows.legacy.known import KnownTexts
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.ownership import Owner, owner_of
from ingest.flows.legacy.reporting import Notes, Tally, What
from ingest.flows.legacy.repositories import LegacyRepository
from ingest.store import stores
from ingest.store.engine import BadRow, transaction

BATCH = 1_000
"""Rows in one transaction."""
_TRIES = 3
T = TypeVar("T")

Progress = Callable[[str, int], None]
"""Hears how many rows of a logical table are through."""


class ArchivedRows(Protocol):
    """An archive, as far as its rows are concerned."""

    def rows(self, logical: str) -> Iterator[Row]: ...


@dataclass(slots=True)
class StoreAbove:
    """A store that documents may come into."""

    workspace_id: str
    organization_id: str


@dataclass(slots=True)
class BroughtRows:
    """What came over so far, as later rows need it; by id, but for `repositories` (by number).

    names: of repositories, by number, as links to stores have them. linked: by store. counts: of
    connections, the legacy count of documents, and what was said of the row. documents, slugs: of a
    dry run, what would be there by now; slugs also those of documents that are not in sight, of the
    stores that were `looked_through` for them.
    """

    organizations: set[str] = field(default_factory=set)
    workspaces: dict[str, str] = field(default_factory=dict)
    stores: dict[str, StoreAbove] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    repositories: dict[str, LegacyRepository] = field(default_factory=dict)
    linked: dict[str, list[LegacyRepository]] = field(default_factory=dict)
    counts: dict[str, tuple[int, What]] = field(default_factory=dict)
    of_connection: dict[str, int] = field(default_factory=dict)
    documents: KnownTexts = field(default_factory=KnownTexts)
    slugs: KnownTexts = field(default_factory=KnownTexts)
    looked_through: set[str] = field(default_factory=set)
    owners: dict[str, Owner] = field(default_factory=dict)

    def link(self, store_id: str, repository: LegacyRepository) -> None:
        """Note that a repository is linked to a store; two links to it are of one repository."""
        linked = self.linked.setdefault(store_id, [])
        if all(one.connection_id != repository.connection_id for one in linked):
            linked.append(repository)

    def owner(self, store_id: str) -> Owner:
        """Of which repository the documents of a store are; once all links came over."""
        found = self.owners.get(store_id)
        if found is None:
            found = self.owners[store_id] = owner_of(self.linked.get(store_id, ()))
        return found


@dataclass(slots=True)
class ImportTarget:
    """A database, and an import on its way into it.

    is_ready: it has our schema; an empty one is assumed otherwise, which only a dry run may do.
    taken_at: the time of the archive, without a zone.
    """

    engine: sa.Engine
    tally: Tally
    taken_at: str
    is_dry: bool = False
    is_ready: bool = True
    brought: BroughtRows = field(default_factory=BroughtRows)

    def each(
        self,
        rows: Iterable[Row],
        logical: str,
        progress: Progress,
        bring: Callable[[Sequence[Row]], None],
    ) -> None:
        """Bring rows in, a batch at a time."""
        left, done = iter(rows), 0
        while batch := [*islice(left, BATCH)]:
            self._in_halves(batch, logical, bring)
            done += len(batch)
            progress(logical, done)

    def _in_halves(
        self, batch: Sequence[Row], logical: str, bring: Callable[[Sequence[Row]], None]
    ) -> None:
        """What PostgreSQL refuses is found by halves; the row that is at fault is refused alone."""
        try:
            bring(batch)
        except BadRow as error:
            half = len(batch) // 2
            if half:
                self._in_halves(batch[:half], logical, bring)
                self._in_halves(batch[half:], logical, bring)
                return
            notes = Notes(logical, str(batch[0].get("id")))
            notes.refused("unfit", None, after=str(error))
            self.tally.row(notes)

    def attempt(self, run: Callable[[], T]) -> T:
        """What a transaction comes to; one in whose way somebody else wrote is run again."""
        for _ in range(_TRIES - 1):
            try:
                return run()
            except (BadRow, TransientError):
                continue
        return run()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection | None]:
        """A transaction; None where there is nothing to be read yet."""
        if not self.is_ready:
            yield None
            return
        with transaction(self.engine) as conn:
            yield conn

    def workspace_owner(self, conn: sa.Connection | None, workspace_id: str | None) -> str | None:
        """The organization of a workspace, of the archive or the database; None for no such one."""
        if workspace_id is None:
            return None
        found = self.brought.workspaces.get(workspace_id)
        if found is None and conn is not None:
            found = stores.owner_of(conn, workspace_id)
            if found is not None:
                self.brought.workspaces[workspace_id] = found
        return found

    def store(self, conn: sa.Connection | None, store_id: str | None) -> StoreAbove | None:
        """A store, of the archive or the database."""
        if store_id is None:
            return None
        found = self.brought.stores.get(store_id)
        if found is None and conn is not None:
            for row in stores.listing(conn, store_id):
                found = StoreAbove(row["workspace_id"], row["organization_id"])
                self.brought.stores[store_id] = found
        return found

    def stores_of(self, conn: sa.Connection | None, ids: Collection[str]) -> dict[str, StoreAbove]:
        """Those of these stores that there are."""
        found = ((id_, self.store(conn, id_)) for id_ in sorted(ids))
        return {id_: one for id_, one in found if one is not None}
