"""Notion's blocks as Markdown, and the pages that they point at.

A block is Notion's own JSON, with the blocks inside it as `children`. Law: a pure function of the
blocks; each type stands in one table, and one that nobody knows leaves a marker. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from ingest.core.bounds import MAX_BODY_CHARS
from ingest.core.references import Reference
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.notion import rich_text
from ingest.sources.notion.ids import dashed, page_url
from ingest.sources.wire import at, mapping, objects, text

CUT = "[The rest of this page is too long to be read.]"
UNREAD = "[Notion does not show what is in this block.]"

_LISTS = frozenset({"bulleted_list_item", "numbered_list_item", "to_do", "toggle"})
_BACKTICKS = re.compile(r"^[ \t]*(`{3,})", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z0-9+#._-]+")
_MOST_LEVELS = 60
_MOST_CHARS = 2 * MAX_BODY_CHARS
"""More than a document holds, so that what is cut of it is told where all texts are cut."""
_MOST_COLUMNS = 100
"""…/reference/request-limits: no list is longer. Each row is made as wide as the widest."""

Render = Callable[[Payload], str]


def markdown(blocks: JSON) -> str:
    """The blocks one after another, list items close together."""
    return _blocks(list(objects(blocks)), 0)


def references(blocks: JSON) -> Iterator[Reference]:
    """The pages that blocks mention, link to or stand for, in their order."""
    for block in _all(blocks):
        type_ = str(block.get("type"))
        content = mapping(block, type_)
        if type_ in ("child_page", "child_database"):
            yield from _reference(block.get("id"), type_)
        elif type_ == "link_to_page":
            yield from _reference(content.get(str(content.get("type"))), type_)
        elif type_ == "synced_block":
            yield from _reference(block.get("synced_page"), type_)
        texts = [content.get(name) for name in ("rich_text", "caption", "title")]
        cells = content.get("cells")
        for items in (*texts, *(cells if isinstance(cells, list) else ())):
            for id_, evidence in rich_text.mentioned(items):
                yield Reference("mention", "notion", id_, "field", evidence)


def _reference(told: JSON, evidence: str) -> Iterator[Reference]:
    id_ = dashed(told)
    if id_ is not None:
        yield Reference("mention", "notion", id_, "field", evidence.replace("_", " "))


def _all(blocks: JSON, level: int = 0) -> Iterator[Payload]:
    for block in objects(blocks):
        yield block
        if level < _MOST_LEVELS:
            yield from _all(block.get("children"), level + 1)


def _blocks(blocks: Sequence[Payload], level: int) -> str:
    """As far as a document can hold it: each level shifts every line to the right, so that a few
    megabytes of short lines, thirty levels down, would be gigabytes.
    """
    parts: list[str] = []
    number, before, size = 0, "", 0
    for block in blocks:
        if size > _MOST_CHARS:
            parts.append(f"\n\n{CUT}")
            break
        type_ = str(block.get("type"))
        number = _number(block, number) if type_ == "numbered_list_item" else 0
        shown = _block(block, type_, number, level)[:_MOST_CHARS]
        size += len(shown)
        if not shown:
            continue
        if parts:
            parts.append("\n" if type_ in _LISTS and before in _LISTS else "\n\n")
        parts.append(shown)
        before = type_
    return "".join(parts)


def _number(block: Payload, before: int) -> int:
    start = at(block, "numbered_list_item", "list_start_index")
    first = start if type(start) is int and 0 < start < 10**9 else 1
    return before + 1 if before else first


def _block(block: Payload, type_: str, number: int, level: int) -> str:
    if type_ == "table":
        return _table(block)
    own = _own(block, type_)[:_MOST_CHARS]
    inside = _inside(block, level)
    if type_ in _LISTS:
        mark = f"{number}. " if type_ == "numbered_list_item" else "- "
        box = _box(block) if type_ == "to_do" else ""
        first = f"{mark}{box}{_indented(own, len(mark))}".rstrip()
        nested = " " * len(mark) + _indented(inside, len(mark)) if inside else ""
        apart = "\n" if _starts_with_list(block) else "\n\n"
        return first + apart + nested if nested else first
    whole = "\n\n".join(part for part in (own, inside) if part)
    return _quoted(whole) if type_ == "quote" else whole


def _own(block: Payload, type_: str) -> str:
    render = _RENDERED.get(type_)
    return render(block) if render else _unknown(block, type_)


def _inside(block: Payload, level: int) -> str:
    """What is nested in a block; what could not be read is said to be missing."""
    if level >= _MOST_LEVELS:
        return CUT
    shown = _blocks(list(objects(block, "children")), level + 1)
    marker = UNREAD if block.get("unread") is True else ""
    return "\n\n".join(part for part in (shown, marker) if part)


def _starts_with_list(block: Payload) -> bool:
    first = next(objects(block, "children"), {})
    return str(first.get("type")) in _LISTS


def _indented(shown: str, width: int) -> str:
    """The lines after the first one stand below its text."""
    lines = shown.split("\n")
    return "\n".join([lines[0], *(" " * width + line if line else "" for line in lines[1:])])


def _quoted(shown: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in shown.split("\n")) if shown else ""


def _content(block: Payload) -> Payload:
    return mapping(block, str(block.get("type")))


def _text(block: Payload) -> str:
    return rich_text.markdown(_content(block).get("rich_text")).strip()


def _heading(marks: str) -> Render:
    def render(block: Payload) -> str:
        line = " ".join(_text(block).split("\n"))
        return f"{marks} {line}" if line else ""

    return render


def _box(block: Payload) -> str:
    return "[x] " if _content(block).get("checked") is True else "[ ] "


def _callout(block: Payload) -> str:
    """No quotation: it is the page's own word, set apart."""
    icon = text(at(_content(block), "icon", "emoji"))
    return " ".join(part for part in (icon, _text(block)) if part)


