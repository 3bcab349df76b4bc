"""How PostgreSQL finds what it is asked for: the scans of a statement, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

BIG = (
    "lightfast_docs_documents",
    "lightfast_document_ledger",
    "lightfast_document_references",
    "lightfast_document_aliases",
    "lightfast_webhook_deliveries",
)
"""The tables of which none is read from end to end."""
_EXPLAIN = "EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) "

Ask = Callable[[sa.Connection], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """scans: of each big table, how: `Index Scan using idx_docs_parent`. ms: all statements of it
    together, the best of several times. rows: the most of a big table that one scan looked at.
    """

    scans: tuple[tuple[str, str], ...]
    ms: float
    rows: int = 0

    @property
    def whole(self) -> list[str]:
        """The big tables that are read from end to end."""
        return [table for table, how in self.scans if how.startswith("Seq Scan")]

    @property
    def indexes(self) -> set[str]:
        return {how.rpartition(" ")[2] for _, how in self.scans if "Index" in how}


def plan_of(conn: sa.Connection, ask: Ask, *, times: int = 1) -> Plan:
    """The plan of what a function asks."""
    with _heard(conn) as statements:
        ask(conn)
    runs = [[_explained(conn, *one) for one in statements] for _ in range(times)]
    scans = tuple(dict.fromkeys(scan for told in runs[0] for scan in _scans(told["Plan"])))
    rows = max((looks for told in runs[0] for looks in _rows(told["Plan"])), default=0)
    return Plan(scans, min(sum(told["Execution Time"] for told in run) for run in runs), rows)


@contextmanager
def _heard(conn: sa.Connection) -> Iterator[list[tuple[str, Any]]]:
    """The reads that go to the server meanwhile, with their parameters."""
    heard: list[tuple[str, Any]] = []

    def hear(_conn: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        heard.append((statement, given))

    sa.event.listen(conn, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        sa.event.remove(conn, "before_cursor_execute", hear)


def _explained(conn: sa.Connection, statement: str, given: Any) -> Mapping[str, Any]:
    (told,) = conn.exec_driver_sql(_EXPLAIN + statement, given).scalar_one()
    return dict(told)


def _scans(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every scan of a big table that was begun; what hangs on a condition may not have been."""
    table, index = node.get("Relation Name"), node.get("Index Name")
    if node["Actual Loops"] and (table in BIG or "Bitmap Index" in node["Node Type"]):
        yield table or "", node["Node Type"] + (f" using {index}" if index else "")
    for below in node.get("Plans", ()):
        yield from _scans(below)


def _rows(node: Mapping[str, Any]) -> Iterator[int]:
    """How many rows each scan of a big table gave, and looked at for nothing."""
    if node.get("Relation Name") in BIG:
        dropped = node.get("Rows Removed by Filter", 0)
        yield int(node["Actual Loops"] * (node["Actual Rows"] + dropped))
    for below in node.get("Plans", ()):
        yield from _rows(below)
