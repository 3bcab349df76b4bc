"""Settles a page: applies what it says, remembers what it has seen, and moves its cursor.

One transaction, cursor and all. Where the page writes more than one may, or a row is at fault, the
objects go first, in parts, and the cursor last: a page that is made again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
import structlog

from ingest.core.canonical import clean
from ingest.core.changes import Refresh
from ingest.core.errors import IngestError
from ingest.core.folding import Statement
from ingest.core.identity import document_id
from ingest.core.ranks import Seen
from ingest.flows.batches import Steps, raced, reason_of, settle_batch
from ingest.flows.connections import directory
from ingest.flows.connections.learning import learn
from ingest.flows.documents.apply import apply
from ingest.flows.documents.bind import bind
from ingest.flows.documents.changed import changed
from ingest.flows.documents.prerender import parts, prerender
from ingest.flows.documents.record import resync_events
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.flows.documents.statements import statements_of
from ingest.flows.documents.subjects import StoreStatement
from ingest.flows.documents.trail import steps_of_run
from ingest.flows.lookups.request import request_lookups
from ingest.flows.syncs.fetch import ReadObject, ReadPage
from ingest.flows.syncs.held import HeldPart
from ingest.flows.syncs.unchanged import astray, news
from ingest.sources.registry import source
from ingest.store import events, sync_marks, sync_parts, trails
from ingest.store.binding import Noted
from ingest.store.engine import BadRow, transaction
from ingest.store.sync_parts import Advanced

log = structlog.get_logger(__name__)

MOST_SAID = 500
"""Characters of an error that are stored with a list."""


@dataclass(frozen=True, slots=True)
class SaidObject:
    """An object of a page, with its statements; those that say nothing new are left out."""

    read: ReadObject
    statements: tuple[Statement, ...] = ()


@dataclass(slots=True)
class _Settling:
    """A page under its lease, and what it is settled with."""

    engine: sa.Engine
    held: HeldPart
    read: ReadPage
    renders: Renders = field(default_factory=Renders)
    counted: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def said(self) -> list[SaidObject]:
        """What the page says of each object, weighed against what is known; rendered."""
        found = source(self.held.connection.source_type)
        origin = Seen(self.held.row.fence)
        read = [one for one in self.read.objects if one.error is None]
        every = [
            SaidObject(
                one,
                statements_of(
                    found,
                    self.held.connection,
                    one.changes,
                    origin,
                    heard_at=self.held.row.sent_at,
                ),
            )
            for one in read
        ]
        return self._news(every)

    def _news(self, every: Sequence[SaidObject]) -> list[SaidObject]:
        pairs = [(i, s) for i, one in enumerate(every) for s in one.statements]
        stores = self.held.stores
        with transaction(self.engine) as conn:
            said = [(store, statement) for _, statement in pairs for store in stores]
            is_new = news(conn, said, self.held.row.connection_id)
        kept: dict[int, list[Statement]] = {}
        for place, (index, statement) in enumerate(pairs):
            first = place * len(stores)
            if any(is_new[first : first + len(stores)]):
                kept.setdefault(index, []).append(statement)
        return [replace(one, statements=(*kept.get(i, ()),)) for i, one in enumerate(every)]

    def prerender(self, batch: Sequence[SaidObject]) -> None:
        """Render what will be written, with no transaction open."""
        prerender(self.engine, _pairs(batch, self.held.stores), self.renders)

    def write(self, batch: Sequence[SaidObject], to: Advanced | None = None) -> Counter[str]:
        """The objects in one transaction, with the cursor where it moves `to`; what became."""

        def run() -> tuple[Noted | None, Counter[str]]:
            with transaction(self.engine) as conn:
                return self._write(conn, batch, to)

        noted, counted = raced(run, lambda: self.prerender(batch))
        bind(self.engine, noted)
        learn(self.engine, [said for one in batch for said in one.statements])
        return counted

    def _write(
        self, conn: sa.Connection, batch: Sequence[SaidObject], to: Advanced | None
    ) -> tuple[Noted | None, Counter[str]]:
        row, stores = self.held.row, self._stores(conn, batch)
        applied = apply(conn, _pairs(batch, stores), self.renders)
        what = [*changed(applied.entries)]
        wanted = [(row.connection_id, refresh) for one in batch for refresh in one.read.lookups]
        if to is not None:
            wanted += [(row.connection_id, refresh) for refresh in self._named(conn, stores)]
        request_lookups(conn, wanted, background=True, run_id=row.run_id)
        events.record(conn, [*resync_events(what, row.run_id)])
        trails.record(conn, [*steps_of_run(what, row.run_id, row.connection_id)])
        counted = Counter({"changed": len(what)})
        counted["deleted"] = sum(one.became == "deleted" for one in what)
        counted["asked"] = len(wanted)
        sync_parts.require_held(conn, row)
        if to is not None:
            if row.kind != "incremental":
                sync_parts.see(conn, row.run_id, self._seen(stores))
            self._advance(conn, to, counted)
        return applied.noted, counted

    def _named(self, conn: sa.Connection, stores: Sequence[StoreConfig]) -> list[Refresh]:
        """What the page names and does not tell: what it wants looked up, and what is lost here."""
        page = self.read.page
        ids = [store.id for store in stores]
        lost = astray(conn, page.present, ids, self.held.row.connection_id)
        return [*page.wanted, *map(Refresh, lost)]

    def _stores(self, conn: sa.Connection, batch: Sequence[SaidObject]) -> Sequence[StoreConfig]:
        """Those that the connection feeds by now; where nothing is written, those that it fed."""
        if not any(one.statements for one in batch):
            return self.held.stores
        id_ = self.held.row.connection_id
        book = directory.read_directory(conn, [id_], api_urls=self.held.api_urls)
        return [*book.stores.get(id_, ())]

    def _seen(self, stores: Sequence[StoreConfig]) -> list[str]:
        """The ledger's identities of what is there, whether or not anything new is said of it."""
        page, objects = self.read.page, self.read.objects
        there = {*page.present, *(refresh.identity for refresh in page.wanted)}
        there.update(one.identity for one in objects)
        there.update(change.identity for one in objects for change in one.changes)
        return sorted({document_id(one, store.id) for one in there for store in stores})

    def _advance(self, conn: sa.Connection, to: Advanced, counted: Counter[str]) -> None:
        row = self.held.row
        whole = self.counted + counted
        sync_parts.advance(
            conn,
            row,
            replace(
                to,
                changed=whole["changed"],
                deleted=whole["deleted"],
                errors=len(self.errors),
                said=self.errors[-1][:MOST_SAID] if self.errors else None,
            ),
        )
        if to.ends:
            sync_marks.mark(conn, row.run_id, row.resource, kept=self.read.page.kept)

    def give_back(self, batch: Sequence[SaidObject], error: IngestError) -> None:
        """Nothing is given back by halves: the whole page is made again."""
        log.warning("page_given_back", resource=self.held.row.resource, error=str(error))
        raise error

    def bury(self, culprit: SaidObject, error: IngestError) -> None:
        """What cannot be stored is told with the run, and the others go on."""
        one = culprit.read.identity
        self.errors.append(clean(f"{one.kind} {one.id}: {reason_of(error, 0)}"))


