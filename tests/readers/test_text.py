"""A document's text out of its chunks is the canonical text, and says whether it is."""

from __future__ import annotations

import hashlib
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.canonical import canonical_text
from ingest.core.chunks import ChunkConfig
from ingest.flows.documents import render
from ingest.store.engine import transaction
from tests.factories import OURS, connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.test_convergence_of_all import TOLD_IN_ORDER, World, fakes, world
from tests.readers.shelf import Shelf, shelf

__all__ = ["desk", "fakes", "shelf", "world"]

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(300)]

_numbers = count()
_TEXT = "SELECT * FROM lightfast_reader_document_text"
_words = st.sampled_from(
    ["word ", "longer words, ", "\n", "\n\n", "# ", "```\n", "é", "語", "🎈", "- "]
)
bodies = st.one_of(st.text(max_size=200), st.lists(_words, max_size=200).map("".join))
configs = st.integers(4, 60).flatmap(
    lambda most: st.builds(ChunkConfig, st.just(most), st.integers(0, most - 1))
)
_some = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_some
@given(title=st.text(max_size=40), body=bodies, config=configs)
def test_any_text_comes_back_as_it_was(
    shelf: Shelf, title: str, body: str, config: ChunkConfig
) -> None:
    text, id_ = canonical_text(title, body), f"d-{next(_numbers)}"
    shelf.put(id_, text, config=config)
    (row,) = shelf.rows(f"{_TEXT} WHERE document_id = :id", id=id_)
    if text.isspace() and text != "\n\n":
        assert (row["text"], row["title"], row["is_whole"]) == (None, None, False)
        return
    assert (row["text"], row["is_whole"]) == (text, True)
    assert f"{row['title']}\n\n{row['body']}" == text


@pytest.mark.parametrize("world", [True], indirect=True, ids=["with tokens"])
def test_the_text_of_every_kind_of_every_source_is_whole(world: World) -> None:
    world.run(TOLD_IN_ORDER)
    with transaction(world.engine) as conn:
        rows = conn.execute(sa.text(_TEXT)).mappings().all()
        (there,) = conn.execute(sa.text("SELECT count(*) FROM lightfast_docs_documents")).one()
    assert len(rows) == there
    assert {row["source_type"] for row in rows} >= OURS
    for row in rows:
        assert row["is_whole"], row["source_id"]
        assert hashlib.sha256(row["text"].encode()).hexdigest() == row["content_hash"]


def test_a_text_of_too_many_chunks_ends_in_what_was_cut(
    desk: Desk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note began at an offset within what stood before it, and lost its own beginning."""
    monkeypatch.setattr(render, "MAX_CHUNKS", 4)
    small = make_store(engine, chunk_max_tokens=8, chunk_overlap=7)
    to = connect(engine, "github", stores=[small])
    body = "some words of a text " * 20
    desk.end(to, halcyon.issue(1, title="T", body=body))
    (row,) = desk.rows(_TEXT)
    kept, _, note = row["text"].rpartition("[")
    text = canonical_text("T", body)
    assert text.startswith(kept)
    assert note == f"… cut here: {len(text) - len(kept):,} more characters]"
    assert not row["is_whole"]


def test_a_document_of_which_only_the_hashes_are_known_has_no_text(shelf: Shelf) -> None:
    shelf.put("legacy")
    shelf.rows("DELETE FROM lightfast_document_chunks RETURNING 1")
    (row,) = shelf.rows(_TEXT)
    assert (row["text"], row["body"], row["is_whole"]) == (None, None, False)
