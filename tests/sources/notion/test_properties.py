"""Properties as plain values, and the relationships and URLs in them."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.values import JSON
from ingest.sources.notion.demo.shapes import mention, rich
from ingest.sources.notion.properties import links, references, title, value, values
from tests.sources.notion.deliveries import OTHER, PAGE, page, page_document, uid

DATE = {"start": "2026-03-02", "end": None, "time_zone": None}
SIGNED = "https://files.s3.amazonaws.com/plan.pdf?X-Amz-Expires=3600"


def named(type_: str, told: Any) -> dict[str, Any]:
    return {"id": "x", "type": type_, type_: told}


@pytest.mark.parametrize(
    ("type_", "told", "plain"),
    [
        ("title", [rich("a"), rich("b", bold=True)], "ab"),
        ("rich_text", [], None),
        ("number", 2.5, 2.5),
        ("number", None, None),
        ("number", True, None),
        ("number", 10**400, None),
        ("select", {"name": "High", "color": "red"}, "High"),
        ("select", None, None),
        ("status", {"name": "Done"}, "Done"),
        ("multi_select", [{"name": "a"}, {"name": "b"}], ["a", "b"]),
        ("date", DATE, {"start": "2026-03-02"}),
        ("people", [{"id": "1", "name": "Marit"}, {"id": "2"}], ["Marit", "2"]),
        ("files", [{"name": "plan.pdf", "type": "file", "file": {"url": SIGNED}}], ["plan.pdf"]),
        ("files", [{"type": "file", "file": {"url": SIGNED}}], [SIGNED.partition("?")[0]]),
        ("checkbox", False, False),
        ("url", "https://x.test/", "https://x.test/"),
        ("email", "a@x.test", "a@x.test"),
        ("phone_number", "+1 2", "+1 2"),
        ("formula", {"type": "string", "string": "x"}, "x"),
        ("formula", {"type": "boolean", "boolean": False}, False),
        ("formula", {"type": "date", "date": DATE}, {"start": "2026-03-02"}),
        ("relation", [{"id": PAGE.replace("-", "")}], [PAGE]),
        ("rollup", {"type": "number", "number": 3, "function": "count"}, 3),
        ("rollup", {"type": "array", "array": [named("title", [rich("a")]), 7]}, ["a"]),
        ("rollup", {"type": "incomplete", "incomplete": {}}, None),
        ("created_time", "2026-03-02T08:00:00.000Z", "2026-03-02T08:00:00.000Z"),
        ("created_by", {"object": "user", "id": "1"}, "1"),
        ("last_edited_by", {"id": "1", "name": "Marit"}, "Marit"),
        ("unique_id", {"prefix": "HR", "number": 12}, "HR-12"),
        ("unique_id", {"prefix": None, "number": 12}, "12"),
        ("verification", {"state": "verified", "date": None}, "verified"),
        ("place", {"name": "Pier 3", "lat": 1.0, "lon": 2.0}, "Pier 3"),
        ("button", {}, None),
        ("hologram", {"x": 1}, None),
    ],
)
def test_a_property_is_reduced_to_a_plain_value(type_: str, told: Any, plain: Any) -> None:
    assert value(named(type_, told)) == plain


def test_what_has_no_value_is_left_out() -> None:
    told: Any = {"b": named("number", 1), "a": named("number", None), "c": 7, "": named("url", "x")}
    assert values(told) == {"b": 1}


def test_the_title_is_found_by_its_type() -> None:
    assert title({"Line": named("rich_text", [rich("x")]), "Who": named("title", [rich("y")])}) == (
        "y"
    )
    assert title({"Who": named("title", [rich("  ")])}) == "Untitled"


def test_a_relation_is_named_by_its_property() -> None:
    names = ("Blocked by", "Depends on", "Blocking", "Parent item", "Trains")
    related = {name: named("relation", [{"id": uid(name)}]) for name in names}
    assert [(r.kind, r.key, r.evidence) for r in references(related)] == [
        ("blockedBy", uid("Blocked by"), "Blocked by"),
        ("dependsOn", uid("Depends on"), "Depends on"),
        ("relatedTo", uid("Parent item"), "Parent item"),
        ("relatedTo", uid("Trains"), "Trains"),
    ]


def test_texts_in_properties_mention_and_link() -> None:
    told: Any = {
        "Notes": named("rich_text", [mention(OTHER, "x"), rich("y", href="https://x.test/1")]),
        "Site": named("url", "https://x.test/2"),
    }
    assert [(r.kind, r.key) for r in references(told)] == [("mention", OTHER)]
    assert {"https://x.test/1", "https://x.test/2"} <= set(links(told))


def test_a_document_is_the_same_when_only_a_signature_of_a_file_changed() -> None:
    def signed(signature: str) -> Any:
        file = {"name": "", "type": "file", "file": {"url": f"{SIGNED}&Signature={signature}"}}
        parent: JSON = {"type": "database_id", "database_id": OTHER}
        return page(properties={"Plan": named("files", [file])}, parent=parent)

    assert page_document(signed("a")) == page_document(signed("b"))
