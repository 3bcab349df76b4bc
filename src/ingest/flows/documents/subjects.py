"""What a batch speaks of, on its way from what is known to what will be.

The documents of a batch with their rows of the ledger, locked in the order of their identities, and
what becomes of each by what is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from ingest.core.changes import Patch, Upsert
from ingest.core.folding import (
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
    lifts,
    replaces,
)
from ingest.core.identity import Identity, document_id, document_slug
from ingest.flows.documents.called import Today
from ingest.flows.documents.named import by_every_name
from ingest.flows.documents.render import StoreConfig
from ingest.sources.registry import folded
from ingest.store import documents, feeds, ledger, orphans, references
from ingest.store.documents import Stored

StoreStatement = tuple[StoreConfig, Statement]
"""A statement, and the store that it is said in."""


@dataclass(slots=True)
class Subject:
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


def read(conn: sa.Connection, said: Sequence[StoreStatement]) -> dict[str, Subject]:
    """The documents that are spoken of, in lock order, with all that decides their fate."""
    subjects = subjects_of(said)
    place(subjects, ledger.lock(conn, subjects))
    _adopt(conn, subjects)
    known = {s.row.document_id: s for s in subjects.values() if s.known}
    _read_documents(conn, known)
    for document, standing in feeds.read(conn, known).items():
        known[document].feeds = standing
    return subjects


def _adopt(conn: sa.Connection, subjects: Mapping[str, Subject]) -> None:
    """What is told of for the first time may be an orphan that came out of a legacy database."""
    unknown = [s.row for s in subjects.values() if not s.known and s.is_told_whole]
    adopted = orphans.adopt(conn, unknown)
    if adopted:
        place({key: subjects[key] for key in adopted}, ledger.lock(conn, adopted))


def _read_documents(conn: sa.Connection, known: Mapping[str, Subject]) -> None:
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


def place(subjects: Mapping[str, Subject], rows: Mapping[str, LedgerRow]) -> None:
    """Give the subjects the ledger's rows, and their statements ranks and doubts."""
    for key, row in rows.items():
        subjects[key].row, subjects[key].known = row, True
    for subject in subjects.values():
        _ground(subject)


def _ground(subject: Subject) -> None:
    """Give every statement its rank, and find those that only a look-up can confirm."""
    row, said = subject.row, subject.statements
    if any(one.rank[0] == "?" for one in said.values()):
        said.update(zip(said, ground(row, said.values()), strict=True))
    askable = [index for index, one in said.items() if one.again is not None]
    if askable:
        every = list(said.values())
        subject.doubtful = frozenset(i for i in askable if is_doubtful(row, said[i], every))


def subjects_of(said: Sequence[StoreStatement]) -> dict[str, Subject]:
    found: dict[str, Subject] = {}
    for index, (store, statement) in enumerate(said):
        named = statement.change.identity
        key = document_id(named, store.id)
        subject = found.get(key)
        if subject is None:
            subject = found[key] = Subject(named, store, unknown(named, store.id, key))
        subject.statements[index] = statement
    return dict(sorted(found.items()))


def unknown(named: Identity, store_id: str, key: str) -> LedgerRow:
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


def all_decided(
    conn: sa.Connection, subjects: Mapping[str, Subject], today: Today
) -> dict[str, Decision]:
    decided = {key: decision_of(subject) for key, subject in subjects.items()}
    if not today:
        return decided
    return by_every_name(conn, decided, {key for key, s in subjects.items() if s.feeds}, today)


def decision_of(subject: Subject) -> Decision:
    """What lifts a tombstone that was seen waits for the look-up; a tie is decided for the time."""
    metadata = subject.stored.source_metadata if subject.stored else None
    said = [
        statement
        for index, statement in subject.statements.items()
        if index not in subject.doubtful or not lifts(subject.row, statement)
    ]
    return decide(subject.row, said, subject.feeds, metadata)
