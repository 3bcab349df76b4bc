"""Reads the pages that people read: their links, their headings, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def every_page() -> list[Path]:
    """All pages: those of `docs`, and those beside the code."""
    beside = ("*.md", "examples/**/*.md", "packaging/**/*.md")
    return sorted(
        {page for glob in ("docs/**/*.md", *beside) for page in ROOT.glob(glob) if page.is_file()}
    )


def links(text: str) -> Iterator[str]:
    """The targets of links and pictures; what stands in code is none."""
    yield from _LINK.findall(_INLINE.sub("", _FENCE.sub("", text)))


@cache
def anchors(page: Path) -> frozenset[str]:
    """What may stand behind `#`: a heading's words, in lower case and joined by hyphens."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text("utf-8"))):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    again = (f"{one}-{n}" for one, most in found.items() for n in range(1, most + 1))
    return frozenset({*found, *again})


def commands(text: str) -> Iterator[str]:
    """The command lines after `$ `, each with the lines that continue it."""
    for block in _CONSOLE.findall(text):
        told = ""
        for line in block.splitlines():
            if line.startswith("$ "):
                told = line.removeprefix("$ ")
            elif told:
                told = f"{told}\n{line}"
            if told and _is_whole(told):
                yield re.sub(r"\\\n\s*", "", told)
                told = ""


def _is_whole(line: str) -> bool:
    """Whether a shell would not wait for more: no quotation is open, and nothing continues it."""
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return not line.endswith("\\")
