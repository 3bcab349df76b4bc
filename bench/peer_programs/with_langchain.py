"""LangChain: texts are cut, and `index()` writes what its SQL record manager does not know yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_classic.indexes import SQLRecordManager
from langchain_core.documents import Document
from langchain_core.indexing import index
from langchain_core.vectorstores import VectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

from bench.peer_programs.loading import ChunkTable, Text, run

CHUNK_CHARACTERS, OVERLAP = 2_000, 200
"""About 512 and 50 tokens."""
BATCH = 500


class Chunks(VectorStore):  # type: ignore[misc]  # not there where types are checked
    """The table behind their interface; no vector is computed or stored."""

    def __init__(self, table: ChunkTable) -> None:
        self._table = table

    def add_documents(self, documents: list[Any], **given: Any) -> list[str]:
        """Write chunks by the ids that `index` gives them."""
        ids: list[str] = given["ids"]
        rows = [
            (id_, one.metadata["document"], one.page_content)
            for id_, one in zip(ids, documents, strict=True)
        ]
        self._table.add(rows)
        return ids

    def delete(self, ids: Sequence[str] | None = None, **_: Any) -> bool:
        """Remove chunks."""
        self._table.delete(ids or ())
        return True

    def similarity_search(self, query: str, k: int = 4, **_: Any) -> list[Any]:
        """Nobody searches here."""
        raise NotImplementedError(f"{query}, {k}")

    @classmethod
    def from_texts(cls, texts: list[str], embedding: Any, **_: Any) -> Chunks:
        """Nobody makes one so."""
        raise NotImplementedError(f"{len(texts)}, {embedding}")


def load(database_url: str, texts: list[Text]) -> Callable[[], tuple[int, int]]:
    """One indexing of all texts, which deletes what a text no longer has (`incremental`)."""
    table = ChunkTable(database_url)
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    records = SQLRecordManager("peers", db_url=url)
    records.create_schema()
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_CHARACTERS, chunk_overlap=OVERLAP, add_start_index=True
    )
    documents = [Document(page_content=t.text, metadata={"document": t.id}) for t in texts]
    index(
        splitter.split_documents(documents),
        records,
        Chunks(table),
        batch_size=BATCH,
        cleanup="incremental",
        source_id_key="document",
        key_encoder="sha256",
    )
    return table.counts


if __name__ == "__main__":
    run(load)
