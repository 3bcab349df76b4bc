"""Applies changes to documents: the one path of webhooks, look-ups, listings and replays.

One call, inside one transaction, for a whole batch: read (ledger, documents, feeds, parents),
decide (pure), write. The caller settles the deliveries in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

import sqlalchemy as sa

from ingest.core.changes import Patch, Upsert
from ingest.core.folding import (
    DELETED,
    LIVE,
    NOBODY,
    Decision,
    Feed,
    LedgerRow,
    Statement,
    dated_by,
    decide,
    ground,
    is_doubtful,
    is_stale,
    lifts,
    replaces,
)
from ingest.core.identity import Identity, document_id, document_slug
from ingest.core.reading import kept
from ingest.flows.documents.bind import note_keys
from ingest.flows.documents.called import Names, Today, within
from ingest.flows.documents.current import require_current
from ingest.flows.documents.draft import Draft, draft
from ingest.flows.documents.named import by_every_name, by_todays_names
from ingest.flows.documents.plan import Entry
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.flows.documents.turning import shared_ids, under_what_stands
from ingest.flows.documents.write import write
from ingest.sources.registry import folded
from ingest.store import documents, feeds, ledger, orphans, references
from ingest.store.binding import Noted
from ingest.store.documents import Stored

StoreStatement = tuple[StoreConfig, Statement]
"""A statement, and the store that it is said in."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the statements, by their index in what was applied.

    stale: a newer one is known.
    doubtful: only a look-up can confirm it; each has an `again`, which the caller has to request.
    noted: the keys that may have another owner now, which the caller has to `bind` after the
        commit; None where there is none.
    cuts: what exceeded a bound, as a person reads it; statements within all bounds are left out.
    entries: what became of each document, for whoever records it (`changed`).
    """

    stale: frozenset[int] = frozenset()
    doubtful: frozenset[int] = frozenset()
    noted: Noted | None = None
    cuts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    entries: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True)
class Ahead:
    """An object that will probably be written.

    `stored` are the content and the configuration hash of the document that stands; None where
    none does.
    """

    upsert: Upsert
    store: StoreConfig
    stored: tuple[str, str | None] | None


@dataclass(slots=True)
class _Subject:
    """One document that is spoken of, on its way from what is known to what will be."""

    named: Identity
    store: StoreConfig
    row: LedgerRow
    known: bool = False
    statements: dict[int, Statement] = field(default_factory=dict)
    doubtful: frozenset[int] = frozenset()
    feeds: list[Feed] = field(default_factory=list)
    stored: Stored | None = None

    @property
    def is_told_whole(self) -> bool:
        """Whether it is there, as a connection that wants it says."""
        return any(
            one.wanted and one.connection_id != NOBODY and isinstance(one.change, Upsert)
            for one in self.statements.values()
        )

    @property
    def moves(self) -> bool:
        """Whether any statement may change the document (and not only its aliases and feeds)."""
        wanted = [one for one in self.statements.values() if one.wanted]
        return (
            any(isinstance(w.change, Patch) or replaces(self.row, w) for w in wanted)
            or dated_by(self.row, wanted).shown != self.row.dates.shown
        )


def look_ahead(
    conn: sa.Connection, said: Sequence[StoreStatement], renders: Renders
) -> list[Ahead]:
    """What `apply` will probably write, by what is known now. Locks nothing and changes nothing.

    Only whole objects that will win, in the order of their identities: nothing else is rendered.
    """
    subjects = _subjects(by_todays_names(conn, said, renders).said)
    _place(subjects, ledger.read(conn, subjects))
    decided = {key: _decide(subject) for key, subject in subjects.items() if subject.moves}
    stored = documents.hashes(conn, [key for key in decided if subjects[key].known])
    return [
        Ahead(decision.whole, subjects[key].store, stored.get(decision.row.document_id))
        for key, decision in decided.items()
        if decision.whole is not None
    ]


def apply(
    conn: sa.Connection,
    said: Sequence[StoreStatement],
    renders: Renders,
    renamed: Names = MappingProxyType({}),
) -> Applied:
    """Bring documents to what is said of them; raises `Raced` where the batch must be run again.

    The order of the statements does not matter. The ledger's rows are locked in the order of their
    identities, then their parents, until the commit. That is the caller's, and so is what `Applied`
    asks for after it. Takes what is rendered, and renders nothing: what `renders` lacks is noted
    there, and has to be made (`prerender`) before the next try. Raises the store's errors too.
    `renamed`: what is told of names beside the statements.
    """
    if not said and not renamed:
        return Applied()
    require_current(conn, (store for store, _ in said))
    named_now = by_todays_names(conn, said, renders, renamed)
    said = named_now.said
    subjects = _read(conn, said)
    decisions = under_what_stands(conn, _decided(conn, subjects, named_now.today))
    named = _parents(subjects, decisions)
    found = ledger.share(conn, named)
    parents = {**named, **found}
    seen = _visibility(decisions, parents)
    drafts = {key: _draft(s, decisions, parents, renders) for key, s in subjects.items()}
    renders.require()
    entries = [
        Entry(
            before=subject.row if subject.known else None,
            after=_seen(_read_with(decisions[key], renders), visible=seen[key]),
            decision=decisions[key],
            stored=subject.stored,
            draft=drafts[key],
        )
        for key, subject in subjects.items()
    ]
    heard_of = [row for key, row in named.items() if key not in found]
    connections = frozenset(statement.connection_id for _, statement in said) - {NOBODY}
    keys = write(conn, entries, heard_of, connections, renders)
    doubtful = frozenset().union(*(subject.doubtful for subject in subjects.values()))
    noted = note_keys(
        conn, keys, names=named_now.told(is_written=bool(keys)), shared=shared_ids(entries)
    )
    cuts = _cuts(said, drafts, renders)
    return Applied(_stale(subjects.values()), doubtful, noted, cuts, entries)


def _read(conn: sa.Connection, said: Sequence[StoreStatement]) -> dict[str, _Subject]:
    """The documents that are spoken of, in lock order, with all that decides their fate."""
    subjects = _subjects(said)
    _place(subjects, ledger.lock(conn, subjects))
    _adopt(conn, subjects)
    known = {s.row.document_id: s for s in subjects.values() if s.known}
    _read_documents(conn, known)
    for document, standing in feeds.read(conn, known).items():
        known[document].feeds = standing
    return subjects


def _adopt(conn: sa.Connection, subjects: Mapping[str, _Subject]) -> None:
    """What is told of for the first time may be an orphan that came out of a legacy database."""
    unknown = [s.row for s in subjects.values() if not s.known and s.is_told_whole]
    adopted = orphans.adopt(conn, unknown)
    if adopted:
        _place({key: subjects[key] for key in adopted}, ledger.lock(conn, adopted))


def _read_documents(conn: sa.Connection, known: Mapping[str, _Subject]) -> None:
    """The documents that may change; what is withheld of them is brought back to be read."""
    moving = [s.row for s in known.values() if s.moves and s.row.state == LIVE]
    documents.release(conn, [row.document_id for row in moving if not row.visible])
    standing = documents.read(conn, [row.document_id for row in moving])
    pointers = references.read(conn, standing)
    names = references.names_of(conn, standing)
    for document, stored in standing.items():
        own = frozenset(folded(*name) for name in names.get(document, ()))
        known[document].stored = replace(stored, pointers=pointers.get(document, ()), names=own)
        known[document].row = _heard(known[document].row, stored)


def _heard(row: LedgerRow, stored: Stored) -> LedgerRow:
    """The row with the time at which it was first heard of.

    An older program wrote none: then it is the time of the document.
    """
    if row.heard_at is not None:
        return row
    return replace(row, heard_at=datetime.fromisoformat(stored.created_at).replace(tzinfo=UTC))


def _place(subjects: Mapping[str, _Subject], rows: Mapping[str, LedgerRow]) -> None:
    """Give the subjects the ledger's rows, and their statements ranks and doubts."""
    for key, row in rows.items():
        subjects[key].row, subjects[key].known = row, True
    for subject in subjects.values():
        _ground(subject)


