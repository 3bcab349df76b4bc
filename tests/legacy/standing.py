"""All that an import writes, as texts, so that two databases compare. Apart from the program."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

TABLES = (
    "lightfast_organizations",
    "lightfast_workspaces",
    "lightfast_stores",
    "lightfast_connected_sources",
    "lightfast_connection_scopes",
    "lightfast_store_sources",
    "lightfast_docs_documents",
    "lightfast_document_ledger",
    "lightfast_document_feeds",
    "lightfast_document_aliases",
    "lightfast_folded_keys",
    "lightfast_document_chunks",
    "lightfast_orphan_documents",
    "lightfast_space_names",
    "lightfast_lookup_states",
    "lightfast_ingestion_events",
    "lightfast_legacy_vector_entries",
)


def standing(url: str) -> Mapping[str, tuple[str, ...]]:
    """By table, its rows."""
    with psycopg.connect(url) as conn:
        return {
            table: tuple(
                text
                for (text,) in conn.execute(
                    f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1".encode()
                )
            )
            for table in TABLES
        }
