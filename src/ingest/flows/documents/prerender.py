"""Looks ahead: what a batch will write is rendered before its transaction begins.

A short transaction reads what is known; the dear part runs with none open. What changes in between
is noticed, and looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.core.errors import Raced
from ingest.flows.documents.apply import Work, look_ahead
from ingest.flows.documents.render import Renders
from ingest.store.engine import transaction

MAX_ROWS = 20_000
"""Of chunks and references, in one transaction: two seconds of writing. One document may have as
many."""

RACES = 5

T = TypeVar("T")


def render(
    engine: sa.Engine,
    work: Sequence[Work],
    renders: Renders,
) -> None:
    """Render what the work will probably write, and what a transaction lacked."""
    renders.catch_up()
    if not work:
        return
    with transaction(engine) as conn:
        ahead = look_ahead(conn, work)
    for one in ahead:
        rendered = renders.render(one.upsert, one.store)
        if one.stored != (rendered.said.content_hash, rendered.config_hash):
            renders.cut(one.upsert, one.store)


def parts(
    items: Iterable[T], work_of: Callable[[T], Iterable[Work]], renders: Renders
) -> list[list[T]]:
    """The items in as many parts as it takes for none to write more than `MAX_ROWS`."""
    found: list[list[T]] = []
    taken = 0
    for item in items:
        rows = sum(_rows(work, renders) for work in work_of(item))
        taken += rows
        if not found or taken > MAX_ROWS:
            found.append([])
            taken = rows
        found[-1].append(item)
    return found


def _rows(work: Work, renders: Renders) -> int:
    return renders.rows(work.change, work.store) if isinstance(work.change, Upsert) else 0


def race(run: Callable[[], T], look_again: Callable[[], object]) -> T:
    """What a transaction comes to; one that lost a race is run again, after another look ahead.

    Raises `Raced` where it loses every time.
    """
    for _ in range(RACES - 1):
        try:
            return run()
        except Raced:
            look_again()
    return run()
