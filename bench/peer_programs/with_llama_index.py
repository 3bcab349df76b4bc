"""LlamaIndex: an `IngestionPipeline` whose docstore in PostgreSQL says what is unchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import Document
from llama_index.core.vector_stores.types import BasePydanticVectorStore
from llama_index.storage.docstore.postgres import PostgresDocumentStore
from llama_index.storage.kvstore.postgres import PostgresKVStore
from sqlalchemy.ext.asyncio import create_async_engine

from bench.peer_programs.loading import ChunkTable, Text, counted, run

CHUNK_TOKENS, OVERLAP = 512, 50
BATCH = 500
_REF_DOCS = "SELECT count(*) FROM data_docstore WHERE namespace LIKE '%/metadata'"


class Chunks(BasePydanticVectorStore):  # type: ignore[misc]  # not there where types are checked
    """The table behind their interface; the vector is not stored."""

    stores_text: bool = True
    table: Any

    @property
    def client(self) -> Any:
        """What writes."""
        return self.table

    def add(self, nodes: Sequence[Any], **_: Any) -> list[str]:
        """Write chunks."""
        self.table.add([(n.node_id, n.ref_doc_id, n.get_content()) for n in nodes])
        return [n.node_id for n in nodes]

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Remove the chunks of a document."""
        self.table.delete_document(ref_doc_id)

    def query(self, query: Any, **_: Any) -> Any:
        """Nobody searches here."""
        raise NotImplementedError(str(query))


def load(database_url: str, texts: list[Text]) -> Callable[[], tuple[int, int]]:
    """One run of the pipeline with `upserts`; the embedding is a constant of one number."""
    table = ChunkTable(database_url)
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    store = PostgresKVStore(
        "docstore", engine=sa.create_engine(url), async_engine=create_async_engine(url)
    )
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP),
            MockEmbedding(embed_dim=1),
        ],
        vector_store=Chunks(table=table),
        docstore=PostgresDocumentStore(store, batch_size=BATCH),
        docstore_strategy=DocstoreStrategy.UPSERTS,
        disable_cache=True,
    )
    pipeline.run(documents=[Document(id_=one.id, text=one.text) for one in texts])

    def counts() -> tuple[int, int]:
        documents, chunks = table.counts()
        known = counted(database_url, _REF_DOCS)
        assert known == documents, f"the docstore knows {known} of {documents} documents"
        return documents, chunks

    return counts


if __name__ == "__main__":
    run(load)
