"""The seed's query patterns for Python: documents of one store, a page at a time.

    with engine.connect() as conn:
        documents = Documents(conn, store_id="…")
        issue = documents.by_external_id(source_type, "ENG-7")
        page = documents.by_source(source_type, state="in-progress", limit=50)
        page = documents.by_source(source_type, state="in-progress", limit=50, after=page.after)

Law: nothing of another store is ever seen, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar, get_args

import sqlalchemy as sa
from pydantic import BaseModel

from ingest import types
from ingest.core.errors import BadInput
from ingest.core.values import JSON
from ingest.queries.position import parts_of, position, time_of
from ingest.queries.states import state_field
from ingest.sources.registry import folded, source_types
from ingest.store import querying
from ingest.store.querying import Direction, Moment

MANY, MOST = 100, 1_000
"""Rows of a page unless told otherwise, and at most."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Document:
    """A row of `lightfast_docs_documents`, as the seed writes it; times are aware, in UTC."""

    id: str
    store_id: str
    source_type: str
    source_id: str
    source_metadata: Mapping[str, JSON]
    parent_doc_id: str | None
    slug: str
    content_hash: str
    config_hash: str | None
    frontmatter: Mapping[str, JSON] | None
    chunk_count: int
    relationships: Mapping[str, JSON] | None
    created_at: datetime
    updated_at: datetime

    @cached_property
    def metadata(self) -> BaseModel:
        """`source_metadata` as the model of `ingest.types` that it was written by.

        Raises `BadInput` where no source that is installed here writes such.
        """
        return types.document_metadata(self.source_metadata)


@dataclass(frozen=True, slots=True)
class Related:
    """A relationship, seen from the document that was asked for.

    kind: `mention`, `resolves`, `blockedBy`, `dependsOn`, `relatedTo`, or `deployment`, of what
    brought the document's commit. target_source, target_key: what is pointed at. origin: `field`,
    `url`, `keyword`, `text`; evidence: the words.
    document: at the other end; None where that is not there.
    """

    kind: str
    target_source: str
    target_key: str
    origin: str
    evidence: str
    document: Document | None


@dataclass(frozen=True, slots=True)
class ResultPage(Generic[Row]):
    """Rows, and the position behind the last of them; None where there are no more."""

    rows: tuple[Row, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of one store, by a connection of the caller's, in the caller's transaction.

    All raise `BadInput` for a position that is none, and for a `limit` not within 1 to MOST.
    """

    conn: sa.Connection
    store_id: str

    def by_id(self, document_id: str) -> Document | None:
        """The document of that id; None where the store has none."""
        row = querying.by_id(self.conn, self.store_id, document_id)
        return Document(**row) if row is not None else None

    def by_external_id(self, source_type: str, key: str) -> Document | None:
        """The document of that `source_id`, or else the one that had it, or has it besides.

        As in `ENG-7`, `owner/repo#12`, `docs/setup.md`; in any case that is the same to the
        provider. Raises `BadInput` for an unknown source.
        """
        _require_source(source_type)
        compared = folded(source_type, key)
        row = querying.by_key(self.conn, self.store_id, source_type, key, folded=compared)
        if row is None:
            return None
        return Document(**{name: value for name, value in row.items() if name != "former"})

    def by_source(
        self,
        source_type: str,
        *,
        state: str | None = None,
        after: str | None = None,
        limit: int = MANY,
    ) -> ResultPage[Document]:
        """A source's documents, in that state where one is given, as they came to be.

        state: the `state` of their metadata, or the `status` where the source has that instead.
        """
        _require_source(source_type)
        asked: dict[str, Any] = {"source_type": source_type, state_field(source_type): state}
        return self._page("by source", after, limit, **asked)

    def children(
        self, document_id: str, *, after: str | None = None, limit: int = MANY
    ) -> ResultPage[Document]:
        """The documents right below one, as they came to be."""
        return self._page("children", after, limit, parent=document_id)

    def in_time(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        moment: Moment = "created_at",
        source_type: str | None = None,
        after: str | None = None,
        limit: int = MANY,
    ) -> ResultPage[Document]:
        """Those that came to be (`updated_at`: were last written) from `since` on, before `until`.

        Times are aware. In the order of that time; one that is written meanwhile moves to the end.
        """
        _require_one_of("moment", moment, get_args(Moment))
        if any(time is not None and time.tzinfo is None for time in (since, until)):
            raise BadInput("a time without a zone may be any hour: give one with a zone, as in UTC")
        if source_type is not None:
            _require_source(source_type)
        return self._page(
            f"in time by {moment}",
            after,
            limit,
            moment=moment,
            source_type=source_type,
            since=since,
            until=until,
        )

    def related(
        self,
        document_id: str,
        direction: Direction = "out",
        *,
        after: str | None = None,
        limit: int = MANY,
    ) -> ResultPage[Related]:
        """What a document points at (`out`), or what points at it (`in`)."""
        _require_one_of("direction", direction, get_args(Direction))
        what = f"related {direction}"
        rows = querying.references(
            self.conn,
            store_id=self.store_id,
            document_id=document_id,
            direction=direction,
            after=parts_of(after, what, 3) if after is not None else (),
            limit=_within(limit) + 1,
        )
        kept = rows[:limit]
        others = {row["other"] for row in kept if row["other"] is not None}
        there = querying.of_ids(self.conn, self.store_id, sorted(others))
        found = tuple(_related(row, there.get(row["other"] or "")) for row in kept)
        key = _BEHIND[direction]
        last = position(what, [kept[-1][name] for name in key]) if len(rows) > limit else None
        return ResultPage(found, last)

    def _page(
        self,
        what: str,
        after: str | None,
        limit: int,
        *,
        moment: Moment = "created_at",
        **asked: Any,
    ) -> ResultPage[Document]:
        if after is not None:
            time, id_ = parts_of(after, what, 2)
            asked |= {"after": time_of(time), "after_id": id_}
        rows = querying.documents(
            self.conn, asked, store_id=self.store_id, limit=_within(limit) + 1, moment=moment
        )
        found = tuple(Document(**row) for row in rows[:limit])
        if len(rows) <= limit:
            return ResultPage(found)
        last: datetime = getattr(found[-1], moment)
        return ResultPage(found, position(what, [last.isoformat(), found[-1].id]))


_BEHIND: Mapping[Direction, tuple[str, str, str]] = {
    "out": ("kind", "target_source", "target_key"),
    "in": ("document_id", "kind", "target_key"),
}
"""What a position among relationships is made of: what they are sorted by."""


def _related(row: Mapping[str, Any], other: Mapping[str, Any] | None) -> Related:
    document = Document(**other) if other is not None else None
    key = (row["target_source"], row["target_key"])
    return Related(row["kind"], *key, row["origin"], row["evidence"], document)


def _within(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise BadInput(f"limit is {limit}: give 1 to {MOST}, and go on with `after`")
    return limit


def _require_source(source_type: str) -> None:
    _require_one_of("source", source_type, source_types())


def _require_one_of(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise BadInput(f"no {what} is called {given!r}: give one of {', '.join(known)}")
