"""Applies changes to documents: the one path of webhooks, look-ups, listings and replays.

One call, inside one transaction, for a whole batch: read (ledger, documents, feeds, parents),
decide (pure), write. The caller settles the deliveries in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from ingest.core.changes import Change, Patch, Refresh, Upsert
from ingest.core.folding import (
    DELETED,
    LIVE,
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
from ingest.flows.documents import bind as binding
from ingest.flows.documents import write
from ingest.flows.documents.draft import Draft, draft
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.store import documents, ledger
from ingest.store import feeds as feed_store
from ingest.store.documents import Stored
from ingest.store.references import Noted


@dataclass(frozen=True, slots=True)
class Work:
    """One connection's word in one store. `wanted` is false outside the connection's filter.

    `revision` is that of the code that made it, `made` the digest of what it made, where that is
    compared. `heard_at` is when it was received, or the provider asked. `again` is the look-up that
    settles a doubt about it, where the connection can ask.
    `cuts` are what of it exceeded a bound, in words.
    """

    store: StoreConfig
    change: Change
    rank: str
    connection_id: str
    wanted: bool = True
    revision: int = 0
    made: str | None = None
    heard_at: datetime | None = None
    again: Refresh | None = None
    cuts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """Which words of the work were stale (by index), and which keys may have another owner.

    `doubtful` are those that only a look-up can confirm: each has an `again`.

    `noted` goes to `binding.bind` after the commit. `cuts` say, by index, what exceeded a bound.
    """

    stale: frozenset[int] = frozenset()
    doubtful: frozenset[int] = frozenset()
    noted: Noted | None = None
    cuts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ahead:
    """An object that will probably be written; `stored` are the content and the configuration hash
    of the document that stands.
    """

    upsert: Upsert
    store: StoreConfig
    stored: tuple[str, str | None] | None


@dataclass(slots=True)
class _Subject:
    """One document that the work speaks of, on its way from what is known to what will be."""

    named: Identity
    store: StoreConfig
    row: LedgerRow
    known: bool = False
    words: dict[int, Statement] = field(default_factory=dict)
    doubtful: frozenset[int] = frozenset()
    feeds: list[Feed] = field(default_factory=list)
    stored: Stored | None = None

    @property
    def moves(self) -> bool:
        """Whether any word may change the document (and not only its aliases and feeds)."""
        wanted = [word for word in self.words.values() if word.wanted]
        return (
            any(isinstance(w.change, Patch) or replaces(self.row, w) for w in wanted)
            or dated_by(self.row, wanted).shown != self.row.dates.shown
        )


def look_ahead(conn: sa.Connection, work: Sequence[Work]) -> list[Ahead]:
    """What `apply` will probably write, by what is known now. Locks nothing and changes nothing."""
    subjects = _subjects(work)
    for key, row in ledger.read(conn, subjects).items():
        subjects[key].row, subjects[key].known = row, True
    for subject in subjects.values():
        _weigh(subject, work)
    decided = {key: _decide(subject) for key, subject in subjects.items() if subject.moves}
    stored = documents.hashes(conn, [key for key in decided if subjects[key].known])
    return [
        Ahead(decision.whole, subjects[key].store, stored.get(decision.row.document_id))
        for key, decision in decided.items()
        if decision.whole is not None
    ]


def apply(conn: sa.Connection, work: Sequence[Work], renders: Renders) -> Applied:
    """Bring documents to what the work says; raises `Raced` where the batch must be run again.

    Takes what is rendered, and renders nothing.
    """
    if not work:
        return Applied()
    subjects = _read(conn, work)
    decisions = {key: _decide(subject) for key, subject in subjects.items()}
    named = _parents(subjects, decisions)
    found = ledger.share(conn, named)
    parents = {**named, **found}
    seen = _visibility(decisions, parents)
    drafts = {key: _draft(s, decisions, parents, renders) for key, s in subjects.items()}
    renders.require()
    entries = [
        write.Entry(
            before=subject.row if subject.known else None,
            after=_seen(decisions[key].row, visible=seen[key]),
            decision=decisions[key],
            stored=subject.stored,
            draft=drafts[key],
        )
        for key, subject in subjects.items()
    ]
    heard_of = [row for key, row in named.items() if key not in found]
    connections = frozenset(w.connection_id for w in work)
    keys = write.write(conn, entries, heard_of, connections, renders)
    doubtful = frozenset().union(*(subject.doubtful for subject in subjects.values()))
    noted = binding.note(conn, keys)
    return Applied(_stale(subjects.values()), doubtful, noted, _cuts(work, drafts, renders))


def _read(conn: sa.Connection, work: Sequence[Work]) -> dict[str, _Subject]:
    """The documents that the work speaks of, in lock order, with all that decides their fate."""
    subjects = _subjects(work)
    for key, row in ledger.lock(conn, subjects).items():
        subjects[key].row, subjects[key].known = row, True
    for subject in subjects.values():
        _weigh(subject, work)
    known = {s.row.document_id: s for s in subjects.values() if s.known}
    moving = [s.row for s in known.values() if s.moves and s.row.state == LIVE]
    documents.release(conn, [row.document_id for row in moving if not row.visible])
    for document, stored in documents.read(conn, [row.document_id for row in moving]).items():
        known[document].stored = stored
        known[document].row = _heard(known[document].row, stored)
    for document, standing in feed_store.read(conn, known).items():
        known[document].feeds = standing
    return subjects


def _heard(row: LedgerRow, stored: Stored) -> LedgerRow:
    """A row that an older program wrote: when it was heard of, its document tells."""
    if row.heard_at is not None:
        return row
    return replace(row, heard_at=datetime.fromisoformat(stored.created_at).replace(tzinfo=UTC))


def _weigh(subject: _Subject, work: Sequence[Work]) -> None:
    """Give every word its rank, and find those that only a look-up can confirm."""
    row, words = subject.row, subject.words
    if any(word.rank[0] == "?" for word in words.values()):
        words.update(zip(words, ground(row, words.values()), strict=True))
    askable = [index for index in words if work[index].again is not None]
    if askable:
        said = list(words.values())
        subject.doubtful = frozenset(i for i in askable if is_doubtful(row, words[i], said))


def _subjects(work: Sequence[Work]) -> dict[str, _Subject]:
    found: dict[str, _Subject] = {}
    for index, item in enumerate(work):
        named = item.change.identity
        key = document_id(named, item.store.id)
        subject = found.get(key)
        if subject is None:
            row = _unknown(named, item.store.id, key)
            subject = found[key] = _Subject(named, item.store, row)
        subject.words[index] = Statement(
            item.change,
            item.rank,
            item.connection_id,
            item.wanted,
            item.revision,
            item.made,
            item.heard_at,
        )
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


def _decide(subject: _Subject) -> Decision:
    """What lifts a tombstone that was seen waits for the look-up; a tie is decided for the time."""
    metadata = subject.stored.source_metadata if subject.stored else None
    said = [
        word
        for index, word in subject.words.items()
        if index not in subject.doubtful or not lifts(subject.row, word)
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
        parent = decision.row.parent
        unchanged = decision.row is subjects[key].row
        if parent is not None and parent not in subjects and not unchanged:
            named.setdefault(parent, _parent_row(subjects[key], decision, parent))
    return named


def _parent_row(subject: _Subject, decision: Decision, key: str) -> LedgerRow:
    whole = decision.whole
    named = whole.parent if whole is not None and whole.parent is not None else subject.named
    return _unknown(named, subject.store.id, key)


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
    key = decision.row.parent
    parent = None
    if key is not None:
        parent = decisions[key].row if key in decisions else parents[key]
    parent_id = parent.document_id if parent is not None else None
    return draft(rendered, decision.metadata, decision.row, parent_id, subject.store)


def _cuts(
    work: Sequence[Work], drafts: Mapping[str, Draft | None], renders: Renders
) -> dict[int, tuple[str, ...]]:
    """What exceeded a bound: of what was said, and of what was made of it."""
    made = {id(d.upsert): renders.cuts(d.upsert, d.store) for d in drafts.values() if d}
    cuts = {index: (*one.cuts, *made.get(id(one.change), ())) for index, one in enumerate(work)}
    return {index: told for index, told in cuts.items() if told}


def _stale(subjects: Iterable[_Subject]) -> frozenset[int]:
    return frozenset(
        index
        for subject in subjects
        for index, word in subject.words.items()
        if is_stale(subject.row, word)
    )
