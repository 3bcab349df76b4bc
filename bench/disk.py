"""What the tables take on the disk, and how much of that a delivery is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of a table: its rows, what is stored beside them (TOAST), and its indexes by name."""

    heap: int
    toast: int
    by_index: dict[str, int]

    @property
    def total(self) -> int:
        """All of it."""
        return self.heap + self.toast + sum(self.by_index.values())


def disk_of(database_url: str) -> dict[str, Disk]:
    """Our tables by their names."""
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(_SIZES).fetchall()
    return {name: Disk(heap, toast, indexes or {}) for name, heap, toast, indexes in rows}


def grown(empty: Mapping[str, Disk], now: Mapping[str, Disk]) -> dict[str, Disk]:
    """What the tables have more than an empty one has."""
    return {
        name: Disk(
            size.heap - empty[name].heap,
            size.toast - empty[name].toast,
            {i: n - empty[name].by_index.get(i, 0) for i, n in size.by_index.items()},
        )
        for name, size in now.items()
    }


def per_delivery(disk: Mapping[str, Disk], count: int) -> dict[str, dict[str, int]]:
    """Bytes a delivery of each table that has at least ten, the largest first; and of all."""
    each = {
        name: {
            "heap": round(size.heap / count),
            "toast": round(size.toast / count),
            "indexes": round(sum(size.by_index.values()) / count),
            "total": round(size.total / count),
        }
        for name, size in sorted(disk.items(), key=lambda item: -item[1].total)
        if size.total >= 10 * count
    }
    return each | {"all": {"total": round(sum(size.total for size in disk.values()) / count)}}


def by_index(disk: Mapping[str, Disk], count: int) -> dict[str, dict[str, int]]:
    """Bytes a delivery of each index that has at least ten, the largest first."""
    every = [index for size in disk.values() for index in size.by_index.items()]
    ordered = sorted(every, key=lambda index: (-index[1], index[0]))
    return {name: {"total": round(size / count)} for name, size in ordered if size >= 10 * count}


_SIZES = """
SELECT c.relname, pg_relation_size(c.oid),
       CASE WHEN c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END,
       (SELECT json_object_agg(i.indexrelid::regclass::text, pg_relation_size(i.indexrelid))
        FROM pg_index i WHERE i.indrelid = c.oid)
FROM pg_class c WHERE c.relkind = 'r' AND c.relname LIKE 'lightfast\\_%' ORDER BY c.relname
"""