def _ground(subject: _Subject) -> None:
    """Give every statement its rank, and find those that only a look-up can confirm."""
    row, said = subject.row, subject.statements
    if any(one.rank[0] == "?" for one in said.values()):
        said.update(zip(said, ground(row, said.values()), strict=True))
    askable = [index for index, one in said.items() if one.again is not None]
    if askable:
        every = list(said.values())
        subject.doubtful = frozenset(i for i in askable if is_doubtful(row, said[i], every))


def _subjects(said: Sequence[StoreStatement]) -> dict[str, _Subject]:
    found: dict[str, _Subject] = {}
    for index, (store, statement) in enumerate(said):
        named = statement.change.identity
        key = document_id(named, store.id)
        subject = found.get(key)
        if subject is None:
            subject = found[key] = _Subject(named, store, _unknown(named, store.id, key))
        subject.statements[index] = statement
    return dict(sorted(found.items()))


def _unknown(named: Identity, store_id: str, key: str) -> LedgerRow:
    return LedgerRow(
        identity=key,
        document_id=key,
        store_id=store_id,
        source_type=named.source_type,
        scope=named.scope,
        kind=named.kind,
        external_id=named.id,
        slug=document_slug(named, store_id),
    )


def _decided(
    conn: sa.Connection, subjects: Mapping[str, _Subject], today: Today
) -> dict[str, Decision]:
    decided = {key: _decide(subject) for key, subject in subjects.items()}
    if not today:
        return decided
    return by_every_name(conn, decided, {key for key, s in subjects.items() if s.feeds}, today)


