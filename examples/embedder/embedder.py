"""Keeps a table of embeddings in step with the documents, by following the change feed.

    DATABASE_URL=postgresql://… python embedder.py [--once]    # until Ctrl-C, or nothing is new

A chunk is embedded once: its id stays while its text does. Killed, it goes on where it was."""

import hashlib
import math
import os
import re
import sys
from collections.abc import Mapping

import psycopg

from ingest import changes

SIZE = 256
TABLES = """
CREATE TABLE IF NOT EXISTS embedder_chunks (
  document_id text, chunk_id text, store_id text NOT NULL, position integer NOT NULL,
  text text NOT NULL, embedding {kind} NOT NULL, PRIMARY KEY (document_id, chunk_id));
CREATE TABLE IF NOT EXISTS embedder_documents (document_id text PRIMARY KEY, heard bigint)"""
# The fence: a reader that lost its lease may still bring what is older. What is gone has it too.
HEARD = """INSERT INTO embedder_documents AS d VALUES (%s, %s) ON CONFLICT (document_id) DO UPDATE
SET heard = excluded.heard WHERE d.heard < excluded.heard"""
GONE = """WITH d AS (UPDATE embedder_documents SET heard = %s WHERE heard < %s RETURNING *)
DELETE FROM embedder_chunks c USING d WHERE c.document_id = d.document_id"""
MOVED = "UPDATE embedder_chunks SET position = %s WHERE document_id = %s AND chunk_id = %s"
OF_IT = "FROM embedder_chunks WHERE document_id = %s"


def embed(text: str) -> list[float]:
    """Words, hashed into so many dimensions: put your model's call in this one place."""
    vector = [0.0] * SIZE
    for word in re.findall(r"\w+", text.lower()):
        number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        vector[number % SIZE] += 1.0 if number >> 63 else -1.0
    length = math.hypot(*vector) or 1.0
    return [part / length for part in vector]


class Embeddings:
    """The tables, with pgvector where the database has it, and else with arrays."""

    def __init__(self, url: str) -> None:
        self.db = psycopg.connect(url, autocommit=True)
        try:
            self.db.execute("CREATE EXTENSION IF NOT EXISTS vector")
            self.kind = f"vector({SIZE})"
        except psycopg.Error:
            self.kind = "real[]"
        self.db.execute(TABLES.format(kind=self.kind))

    def apply(self, batch: changes.ChangeBatch, texts: Mapping[str, str]) -> int:
        """Bring the tables in step with a batch; how many chunks were embedded."""
        with self.db.transaction():
            embedded = sum(self._change(change, texts) for change in batch.changes)
            if batch.ends:  # a snapshot: what no page of it named is gone
                self.db.execute(GONE, [batch.position] * 2)
        return embedded

    def _change(self, change: changes.DocumentChange, texts: Mapping[str, str]) -> int:
        id_, told = change.document_id, change.chunks
        is_news = self.db.execute(HEARD, (id_, change.position)).rowcount > 0
        if not is_news or (change.op == "upserted" and told is None):
            return 0  # older than what is known; or its text is what it was
        places = {chunk.id: chunk.position for chunk in (*told.new, *told.kept)} if told else {}
        self.db.execute(f"DELETE {OF_IT} AND chunk_id <> ALL(%s)", (id_, [*places]))
        had = {row[0] for row in self.db.execute(f"SELECT chunk_id {OF_IT}", (id_,))}
        new = [chunk for chunk in places if chunk not in had and chunk in texts]
        for chunk in new:  # one that has no text any more is gone by a later change
            row = (id_, chunk, change.store_id, places[chunk], texts[chunk], embed(texts[chunk]))
            values = f"%s, %s, %s, %s, %s, CAST(CAST(%s AS real[]) AS {self.kind})"
            self.db.execute(f"INSERT INTO embedder_chunks VALUES ({values})", row)
        moved = [(places[chunk], id_, chunk) for chunk in had & places.keys()]
        self.db.cursor().executemany(MOVED, moved)
        return len(new)


def main(once: bool) -> None:
    table = Embeddings(os.environ.get("EMBEDDER_DATABASE_URL", os.environ["DATABASE_URL"]))
    engine = changes.connect(os.environ["DATABASE_URL"])
    with changes.Changes(engine, "embedder", stores=changes.ALL) as feed:
        while True:
            try:
                batch = feed.read(limit=200, wait_s=0 if once else 30)
                embedded = table.apply(batch, feed.texts(batch.changes))
                feed.ack(batch)
            except (changes.FellBehind, changes.LeaseLost):  # the next read begins there
                continue
            if batch:
                print(f"position {batch.position}: {embedded} embedded", flush=True)
            elif once:
                return


if __name__ == "__main__":
    main(once="--once" in sys.argv)
