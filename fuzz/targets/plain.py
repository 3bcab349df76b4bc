"""What is said of texts and bytes alone: parsing, extraction, chunking, Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import orjson

from fuzz import texts, trees
from fuzz.target import Target, Value, hold, written
from fuzz.targets import storing
from ingest.core.canonical import clean, clean_json
from ingest.core.chunks import ChunkConfig, join, split
from ingest.core.errors import BadPayload
from ingest.core.frontmatter import parse_frontmatter
from ingest.core.prose import prose
from ingest.core.references import Context, extract
from ingest.core.values import MAX_DEPTH, loads
from ingest.flows.receiving.payload import read_payload
from ingest.sources.notion import markdown as notion
from ingest.sources.registry import all_sources, syntaxes
from ingest.sources.zendesk import markdown as zendesk

HOMES: Mapping[str, str | None] = {"github": "acme/web", "linear": None, "zendesk": None}
_JSON_PIECES = (
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    "\\u",
    "1e999",
    "-0",
    "1" * 400,
    "0.1e-400",
    "NaN",
    "Infinity",
    "null",
    "true",
    "\xef\xbb\xbf",
    "\xff",
    "\x00",
    "\x1f",
    "payload=",
    "%22",
    "&",
    "+",
    '{"a":',
)


def extraction() -> Target:
    """References out of any text, at any source."""
    seeds = [
        {"text": one, "source": name, "home": home}
        for name, home in HOMES.items()
        for one in (*texts.MENTIONS, "Fixes #1, #2 and acme/web#3; see `#4` and ENG-12")
    ]
    return Target("extraction", seeds, _text_bent, _extract)


def _text_bent(rng: Random, value: Value, others: Sequence[Value]) -> Value:
    drawn = rng.random()
    if drawn < 0.3:
        return {**value, "text": texts.text(rng)}
    if drawn < 0.4:
        return {**value, "text": value["text"] + rng.choice(others)["text"]}
    return {**value, "text": texts.bent(rng, value["text"])}


def _extract(value: Value) -> None:
    text = clean(value["text"])
    home = value["home"]
    context = Context(value["source"], home, scope=home and "101")
    found = extract(text, context, syntaxes())
    storing.referred(found)
    kinds = [(one.kind, one.source, one.key) for one in found]
    hold(kinds == sorted(kinds), "references are not sorted")
    hold(extract(text, context, syntaxes()[::-1]) is not None, "no order of sources")


def chunking() -> Target:
    """Chunks of any text, in any size."""
    sizes = ((4, 0), (4, 3), (5, 1), (16, 8), (64, 16), (512, 50), (512, 511))
    seeds = [{"text": f"# A title\n\n{'word ' * 40}", "size": s, "overlap": o} for s, o in sizes]
    return Target("chunking", seeds, _text_bent, _chunk)


def _chunk(value: Value) -> None:
    text = clean(value["text"])
    config = ChunkConfig(value["size"], value["overlap"])
    every = split(text, config)
    storing.chunked(text, every, config.max_tokens, is_whole=True)
    some = split(text, config, most=2)
    hold(some == every[:2], "the first chunks are others where no more are wanted")
    hold(text.startswith(join(some)), "the first chunks are not the beginning")


def markup() -> Target:
    """HTML to Markdown, Markdown to prose, and front matter."""
    seeds = [
        {"text": one}
        for one in (
            '<h1>A</h1><p>b <a href="/hc/x">c</a></p><ul><li>d<ol><li>e</li></ol></li></ul>',
            "<table><tr><th>a</th></tr><tr><td colspan=2>b<pre>c\n d</pre></td></tr></table>",
            "---\na: [b, {c: 1}]\nd: 2026-03-02\n---\n# Title\n\n> quoted `code`\n",
            "```py\n#1\n```\n\n[a]: https://a.example\n[x][a] <!-- #2 -->",
        )
    ]
    return Target("markup", seeds, _text_bent, _read_markup)


def _read_markup(value: Value) -> None:
    text = clean(value["text"])
    storing.writable(zendesk.markdown(text, "https://acme.zendesk.com"), "Markdown")
    storing.writable(zendesk.links(text, "https://acme.zendesk.com"), "links")
    hold(len(prose(text)) == len(text), "prose has another length than its text")
    storing.writable(parse_frontmatter(text)[0], "front matter")


def blocks() -> Target:
    """Notion's blocks and rich texts."""
    rich = [
        {
            "type": "text",
            "text": {"content": "see ", "link": {"url": "https://a.example"}},
            "plain_text": "see ",
            "href": "https://a.example",
            "annotations": {"bold": True, "code": False, "strikethrough": True},
        },
        {
            "type": "mention",
            "mention": {"type": "page", "page": {"id": "0123456789abcdef0123456789abcdef"}},
            "plain_text": "A page",
        },
        {"type": "equation", "equation": {"expression": "x^2"}, "plain_text": "x^2"},
    ]
    plain = (
        "paragraph",
        "heading_1",
        "quote",
        "bulleted_list_item",
        "numbered_list_item",
        "toggle",
    )
    tree = [
        *(
            {"type": one, "id": "a", one: {"rich_text": rich}, "has_children": False}
            for one in plain
        ),
        {"type": "to_do", "to_do": {"rich_text": rich, "checked": True}},
        {"type": "code", "code": {"rich_text": rich, "language": "python", "caption": rich}},
        {"type": "callout", "callout": {"rich_text": rich, "icon": {"emoji": "x"}}},
        {
            "type": "table",
            "table": {"has_column_header": True, "table_width": 2},
            "children": [{"type": "table_row", "table_row": {"cells": [rich, rich]}}],
        },
        {
            "type": "child_page",
            "id": "0123456789abcdef0123456789abcdef",
            "child_page": {"title": "t"},
        },
        {"type": "link_to_page", "link_to_page": {"type": "page_id", "page_id": "0123"}},
        {"type": "synced_block", "synced_block": {}, "children": [{"type": "divider"}]},
        {"type": "image", "image": {"type": "external", "external": {"url": "https://a.example"}}},
        {"type": "bookmark", "bookmark": {"url": "https://a.example", "caption": rich}},
    ]
    return Target("blocks", [{"blocks": tree}], _tree_bent, _read_blocks)


