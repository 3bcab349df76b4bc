"""Renders what a batch will write before its transaction begins.

A short transaction reads what is known; the costly part runs with none open. What changes in
between is noticed, and looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.flows.documents.apply import look_ahead
from ingest.flows.documents.render import Renders
from ingest.flows.documents.subjects import StoreStatement
from ingest.store.engine import transaction

MAX_ROWS = 20_000
"""Of chunks and references, in one transaction: two seconds of writing. One document may have as
many."""

T = TypeVar("T")


def prerender(engine: sa.Engine, said: Sequence[StoreStatement], renders: Renders) -> None:
    """Render what will probably be written, and what a transaction lacked; it stands in `renders`.

    To be called with no transaction open: it reads in a short one of its own, then computes.
    Chunks are cut only where text or configuration differ from the document that stands. Raises
    `TransientError` where the database is away.
    """
    renders.catch_up()
    if not said:
        return
    with transaction(engine) as conn:
        ahead = look_ahead(conn, said, renders)
    for one in ahead:
        rendered = renders.render(one.upsert, one.store)
        if one.stored != (rendered.said.content_hash, rendered.config_hash):
            renders.cut(one.upsert, one.store)


def parts(
    items: Iterable[T], said_by: Callable[[T], Iterable[StoreStatement]], renders: Renders
) -> list[list[T]]:
    """The items in as many parts as it takes for none to write more than `MAX_ROWS`.

    In their order. An item that writes more by itself is a part of its own; what is not rendered
    counts nothing.
    """
    found: list[list[T]] = []
    taken = 0
    for item in items:
        rows = sum(_rows(said, renders) for said in said_by(item))
        taken += rows
        if not found or taken > MAX_ROWS:
            found.append([])
            taken = rows
        found[-1].append(item)
    return found


def _rows(said: StoreStatement, renders: Renders) -> int:
    store, statement = said
    change = statement.change
    return renders.rows(change, store) if isinstance(change, Upsert) else 0