def _code(block: Payload) -> str:
    """A fence longer than any that the code itself holds."""
    content = _content(block)
    code = rich_text.plain(content.get("rich_text"))
    longest = max((len(ticks) for ticks in _BACKTICKS.findall(code)), default=2)
    fence = "`" * (longest + 1)
    language = text(content, "language") or ""
    name = language if _WORD.fullmatch(language) else ""
    shown = f"{fence}{name}\n{code}\n{fence}"
    caption = rich_text.markdown(content.get("caption")).strip()
    return f"{shown}\n\n{caption}" if caption else shown


def _equation(block: Payload) -> str:
    expression = text(_content(block).get("expression"))
    return f"$$\n{expression}\n$$" if expression else ""


def _table(block: Payload) -> str:
    """GitHub Flavored Markdown, 4.10: the first row is a head, if only an empty one."""
    children = objects(block, "children")
    rows = [_cells(row) for row in children if row.get("type") == "table_row"]
    if not rows:
        return UNREAD if block.get("unread") is True else ""
    width = max(len(row) for row in rows)
    if at(block, "table", "has_column_header") is not True:
        rows.insert(0, [])
    rows = [row + [""] * (width - len(row)) for row in rows]
    lines = [rows[0], ["---"] * width, *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Payload) -> list[str]:
    told = at(row, "table_row", "cells")
    shown = (rich_text.markdown(cell) for cell in (told if isinstance(told, list) else ()))
    return [" ".join(cell.split()).replace("|", "\\|") for cell in islice(shown, _MOST_COLUMNS)]


def _media(block: Payload) -> str:
    content = _content(block)
    kept = rich_text.safe_url(at(content, "external", "url"))
    url = kept or rich_text.safe_url(at(content, "file", "url"), expires=True)
    caption = rich_text.markdown(content.get("caption")).strip()
    label = rich_text.plain(content.get("caption")) or text(content, "name") or ""
    if url is None:
        return caption or label
    if block.get("type") != "image":
        return _captioned(block, label, url)
    return "!" + _captioned(block, label or "image", url)


def _bookmark(block: Payload) -> str:
    content = _content(block)
    url = rich_text.safe_url(content.get("url"))
    label = rich_text.plain(content.get("caption"))
    return _captioned(block, label, url) if url else label


def _captioned(block: Payload, label: str, url: str) -> str:
    """The link; a caption that links to something itself stands below it once more."""
    shown, caption = rich_text.link(label, url), _content(block).get("caption")
    if not any(rich_text.linked(caption)):
        return shown
    return f"{shown}\n\n{rich_text.markdown(caption).strip()}"


def _child(block: Payload) -> str:
    id_ = dashed(block.get("id"))
    title = text(_content(block).get("title")) or "Untitled"
    return rich_text.link(title, page_url(id_)) if id_ else title


def _link_to_page(block: Payload) -> str:
    content = _content(block)
    kind = str(content.get("type"))
    id_ = dashed(content.get(kind))
    return rich_text.link("", page_url(id_)) if id_ and kind != "comment_id" else ""


def _meeting(block: Payload) -> str:
    title = rich_text.markdown(_content(block).get("title")).strip()
    return f"**{title}**" if title else ""


def _unknown(block: Payload, type_: str) -> str:
    """The text of a type that is newer than this table, or a marker."""
    shown = _text(block) or rich_text.markdown(_content(block).get("title")).strip()
    name = type_ if block.get("type") and _WORD.fullmatch(type_) else "unknown"
    return shown or f"[A block of type {name} that cannot be shown.]"


def _unsupported(_block: Payload) -> str:
    return "[A block that Notion does not show.]"


def _nothing(_block: Payload) -> str:
    return ""


# `BlockObjectResponse` of @notionhq/client. Columns and synced blocks are only what is in them, and
# what a table of contents or a breadcrumb shows is said elsewhere.
_RENDERED: Mapping[str, Render] = {
    "paragraph": _text,
    "heading_1": _heading("#"),
    "heading_2": _heading("##"),
    "heading_3": _heading("###"),
    "heading_4": _heading("####"),
    "bulleted_list_item": _text,
    "numbered_list_item": _text,
    "to_do": _text,
    "toggle": _text,
    "template": _text,
    "quote": _text,
    "callout": _callout,
    "code": _code,
    "equation": _equation,
    "divider": lambda _block: "---",
    "table_row": lambda block: " | ".join(_cells(block)),
    "column_list": _nothing,
    "column": _nothing,
    "synced_block": _nothing,
    "table_of_contents": _nothing,
    "breadcrumb": _nothing,
    "image": _media,
    "video": _media,
    "audio": _media,
    "file": _media,
    "pdf": _media,
    "bookmark": _bookmark,
    "embed": _bookmark,
    "link_preview": _bookmark,
    "child_page": _child,
    "child_database": _child,
    "link_to_page": _link_to_page,
    "tab": _meeting,
    "meeting_notes": _meeting,
    "transcription": _meeting,
    "unsupported": _unsupported,
}
