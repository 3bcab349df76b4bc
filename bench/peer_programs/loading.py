"""What the programs have in common: the texts, the clocks, and a table for what is cut of them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class Text:
    """A document as it is given to a program: its key, and what it says."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load took, and how many documents and chunks there are after it."""

    seconds: float
    cpu_s: float
    documents: int
    chunks: int


class ChunkTable:
    """Stands for a vector store: chunks in PostgreSQL, without a vector and without its index."""

    def __init__(self, database_url: str) -> None:
        self._conn = psycopg.connect(database_url, autocommit=True)
        self._conn.execute(_TABLE)

    def add(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Write chunks in one transaction: id, document, text."""
        with self._conn.transaction(), self._conn.cursor() as cursor:
            cursor.executemany(_WRITE, rows)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks."""
        self._conn.execute("DELETE FROM chunks WHERE id = ANY(%s)", [list(ids)])

    def delete_document(self, document: str) -> None:
        """Remove all chunks of a document."""
        self._conn.execute("DELETE FROM chunks WHERE document = %s", [document])

    def counts(self) -> tuple[int, int]:
        """Distinct documents, and chunks."""
        documents, chunks = self._conn.execute(
            "SELECT count(DISTINCT document), count(*) FROM chunks"
        ).fetchone() or (0, 0)
        return documents, chunks


def run(load: Callable[[str, list[Text]], Callable[[], tuple[int, int]]]) -> None:
    """Load the texts of the command line (database URL, file) and print what that took.

    `load` returns what counts documents and chunks afterwards, which is not timed. Imports are
    over by now and not timed either.
    """
    database_url, path = sys.argv[1:]
    lines = Path(path).read_text("utf-8").splitlines()
    texts = [Text(**json.loads(line)) for line in lines]
    began, used = time.perf_counter(), time.process_time()
    count = load(database_url, texts)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - used
    sys.stdout.write(json.dumps(asdict(Loaded(seconds, cpu_s, *count()))) + "\n")


def counted(database_url: str, query: str) -> int:
    """The number that a query answers."""
    with psycopg.connect(database_url) as conn:
        row: tuple[Any, ...] | None = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


_TABLE = """
CREATE TABLE IF NOT EXISTS chunks (
  id text PRIMARY KEY, document text NOT NULL, text text NOT NULL
);
CREATE INDEX IF NOT EXISTS chunks_document ON chunks (document)
"""
_WRITE = """
INSERT INTO chunks (id, document, text) VALUES (%s, %s, %s)
ON CONFLICT (id) DO UPDATE SET document = excluded.document, text = excluded.text
"""