def _decide(subject: _Subject) -> Decision:
    """What lifts a tombstone that was seen waits for the look-up; a tie is decided for the time."""
    metadata = subject.stored.source_metadata if subject.stored else None
    said = [
        statement
        for index, statement in subject.statements.items()
        if index not in subject.doubtful or not lifts(subject.row, statement)
    ]
    return decide(subject.row, said, subject.feeds, metadata)


def _parents(
    subjects: Mapping[str, _Subject], decisions: Mapping[str, Decision]
) -> dict[str, LedgerRow]:
    """The parents outside the batch of documents that change, as if nothing were known of them.

    One that is really unknown gets such a row, so that there is something to lock: whoever brings
    the parent, deleted perhaps, then meets whoever brings its child.
    """
    named: dict[str, LedgerRow] = {}
    for key, decision in decisions.items():
        subject = subjects[key]
        if decision.row is subject.row:
            continue
        for parent, identity in _above(subject, decision):
            if parent not in subjects:
                named.setdefault(parent, _unknown(identity, subject.store.id, parent))
    return named


def _above(subject: _Subject, decision: Decision) -> Iterator[tuple[str, Identity]]:
    """What a document goes with, and what it answers where that is something else."""
    whole, going = decision.whole, decision.row.parent
    goes_with = whole.goes_with if whole is not None else None
    if going is not None:
        yield going, goes_with or subject.named
    answered = _answered(subject, decision)
    if whole is not None and whole.parent is not None and answered is not None:
        yield answered, whole.parent


def _answered(subject: _Subject, decision: Decision) -> str | None:
    """The key of what a document answers and does not go with."""
    whole = decision.whole
    if whole is None or whole.parent is None or not whole.answers:
        return None
    key = document_id(whole.parent, subject.store.id)
    return None if key == subject.row.identity else key


def _visibility(
    decisions: Mapping[str, Decision], parents: Mapping[str, LedgerRow]
) -> dict[str, bool]:
    """Who is seen: not deleted, fed, and under no ancestor that is not seen.

    A document that does not change, under a parent that nobody speaks of, is seen as before.
    """
    seen: dict[str, bool] = {}

    def look(key: str, below: frozenset[str]) -> bool:
        if key in seen:
            return seen[key]
        if key in parents:
            return parents[key].visible
        row = decisions[key].row
        visible = row.state != DELETED and row.fed
        if visible and row.parent is not None and row.parent not in below:
            loaded = row.parent in decisions or row.parent in parents
            visible = look(row.parent, below | {key}) if loaded else row.visible
        seen[key] = visible
        return visible

    for key in decisions:
        look(key, frozenset())
    return seen


def _read_with(decision: Decision, renders: Renders) -> LedgerRow:
    """The ledger's new row, with what a whole object's text is read with."""
    row, whole = decision.row, decision.whole
    if whole is None:
        return row
    place = within(row.store_id, whole)
    called = renders.told_name(whole) or (place[1].name if place is not None else None)
    return replace(row, reading=kept(whole, row.rank or "", called))


def _seen(row: LedgerRow, *, visible: bool) -> LedgerRow:
    return row if row.visible == visible else replace(row, visible=visible)


def _draft(
    subject: _Subject,
    decisions: Mapping[str, Decision],
    parents: Mapping[str, LedgerRow],
    renders: Renders,
) -> Draft | None:
    decision = decisions[subject.row.identity]
    if decision.whole is None or decision.metadata is None:
        return None
    rendered = renders.rendered(decision.whole, subject.store)
    if rendered is None:
        return None
    key = _answered(subject, decision) or decision.row.parent
    parent = None
    if key is not None:
        parent = decisions[key].row if key in decisions else parents[key]
    parent_id = parent.document_id if parent is not None else None
    return draft(
        rendered,
        decision.metadata,
        decision.row,
        parent_id,
        store=subject.store,
        stored=subject.stored,
    )


def _cuts(
    said: Sequence[StoreStatement], drafts: Mapping[str, Draft | None], renders: Renders
) -> dict[int, tuple[str, ...]]:
    """What exceeded a bound: of what was said, and of what was made of it."""
    made = {id(d.upsert): renders.cuts(d.upsert, d.store) for d in drafts.values() if d}
    cuts = {
        index: (*one.cuts, *made.get(id(one.change), ())) for index, (_, one) in enumerate(said)
    }
    return {index: told for index, told in cuts.items() if told}


def _stale(subjects: Iterable[_Subject]) -> frozenset[int]:
    return frozenset(
        index
        for subject in subjects
        for index, statement in subject.statements.items()
        if is_stale(subject.row, statement)
    )
