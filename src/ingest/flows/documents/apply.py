"""Applies changes to documents: the one path of webhooks, look-ups, listings and replays.

One call, inside one transaction, for a whole batch: read (ledger, documents, feeds, parents),
decide (pure), write. The caller settles the deliveries in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.core.folding import (
    DELETED,
    NOBODY,
    Decision,
    LedgerRow,
    is_stale,
)
from ingest.core.identity import Identity, document_id
from ingest.core.reading import kept
from ingest.flows.documents.bind import note_keys
from ingest.flows.documents.called import Names, within
from ingest.flows.documents.current import require_current
from ingest.flows.documents.draft import Draft, draft
from ingest.flows.documents.named import by_todays_names
from ingest.flows.documents.plan import Entry
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.flows.documents.subjects import (
    StoreStatement,
    Subject,
    all_decided,
    decision_of,
    place,
    read,
    subjects_of,
    unknown,
)
from ingest.flows.documents.turning import shared_ids, under_what_stands
from ingest.flows.documents.write import write
from ingest.store import documents, ledger
from ingest.store.binding import Noted


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the statements, by their index in what was applied.

    stale: a newer one is known.
    doubtful: only a look-up can confirm it; each has an `again`, which the caller has to request.
    noted: the keys that may have another owner now, which the caller has to `bind` after the
        commit; None where there is none.
    cuts: what exceeded a bound, as a person reads it; statements within all bounds are left out.
    entries: what became of each document, for whoever records it (`changed`).
    spoken: the entry that each statement went into. wanted: those whose connection wants the thing.
    """

    stale: frozenset[int] = frozenset()
    doubtful: frozenset[int] = frozenset()
    noted: Noted | None = None
    cuts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    entries: Sequence[Entry] = ()
    spoken: Mapping[int, Entry] = field(default_factory=dict)
    wanted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Ahead:
    """An object that will probably be written.

    `stored` are the content and the configuration hash of the document that stands; None where
    none does.
    """

    upsert: Upsert
    store: StoreConfig
    stored: tuple[str, str | None] | None


def look_ahead(
    conn: sa.Connection, said: Sequence[StoreStatement], renders: Renders
) -> list[Ahead]:
    """What `apply` will probably write, by what is known now. Locks nothing and changes nothing.

    Only whole objects that will win, in the order of their identities: nothing else is rendered.
    """
    subjects = subjects_of(by_todays_names(conn, said, renders).said)
    place(subjects, ledger.read(conn, subjects))
    decided = {key: decision_of(subject) for key, subject in subjects.items() if subject.moves}
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
    subjects = read(conn, said)
    decisions = under_what_stands(conn, all_decided(conn, subjects, named_now.today))
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
    spoken = _spoken(subjects.values(), entries)
    wanted = _wanted(said)
    return Applied(_stale(subjects.values()), doubtful, noted, cuts, entries, spoken, wanted)


def _wanted(said: Sequence[StoreStatement]) -> frozenset[int]:
    return frozenset(index for index, (_, one) in enumerate(said) if one.wanted)


def _spoken(subjects: Iterable[Subject], entries: Iterable[Entry]) -> dict[int, Entry]:
    """The entry of each statement, by its index."""
    both = zip(subjects, entries, strict=True)
    return {index: entry for subject, entry in both for index in subject.statements}


def _parents(
    subjects: Mapping[str, Subject], decisions: Mapping[str, Decision]
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
                named.setdefault(parent, unknown(identity, subject.store.id, parent))
    return named


def _above(subject: Subject, decision: Decision) -> Iterator[tuple[str, Identity]]:
    """What a document goes with, and what it answers where that is something else."""
    whole, going = decision.whole, decision.row.parent
    goes_with = whole.goes_with if whole is not None else None
    if going is not None:
        yield going, goes_with or subject.named
    answered = _answered(subject, decision)
    if whole is not None and whole.parent is not None and answered is not None:
        yield answered, whole.parent


def _answered(subject: Subject, decision: Decision) -> str | None:
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
    subject: Subject,
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


def _stale(subjects: Iterable[Subject]) -> frozenset[int]:
    return frozenset(
        index
        for subject in subjects
        for index, statement in subject.statements.items()
        if is_stale(subject.row, statement)
    )
