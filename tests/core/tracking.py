"""Two invented sources for tests of the engine: a tracker (`T-12`) and a forge (`!12`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.references import Context, Mention, Reference, Syntax, extract

_KEY = re.compile(r"(?<![A-Za-z0-9])([A-Z]{1,3})-([0-9]{1,4})(?![0-9])")
_PAGE = re.compile(r"https://tracker\.test/([A-Z]{1,3}-[0-9]{1,4})")
_NUMBER = re.compile(r"(?<![\w!])!([0-9]{1,4})(?![0-9])")


def _keys(text: str, _context: Context) -> Iterator[Mention]:
    for found in _KEY.finditer(text):
        yield Mention(found.start(), found.end(), "tracker", found[0], "text", found[1])
    for found in _PAGE.finditer(text):
        yield Mention(found.start(), found.end(), "tracker", found[1], "url")


def _numbers(text: str, context: Context) -> Iterator[Mention]:
    if context.home is not None:
        for found in _NUMBER.finditer(text):
            key = f"{context.home}#{found[1]}"
            yield Mention(found.start(), found.end(), "forge", key, "text")


TRACKER = Syntax("tracker", _keys, keywords={"finishes": "resolves", "omit": None})
FORGE = Syntax("forge", _numbers, closes_singly=True)
FORGED = Context("forge", "acme/pay")


def references(text: str, context: Context = FORGED) -> tuple[Reference, ...]:
    return extract(text, context, (TRACKER, FORGE))


def mentioned(text: str) -> list[str]:
    return [r.key for r in references(text) if r.kind == "mention"]


def edges(text: str) -> list[tuple[str, str]]:
    return [(r.kind, r.key) for r in references(text) if r.kind != "mention"]
