"""Changes how a store wants its documents cut and embedded, and has them made so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ingest.core.chunks import ChunkConfig
from ingest.core.errors import BadInput
from ingest.flows.reprocess.asked import CHUNKS, ReprocessRequest
from ingest.store import reprocess_runs, stores
from ingest.store.engine import transaction
from ingest.store.reprocessing import Within

MODEL_CHARS, MOST_DIM, MOST_TOKENS = 100, 65_535, 8_192
"""Of a model's name; of a vector; of a chunk, as the longest that any embedding model takes."""
WANTED = ("embedding_model", "embedding_dim", "chunk_max_tokens", "chunk_overlap")
ASKED_BY = "a store's change"


def change_store(
    engine: sa.Engine,
    store_id: str,
    told: Mapping[str, str | int | None],
    *,
    remake: bool = True,
) -> tuple[dict[str, Any], int | None]:
    """Let a store want something else; its row, and the run that makes what stands in it so.

    told: of WANTED, what is to be another; None stays. Waits for whoever writes in the store. No
    run where nothing is another, nothing stands there, or without `remake`. Raises `BadInput` for
    no such store, and for what no chunk can be.
    """
    with transaction(engine) as conn:
        stores.alone(conn, store_id)
        before = next(iter(stores.listing(conn, store_id)), None)
        if before is None:
            raise BadInput(
                f"there is no store {store_id}; `ingest store list` names those there are"
            )
        wanted: dict[str, Any] = {
            name: before[name] if told.get(name) is None else told[name] for name in WANTED
        }
        _require_sound(wanted)
        run = None
        if any(wanted[name] != before[name] for name in WANTED):
            stores.change(conn, store_id, wanted)
            asked = ReprocessRequest((CHUNKS,), Within(store=store_id))
            if remake and reprocess_runs.has_documents(conn, store_id):
                run = reprocess_runs.request(conn, asked.what, asked.scope, asked_by=ASKED_BY)
        return {**before, **wanted}, run


def _require_sound(wanted: Mapping[str, Any]) -> None:
    tokens, model = wanted["chunk_max_tokens"], wanted["embedding_model"]
    dim = wanted["embedding_dim"]
    try:
        ChunkConfig(tokens, wanted["chunk_overlap"])
    except ValueError as error:
        raise BadInput(f"no chunk can be so: {error}") from error
    if tokens > MOST_TOKENS:
        raise BadInput(f"a chunk has at most {MOST_TOKENS:,} tokens, not {tokens:,}")
    if not (model.strip() and model.isprintable() and len(model) <= MODEL_CHARS):
        raise BadInput(f"{model[:40]!r} is no model; give 1 to {MODEL_CHARS} printable characters")
    if not 1 <= dim <= MOST_DIM:
        raise BadInput(f"a vector has 1 to {MOST_DIM:,} dimensions, not {dim:,}")
