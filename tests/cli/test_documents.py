"""`ingest docs`: what came out, found by any key it ever had."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, Town

pytestmark = pytest.mark.integration


def test_documents_are_listed_by_store_source_and_kind(ingest: Ingest, town: Town) -> None:
    rows = ingest("docs", "list", "--json").json
    assert {(row["id"], row["kind"]) for row in rows} == {
        (town.issue, "issue"),
        (town.comment, "comment"),
    }
    for options, found in (
        (("--store", town.store), 2),
        (("--store", "other"), 0),
        (("--source", "linear"), 2),
        (("--source", "github"), 0),
        (("--kind", "issue"), 1),
        (("--limit", "1"), 1),
    ):
        assert len(ingest("docs", "list", *options, "--json").json) == found, options


def test_a_document_is_found_by_its_key_and_by_a_former_one(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    (found,) = ingest("docs", "find", "SIG-41", "--json").json
    assert (found["id"], found["alias"]) == (town.issue, None)
    with transaction(engine) as conn:
        conn.exec_driver_sql(
            "INSERT INTO lightfast_document_aliases VALUES (%s, 'OLD-7', %s, 'linear')",
            (town.issue, town.store),
        )
    (found,) = ingest("docs", "find", "OLD-7", "--store", town.store, "--json").json
    assert (found["id"], found["source_id"], found["alias"]) == (town.issue, "SIG-41", "OLD-7")
    assert ingest("docs", "show", town.issue, "--json").json["aliases"] == ["OLD-7"]
    assert ingest("docs", "find", "SIG-41", "--source", "github", "--json").json == []
    nothing = ingest("docs", "find", "SIG-99")
    assert (nothing.code, nothing.out) == (0, "")
    assert "No document is or was called SIG-99." in nothing.err


def test_a_document_is_shown_whole(ingest: Ingest, town: Town) -> None:
    shown = ingest("docs", "show", town.issue, "--json").json
    assert shown["source_metadata"]["type"] == "linear"
    assert shown["chunks"] == shown["chunk_count"] > 0
    assert [feed["connection_id"] for feed in shown["feeds"]] == [town.connection]
    assert {"content_hash", "config_hash", "frontmatter", "relationships", "slug"} <= set(shown)
    for reference in shown["references"]:
        assert reference["bound"] is (reference["target_document_id"] is not None)
    told = ingest("docs", "show", town.issue).out
    assert "SIG-41" in told
    assert "content hash" in told


def test_children_read_in_the_order_in_which_they_came_to_be(ingest: Ingest, town: Town) -> None:
    below = ingest("docs", "children", town.issue, "--json").json
    assert [row["id"] for row in below] == [town.comment]
    assert ingest("docs", "children", town.comment, "--json").json == []


def test_an_unknown_document_is_wrong_use(ingest: Ingest) -> None:
    ran = ingest("docs", "show", "nothing")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no document nothing" in ran.err