def _tree_bent(rng: Random, value: Value, others: Sequence[Value]) -> Value:
    return {"blocks": trees.bent(rng, value["blocks"], [rng.choice(others)["blocks"]])}


def _read_blocks(value: Value) -> None:
    """As `loads` gives them."""
    told: Any = _read(value)
    if told is None:
        return
    storing.writable(notion.markdown(told["blocks"]), "Markdown")
    storing.referred(list(notion.references(told["blocks"])))


def _read(value: Value) -> Any:
    try:
        return loads(written(value).encode())
    except BadPayload:
        return None


def parsing() -> Target:
    """Bytes, as latin-1 writes them, that are JSON or nearly."""
    seeds = [
        {"raw": one, "type": kind}
        for one in (
            '{"a": [1, 2.5, -3e7, true, false, null, "text", {"b": "\\u00e9\\n"}], "c": {}}',
            "payload=%7B%22a%22%3A+1%7D",
            '{"a": "\\ud800", "b": "\\u0000", "c": 123456789012345678901234567890}',
            f"{'[' * MAX_DEPTH}{']' * MAX_DEPTH}",
        )
        for kind in ("application/json", "application/x-www-form-urlencoded", "", "a/b+json; x=y")
    ]
    return Target("parsing", seeds, _raw_bent, _parse)


def _raw_bent(rng: Random, value: Value, _others: Sequence[Value]) -> Value:
    raw: str = value["raw"]
    at = rng.randint(0, len(raw))
    to = min(len(raw), at + rng.choice((0, 0, 1, 2, 8, 1_000)))
    drawn = rng.random()
    put = rng.choice(_JSON_PIECES)
    if drawn < 0.2:
        put *= rng.choice((2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 2_000, 60_000))
    elif drawn < 0.3:
        put = chr(rng.randint(0, 255))
    elif drawn < 0.4:
        put = raw[at:to] * 2
    elif drawn < 0.5:
        put = texts.text(rng).encode("utf-8", "replace").decode("latin-1")
    return {**value, "raw": raw[:at] + put + raw[to:]}


def _parse(value: Value) -> None:
    raw = value["raw"].encode("latin-1", "replace")
    for raw_controls in (False, True):
        try:
            found = loads(raw, raw_controls=raw_controls)
        except BadPayload:
            continue
        storing.writable(found, "what was read")
        hold(clean_json(found) is found, "what was read is not clean")
        hold(loads(orjson.dumps(found)) == found, "what was written is read otherwise")
    for source in all_sources().values():
        try:
            read_payload(source.descriptor, {"content-type": value["type"]}, raw)
        except BadPayload as error:
            storing.writable(str(error), "a reason")
