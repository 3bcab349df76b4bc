"""`ingest docs related` and `ingest graph path`: how documents hang together, in which words."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa

from ingest.flows.graph import MOST_EDGES
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, Town

pytestmark = pytest.mark.integration

DOCUMENT = """
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, slug, content_hash)
VALUES (%s, %s, 'github', %s, '{"type": "github", "kind": "issue"}', %s, '')
"""
REFERENCE = """
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id)
VALUES (%s, %s, 'github', %s, 'text', %s, %s, %s)
"""


def _tied(engine: sa.Engine, town: Town) -> None:
    """The comment mentions `a`; `b` resolves `a`; and nothing is said of `far`."""
    with transaction(engine) as conn:
        for name in ("a", "b", "far"):
            given = (name, town.store, f'acme/web#"{name}"<', name)
            conn.exec_driver_sql(DOCUMENT, given)
        for near, kind, words in ((town.comment, "mention", "see it"), ("b", "resolves", "fixes")):
            conn.exec_driver_sql(REFERENCE, (near, kind, "x", words, town.store, "a"))


def test_a_way_leads_over_whatever_ties_two_documents(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    _tied(engine, town)
    found = ingest("graph", "path", town.issue, "b", "--json").json
    assert [(e["document"], e["kind"], e["target"]) for e in found["edges"]] == [
        (town.comment, "parent", town.issue),
        (town.comment, "mention", "a"),
        ("b", "resolves", "a"),
    ]
    assert [(d["id"], d["hops"]) for d in found["documents"]] == [
        (town.issue, 0),
        (town.comment, 1),
        ("a", 2),
        ("b", 3),
    ]
    told = ingest("graph", "path", town.issue, "b").out
    assert "see it" in told
    assert "linear issue SIG-41" in told


def test_where_no_way_is_the_exit_says_so(ingest: Ingest, town: Town, engine: sa.Engine) -> None:
    _tied(engine, town)
    for words, said in (
        (("far",), "nothing ties them together within 8 steps"),
        (("b", "--hops", "2"), "within 2 steps; raise --hops"),
    ):
        none = ingest("graph", "path", town.issue, *words)
        assert (none.code, none.out) == (1, "")
        assert said in none.err
    assert ingest("graph", "path", town.issue, "nobody").code == 1
    other = ingest("store", "create", "other", "--json").json["id"]
    with transaction(engine) as conn:
        conn.exec_driver_sql(DOCUMENT, ("theirs", other, "x", "theirs"))
    assert "no relationship leaves a store" in ingest("graph", "path", "a", "theirs").err


def test_what_is_related_is_found_as_far_as_is_asked(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    _tied(engine, town)

    def found(*options: str) -> set[str]:
        rows = ingest("docs", "related", "a", *options, "--json").json["documents"]
        return {row["id"] for row in rows} - {"a"}

    assert found() == found("--in") == {town.comment, "b"}
    assert found("--out") == set()
    assert found("--kind", "resolves") == {"b"}
    assert found("--hops", "2") == {town.comment, "b", town.issue}
    assert found("--hops", "2", "--kind", "mention", "--kind", "resolves") == {town.comment, "b"}
    assert ingest("docs", "related", "nobody").code == 1
    assert ingest("docs", "related", "a", "--dot", "--svg").code == 2


def test_it_is_drawn_as_a_tree_as_dot_and_as_a_picture(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    _tied(engine, town)
    lines = ingest("docs", "related", "a", "--hops", "2", "--tree").out.splitlines()
    assert lines[0] == 'github issue acme/web#"a"<'
    assert '← resolves github issue acme/web#"b"<' in "\n".join(lines)
    assert any(line.startswith(("│  └─ parent →", "   └─ parent →")) for line in lines)
    dot = ingest("docs", "related", "a", "--dot").out
    assert '"b" -> "a" [label="resolves"];' in dot
    assert r'"github issue acme/web#\"a\"<"' in dot
    picture = ET.fromstring(ingest("docs", "related", "a", "--hops", "2", "--svg").out)  # noqa: S314 - our own
    groups = picture.findall("{http://www.w3.org/2000/svg}g")
    assert len(groups) == 4 + 3  # documents and edges
    assert "see it" in {group[0].text for group in groups}


def test_a_hub_costs_no_more_than_others(ingest: Ingest, town: Town, engine: sa.Engine) -> None:
    _tied(engine, town)
    with transaction(engine) as conn:
        for at in range(MOST_EDGES + 5):
            conn.exec_driver_sql(DOCUMENT, (f"n{at}", town.store, f"n{at}", f"n{at}"))
            conn.exec_driver_sql(REFERENCE, (f"n{at}", "mention", "y", "", town.store, "far"))
    ran = ingest("docs", "related", "far", "--json")
    assert ran.json["cut"]
    assert len(ran.json["edges"]) == MOST_EDGES
    assert "There is more within reach" in ran.err
