"""Blocks as Markdown: each type, nested, and what they point at."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.bounds import MAX_BODY_CHARS
from ingest.core.references import Context, Reference, extract
from ingest.sources.notion.demo.shapes import block, mention, rich
from ingest.sources.notion.markdown import CUT, UNREAD, markdown, references
from ingest.sources.notion.mentions import MENTIONS
from tests.sources.notion.deliveries import COMMENT, OTHER, PAGE

PAGE_URL = f"https://www.notion.so/{PAGE.replace('-', '')}"
S3 = "https://files.s3.amazonaws.com/plan.pdf"
HOSTED: dict[str, Any] = {
    "type": "file",
    "file": {"url": f"{S3}?X-Amz-Expires=3600", "expiry_time": "soon"},
}
WEB: dict[str, Any] = {"type": "external", "external": {"url": "https://x.test/a.png"}}
TEXT = rich("word")


def cells(*words: str) -> list[Any]:
    return [[rich(word)] for word in words]


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (block("paragraph", TEXT), "word"),
        (block("heading_1", TEXT), "# word"),
        (block("heading_2", TEXT), "## word"),
        (block("heading_3", rich("two\nlines")), "### two lines"),
        (block("heading_4", TEXT), "#### word"),
        (block("bulleted_list_item", TEXT), "- word"),
        (block("numbered_list_item", TEXT), "1. word"),
        (block("to_do", TEXT, checked=True), "- [x] word"),
        (block("to_do", TEXT, checked=False), "- [ ] word"),
        (block("toggle", TEXT, children=[block("paragraph", TEXT)]), "- word\n\n  word"),
        (block("quote", rich("a\nb"), children=[block("paragraph", TEXT)]), "> a\n> b\n>\n> word"),
        (block("callout", TEXT, icon={"type": "emoji", "emoji": "💡"}), "💡 word"),
        (block("code", rich("x = 1"), language="python"), "```python\nx = 1\n```"),
        (block("code", rich("x"), language="plain text"), "```\nx\n```"),
        (
            block("code", rich("```\nx\n```"), language="markdown"),
            "````markdown\n```\nx\n```\n````",
        ),
        (block("code", rich("x"), language="c", caption=[TEXT]), "```c\nx\n```\n\nword"),
        (block("equation", expression="e=mc^2"), "$$\ne=mc^2\n$$"),
        (block("divider"), "---"),
        (block("image", caption=[TEXT], **WEB), "![word](https://x.test/a.png)"),
        (block("image", **HOSTED), f"![image]({S3})"),
        (block("pdf", name="plan.pdf", caption=[], **HOSTED), f"[plan.pdf]({S3})"),
        (block("video", caption=[], **WEB), "<https://x.test/a.png>"),
        (block("audio", caption=[TEXT], type="file_upload", file_upload={"id": "x"}), "word"),
        (block("bookmark", url="https://x.test/", caption=[TEXT]), "[word](https://x.test/)"),
        (
            block(
                "embed", url="https://x.test/", caption=[rich("as in 7", href="https://x.test/7")]
            ),
            "[as in 7](https://x.test/)\n\n[as in 7](https://x.test/7)",
        ),
        (block("embed", url="https://x.test/"), "<https://x.test/>"),
        (block("link_preview", url="https://x.test/"), "<https://x.test/>"),
        ({**block("child_page", title="Trains"), "id": PAGE}, f"[Trains]({PAGE_URL})"),
        ({**block("child_database", title=""), "id": PAGE}, f"[Untitled]({PAGE_URL})"),
        (block("link_to_page", type="page_id", page_id=PAGE), f"<{PAGE_URL}>"),
        (block("synced_block", synced_from=None, children=[block("paragraph", TEXT)]), "word"),
        (block("template", TEXT), "word"),
        (block("table_of_contents"), ""),
        (block("breadcrumb"), ""),
        (
            block("meeting_notes", title=[TEXT], children=[block("to_do", TEXT)]),
            "**word**\n\n- [ ] word",
        ),
        (block("unsupported"), "[A block that Notion does not show.]"),
        (block("hologram"), "[A block of type hologram that cannot be shown.]"),
        (block("hologram", TEXT), "word"),
        ({"object": "block"}, "[A block of type unknown that cannot be shown.]"),
        ({"type": 7}, "[A block of type 7 that cannot be shown.]"),
        ({**block("toggle", TEXT), "unread": True}, f"- word\n\n  {UNREAD}"),
    ],
)
def test_a_block_is_shown_as_markdown(one: Any, shown: str) -> None:
    assert markdown([one]) == shown


def test_blocks_stand_apart_and_items_of_a_list_together() -> None:
    blocks: Any = [
        block("paragraph", rich("first")),
        block("numbered_list_item", rich("one")),
        block("numbered_list_item", rich("two")),
        block("paragraph", rich("")),
        block("paragraph", rich("last")),
        block("numbered_list_item", rich("again")),
    ]
    assert markdown(blocks) == "first\n\n1. one\n2. two\n\nlast\n\n1. again"


def test_lists_are_nested_under_their_text() -> None:
    deep = block("to_do", rich("c"), checked=False)
    inner = block("numbered_list_item", rich("b\nb"), children=[deep])
    blocks: Any = [block("bulleted_list_item", rich("a"), children=[inner, inner])]
    assert markdown(blocks) == ("- a\n  1. b\n     b\n     - [ ] c\n  2. b\n     b\n     - [ ] c")


def test_columns_are_read_one_after_another() -> None:
    columns = [block("column", children=[block("paragraph", rich(word))]) for word in "ab"]
    assert markdown([block("column_list", children=columns)]) == "a\n\nb"


def test_a_table_has_a_head_and_keeps_its_pipes() -> None:
    rows = [block("table_row", cells=cells("a|b", "c\nd")), block("table_row", cells=cells("e"))]
    table = block("table", has_column_header=True, children=rows)
    assert markdown([table]) == "| a\\|b | c d |\n| --- | --- |\n| e |  |"
    headless = block("table", has_column_header=False, children=rows[1:])
    assert markdown([headless]) == "|  |\n| --- |\n| e |"


def test_a_block_points_at_the_pages_that_it_stands_for() -> None:
    blocks: Any = [
        {**block("child_page", title="x"), "id": PAGE},
        block("link_to_page", type="database_id", database_id=OTHER),
        block("link_to_page", type="comment_id", comment_id=COMMENT),
        {**block("synced_block", synced_from={"block_id": "x"}), "synced_page": OTHER},
        block("toggle", TEXT, children=[block("paragraph", mention(PAGE, "x"))]),
        block("table", children=[block("table_row", cells=[[mention(OTHER, "x")]])]),
    ]
    assert list(references(blocks)) == [
        Reference("mention", "notion", key, "field", evidence)
        for key, evidence in [
            (PAGE, "child page"),
            (OTHER, "link to page"),
            (COMMENT, "link to page"),
            (OTHER, "synced block"),
            (PAGE, "page mention"),
            (OTHER, "page mention"),
        ]
    ]


def test_a_mention_deep_in_a_list_is_no_code() -> None:
    deep = block("paragraph", mention(PAGE, "Timetable"))
    for _ in range(6):
        deep = block("bulleted_list_item", TEXT, children=[deep])
    found = extract(markdown([deep]), Context("notion"), (MENTIONS,))
    assert [reference.key for reference in found] == [PAGE]


def test_blocks_in_blocks_without_end_are_cut() -> None:
    deep = block("quote", TEXT)
    for _ in range(200):
        deep = block("quote", TEXT, children=[deep])
    assert "too long" in markdown([deep])
    assert list(references([deep])) == []


def test_lines_deep_in_lists_are_as_many_as_a_document_holds() -> None:
    """Bug: each level shifts each line to the right, so that 32 MB of them were gigabytes."""
    deep = block("paragraph", rich("a\n" * MAX_BODY_CHARS))
    for _ in range(30):
        deep = block("numbered_list_item", TEXT, children=[deep])
        deep["numbered_list_item"]["list_start_index"] = 10**9 - 1
    assert len(markdown([deep])) < 5 * MAX_BODY_CHARS
    many = markdown([block("paragraph", rich("a" * MAX_BODY_CHARS))] * 40)
    assert CUT in many
    assert len(many) < 5 * MAX_BODY_CHARS


def test_a_table_is_no_wider_than_any_may_be() -> None:
    """Bug: one row of half a million cells made every other as wide."""
    wide = block("table_row", cells=[[]] * 50_000)
    rows = [block("table_row", cells=cells("a")) for _ in range(1_000)]
    assert len(markdown([block("table", children=[wide, *rows])])) < MAX_BODY_CHARS
