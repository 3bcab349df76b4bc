"""Keeps a table of embeddings in step with the documents, by following the change feed.

    DATABASE_URL=postgresql://… python embedder.py            # follows until Ctrl-C
    DATABASE_URL=postgresql://… python embedder.py --once     # until nothing is new

A chunk is embedded once: its id stays while its text does. Killed, it goes on where it was.
"""

import hashlib
import math
import os
import re
import sys
from collections.abc import Mapping

import psycopg

from ingest import changes

SIZE = 256
TABLE = """
CREATE TABLE IF NOT EXISTS embedder_chunks (
  document_id text, chunk_id text, store_id text NOT NULL, position integer NOT NULL,
  text text NOT NULL, embedding {kind} NOT NULL, seen boolean NOT NULL DEFAULT true,
  PRIMARY KEY (document_id, chunk_id)
)"""
OF_IT = "FROM embedder_chunks WHERE document_id = %s"


def embed(text: str) -> list[float]:
    """Words, hashed into so many dimensions: put your model's call in this one place."""
    vector = [0.0] * SIZE
    for word in re.findall(r"\w+", text.lower()):
        number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        vector[number % SIZE] += 1.0 if number >> 63 else -1.0
    length = math.sqrt(sum(part * part for part in vector)) or 1.0
    return [part / length for part in vector]


class Embeddings:
    """The table, with pgvector where the database has it, and else with arrays."""

    def __init__(self, url: str) -> None:
        self.db = psycopg.connect(url, autocommit=True)
        try:
            self.db.execute("CREATE EXTENSION IF NOT EXISTS vector")
            self.kind = f"vector({SIZE})"
        except psycopg.Error:
            self.kind = "real[]"
        self.db.execute(TABLE.format(kind=self.kind))

    def apply(self, batch: changes.ChangeBatch, texts: Mapping[str, str]) -> int:
        """Bring the table in step with a batch; how many chunks were embedded."""
        with self.db.transaction():
            if batch.begins:  # a snapshot: what no page of it names is gone
                self.db.execute("UPDATE embedder_chunks SET seen = false")
            embedded = sum(self._change(change, texts) for change in batch.changes)
            if batch.ends:
                self.db.execute("DELETE FROM embedder_chunks WHERE NOT seen")
        return embedded

    def _change(self, change: changes.DocumentChange, texts: Mapping[str, str]) -> int:
        id_, told = change.document_id, change.chunks
        if change.op == "upserted" and told is None:
            return 0  # its text is what it was
        places = {chunk.id: chunk.position for chunk in (*told.new, *told.kept)} if told else {}
        self.db.execute(f"DELETE {OF_IT} AND chunk_id <> ALL(%s)", (id_, [*places]))
        had = {row[0] for row in self.db.execute(f"SELECT chunk_id {OF_IT}", (id_,))}
        new = [chunk for chunk in places if chunk not in had and chunk in texts]
        for chunk in new:  # one that has no text any more is gone by a later change
            row = (id_, chunk, change.store_id, places[chunk], texts[chunk], embed(texts[chunk]))
            values = f"VALUES (%s, %s, %s, %s, %s, CAST(CAST(%s AS real[]) AS {self.kind}))"
            self.db.execute(f"INSERT INTO embedder_chunks {values}", row)
        moved = "UPDATE embedder_chunks SET position = %s, seen = true"
        for chunk in had & places.keys():
            which = "WHERE document_id = %s AND chunk_id = %s"
            self.db.execute(f"{moved} {which}", (places[chunk], id_, chunk))
        return len(new)


def main(once: bool) -> None:
    url = os.environ["DATABASE_URL"]
    table = Embeddings(os.environ.get("EMBEDDER_DATABASE_URL", url))
    with changes.Changes(changes.connect(url), "embedder", stores=changes.ALL) as feed:
        while True:
            try:
                batch = feed.read(limit=200, wait_s=0 if once else 30)
            except changes.FellBehind:  # told once; the next read begins a snapshot
                continue
            if batch:
                embedded = table.apply(batch, feed.texts(batch.changes))
                feed.ack(batch)
                print(f"position {batch.position}: {embedded} embedded", flush=True)
            elif once:
                return


if __name__ == "__main__":
    main(once="--once" in sys.argv)
