"""Comments: what is written, what comes with it, and who is shown as its author."""

from __future__ import annotations

import pytest

from ingest.core.changes import Upsert
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import in_page, rich
from ingest.sources.notion.documents import documents
from tests.sources.notion.deliveries import AT, COMMENT, NOW, PAGE, identity

_FILES = "https://prod-files-secure.s3.us-west-2.amazonaws.com/halcyon"


def _document(**fields: JSON) -> Upsert:
    notion = Notion()
    notion.put_comment(COMMENT, in_page(PAGE), rich("Look:"), at=AT)
    raw: JSON = {"comment": {**notion.comments[COMMENT], **fields}, "parent": None}
    (change,) = documents(Lookup(identity("comment", COMMENT), raw=raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    return change


def test_files_that_come_with_a_comment_are_linked_without_what_expires() -> None:
    file: JSON = {"url": f"{_FILES}/lift.png?X-Amz-Date=1", "expiry_time": AT}
    image: JSON = {"category": "image", "file": file}
    unnamed: JSON = {"file": {"url": f"{_FILES}/plan.pdf?X-Amz-Date=1"}}
    shown = f"[image]({_FILES}/lift.png)\n\n<{_FILES}/plan.pdf>"
    found = _document(attachments=[image, unnamed, {"category": "video", "file": None}, 7])
    assert found.body == f"Look:\n\n{shown}"
    assert _document(attachments=[image, unnamed], rich_text=[]).body == shown
    again: JSON = {"category": "image", "file": {"url": f"{_FILES}/lift.png?X-Amz-Date=2"}}
    assert _document(attachments=[again, unnamed]) == found


@pytest.mark.parametrize(
    ("display_name", "author"),
    [
        ({"type": "custom", "resolved_name": "Halcyon's bot"}, "Halcyon's bot"),
        ({"type": "user", "resolved_name": None}, None),
        (None, None),
        ("Inês", None),
    ],
)
def test_an_author_is_named_as_notion_shows_the_name(
    display_name: JSON, author: str | None
) -> None:
    assert _document(display_name=display_name).metadata.get("authorName") == author


def test_a_comment_without_anything_is_still_a_comment() -> None:
    empty = _document(rich_text=None, created_by=None, discussion_id=None, parent=None)
    assert (empty.title, empty.body, empty.parent) == ("Comment", "", None)
