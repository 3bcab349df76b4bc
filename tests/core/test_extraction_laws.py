"""Extraction: a pure function of the text, whose work grows as the text does, whatever is in it."""

from __future__ import annotations

import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.canonical import clean
from ingest.core.chunks import ChunkConfig, join, split
from ingest.core.references import Context, extract
from ingest.sources.registry import syntaxes

HERE = Context("github", "acme/web", scope="101")
SMALL = ChunkConfig(32, 8)
SIZE = 3_000
MANY = 8  # times as much text
AT_MOST = 3 * MANY  # times as long: the square would take 64 times
SHORTEST_S = 0.005  # below that a clock says little
FAMILIES = {
    "hashes": "#",
    "numbers": "#12 ",
    "repositories": "a/b#1 ",
    "repositories without a break": "a/b#1",
    "slashes": "a/",
    "dashes": "-",
    "keys": "ENG-12 ",
    "keys without a break": "ENG-12-",
    "short ids": "WEB-2K-",
    "schemes": "https://",
    "issue paths": "/issues/",
    "issue pages": "https://a.example/issues/1 ",
    "paths in paths": "a.b/issues/issues/group/",
    "hosts": "a.b.c.",
    "dashboards": "https://vercel.com/a/b/",
    "previews": "a-.vercel.app",
    "notion": "notion.so/a-",
    "tickets": "ZD-12 zendesk #",
    "help centres": "https://a.example/hc/",
    "backticks": "`a",
    "backticks in paragraphs": "`\n- ",
    "runs of backticks": "`` ` ",
    "quotations": "> ",
    "comments": "<!-- ",
    "elements": "<pre ",
    "labels": "[",
    "links": "[a](https://a.example ",
    "definitions": "[1]: https://a.example\n",
    "merges": "Merge branch 'a' ",
    "keywords": "fixes not fixes ",
    "lists": "fixes #1, #2 and #3, ",
    "items": "\n- [ ] ",
    "colours": "color #123 ",
    "tags": '<a b="#1" ',
    "struck words": "~~#1~~ ",
    "links within the page": "[#1](#1) ",
    "pictures": "![#1](x) [![#1](https://a.example)](https://b.example) ",
    "steps": "steps #1, ",
    "questions": "does it fix #1 ",
    "quoted": '"fixes #1 ',
    "capitals": "HTTPS://A.EXAMPLE/ENG-1 ",
    "paths": "/a/ENG-1 ",
    "lists of other items": "- a\n- ENG-1\n",
    "lists in lists": "- a\n  - ENG-1\n",
    "labels of issues": "[WEB-1A](https://a.sentry.io/issues/1) ",
    "spaces": " ",
    "lines": "\n",
}
words = st.sampled_from(
    [*FAMILIES.values(), "Fixes", "acme/web#7", "blocked by", ":", "\n\n", "`code`", "é", "日本"]
)
texts = st.lists(words | st.text(max_size=6), max_size=40).map(" ".join)


@given(texts)
@settings(max_examples=30)
def test_a_text_makes_the_same_references_whenever_and_however_it_is_stored(text: str) -> None:
    """Cleaned, as JSON, and cut into chunks and put together again."""
    stored = clean(text)
    found = extract(stored, HERE, syntaxes())
    assert extract(stored, HERE, tuple(syntaxes())) == found
    assert clean(stored) == stored
    if found:
        read_back = orjson.loads(orjson.dumps(stored))
        for again in (read_back, join(split(stored, SMALL))):
            assert extract(again, HERE, syntaxes()) == found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_work_grows_as_the_text_does(family: str) -> None:
    """By the ratio of two sizes, in processor time, since machines differ and are busy."""
    said = FAMILIES[family]
    little, much = (f"#1 {said * (size // len(said))}" for size in (SIZE, MANY * SIZE))
    short_s = max(_seconds(little), SHORTEST_S)
    assert _seconds(much) < AT_MOST * short_s


def _seconds(text: str) -> float:
    """The better of two."""
    return min(_once(text), _once(text))


def _once(text: str) -> float:
    began = time.process_time()
    extract(text, HERE, syntaxes())
    return time.process_time() - began
