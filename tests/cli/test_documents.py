"""`ingest docs`: what came out, found by any key it ever had."""

from __future__ import annotations

from io import StringIO

import pytest
import sqlalchemy as sa
from rich.console import Console

from ingest.cli.output import table
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


def test_a_document_is_shown_with_its_text_last(ingest: Ingest, town: Town) -> None:
    shown = ingest("docs", "show", town.issue, "--json").json
    assert shown["is_whole"] is True
    assert shown["title"]
    assert shown["body"]
    told = ingest("docs", "show", town.issue).out
    assert told.endswith(f"\n\n{shown['title']}\n\n{shown['body']}\n")


def test_lists_have_titles_and_fit_a_terminal(ingest: Ingest, town: Town) -> None:
    title = ingest("docs", "show", town.issue, "--json").json["title"]
    rows = {row["id"]: row for row in ingest("docs", "list", "--json").json}
    assert rows[town.issue]["title"] == title
    (found,) = ingest("docs", "find", "SIG-41", "--json").json
    assert found["title"] == title
    (below,) = ingest("docs", "children", town.issue, "--json").json
    assert below["title"] == rows[town.comment]["title"]
    assert title in ingest("docs", "list").out
    made = table([rows[town.issue]], ("id", "source_type", "kind", "source_id", "title"))
    assert Console(width=80).measure(made).minimum <= 80


def test_children_read_in_the_order_in_which_they_came_to_be(ingest: Ingest, town: Town) -> None:
    below = ingest("docs", "children", town.issue, "--json").json
    assert [row["id"] for row in below] == [town.comment]
    assert ingest("docs", "children", town.comment, "--json").json == []


def test_an_unknown_document_is_a_line_and_exit_1(ingest: Ingest) -> None:
    ran = ingest("docs", "show", "nothing")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no document nothing" in ran.err


def test_a_list_goes_on_behind_its_page(ingest: Ingest, town: Town) -> None:
    """In JSON the last row says where; people are told on stderr."""
    found: list[str] = []
    after: tuple[str, ...] = ()
    for _ in range(3):
        (row,) = ingest("docs", "list", "--limit", "1", *after, "--json").json
        found.append(row["id"])
        if row["after"] is None:
            break
        after = ("--after", row["after"])
    assert found == [row["id"] for row in ingest("docs", "list", "--json").json]
    assert len(found) == 2
    told = ingest("docs", "list", "--limit", "1")
    assert f"go on with {after[0]} {after[1]}" in told.err
    wrong = ingest("docs", "children", town.issue, *after)
    assert (wrong.code, wrong.out) == (2, "")
    assert "the position is not one of this question" in wrong.err


def test_documents_are_listed_by_state_and_time(ingest: Ingest, town: Town) -> None:
    state = ingest("docs", "show", town.issue, "--json").json["source_metadata"]["state"]
    for options, found in (
        (("--source", "linear", "--state", state), 1),
        (("--source", "linear", "--state", "never"), 0),
        (("--since", "2000-01-01"), 2),
        (("--until", "2000-01-01T00:00+02:00"), 0),
        (("--since", "1h", "--updated"), 2),
        (("--until", "1h", "--updated"), 0),
        (("--kind", "comment", "--source", "linear", "--since", "2000-01-01"), 1),
        (("--kind", "never"), 0),
    ):
        assert len(ingest("docs", "list", *options, "--json").json) == found, options
    for options, said in (
        (("--state", "todo"), "say which source, too"),
        (("--since", "yesterday"), "is no time; write 2026-05-04"),
        (("--after", "nowhere"), "the position is not one of this question"),
    ):
        wrong = ingest("docs", "list", *options)
        assert (wrong.code, wrong.out) == (2, ""), options
        assert said in wrong.err


def test_relationships_are_listed_from_both_ends(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        conn.exec_driver_sql(
            "INSERT INTO lightfast_document_references (document_id, kind, target_source,"
            " target_key, origin, evidence, store_id, target_document_id)"
            " VALUES (%s, 'mention', 'linear', 'SIG-41', 'text', 'see SIG-41', %s, %s)",
            (town.comment, town.store, town.issue),
        )
    rows = ingest("docs", "references", town.issue, "--direction", "in", "--json").json
    (row,) = [row for row in rows if row["evidence"] == "see SIG-41"]
    assert (row["id"], row["target_key"], row["after"]) == (town.comment, "SIG-41", None)
    rows = ingest("docs", "references", town.comment, "--json").json
    (row,) = [row for row in rows if row["evidence"] == "see SIG-41"]
    assert (row["id"], row["source_id"]) == (town.issue, "SIG-41")
    assert "see SIG-41" in ingest("docs", "references", town.comment).out
    unknown = ingest("docs", "references", "nothing")
    assert (unknown.code, unknown.out) == (1, "")
    assert "there is no document nothing" in unknown.err


def test_an_id_is_in_one_piece_however_narrow_the_terminal_is() -> None:
    id_ = "6a67d658-06d1-501c-b512-1e91c3a4f7ff"
    rows = [{"store_id": "s" * 40, "id": id_, "source_id": "k" * 90}]
    told = Console(file=StringIO(), width=60)
    told.print(table(rows, ("id", "store_id", "source_id")))
    assert isinstance(told.file, StringIO)
    assert id_ in told.file.getvalue()