def settle_page(
    engine: sa.Engine, held: HeldPart, read: ReadPage, *, calls: int = 0
) -> Counter[str]:
    """Apply a page that took so many `calls`, and move on; how many objects were `seen`, `changed`,
    `deleted`, and how many look-ups were `asked` for.

    Raises `LeaseLost` where the run has ended or another worker has the page, and what the database
    raises; what was applied by then changes nothing when it is applied again.
    """
    settling = _Settling(engine, held, read)
    settling.errors += [one.error for one in read.objects if one.error is not None]
    said = settling.said()
    settling.prerender(said)
    to = replace(_advanced(read), calls=calls)
    batches = parts(said, lambda one: _pairs([one], held.stores), settling.renders) or [[]]
    for batch in batches[:-1]:
        settling.counted += _in_halves(settling, batch)
    try:
        counted = settling.write(batches[-1], to)
    except BadRow:
        settling.counted += _in_halves(settling, batches[-1])
        counted = settling.write([], to)
    return settling.counted + counted + Counter({"seen": to.seen})


def _in_halves(settling: _Settling, batch: Sequence[SaidObject]) -> Counter[str]:
    def bury(culprit: SaidObject, error: IngestError) -> None:
        settling.bury(culprit, error)

    steps: Steps[SaidObject, Counter[str]] = Steps(settling.write, settling.give_back, bury)
    return sum(settle_batch(batch, steps), Counter[str]())


def _advanced(read: ReadPage) -> Advanced:
    page = read.page
    there = len(read.objects) + len(page.present) + len(page.wanted)
    return Advanced(
        cursor=page.cursor,
        ends=page.cursor is None,
        seen=there,
        expected=page.expected,
        gap=clean(page.gap) if page.gap is not None else None,
        made_by=read.made_by,
    )


def _pairs(batch: Sequence[SaidObject], stores: Sequence[StoreConfig]) -> list[StoreStatement]:
    return [(store, s) for store in stores for one in batch for s in one.statements]
