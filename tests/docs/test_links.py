"""Every link between the pages leads somewhere, and every page can be found. Asks no network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import DOCS, ROOT, anchors, every_page, links

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
INDEXES = frozenset({DOCS / "decisions" / "README.md", DOCS / "resync" / "README.md"})
"""Pages that lead to all that stand beside them, so that the site's menu has these alone."""


def _broken(page: Path, root: Path = ROOT) -> Iterator[str]:
    """A folder is none either: the site has pages and files alone."""
    for target in links(page.read_text("utf-8")):
        if ELSEWHERE.match(target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / unquote(path)).resolve() if path else page
        if not there.is_relative_to(root) or not there.is_file():
            yield f"{page.relative_to(root)}: {target}: there is no such file"
        elif anchor and (there.suffix != ".md" or anchor not in anchors(there)):
            yield f"{page.relative_to(root)}: {target}: it has no such heading"


def test_every_link_leads_somewhere() -> None:
    found = every_page()
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md"} < {page.name for page in found}
    assert sum(1 for page in found for _ in links(page.read_text("utf-8"))) > 100
    assert not [line for page in found for line in _broken(page)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[a](b.md)", "no such file"),
        ("![a](b.png)", "no such file"),
        ("[a](.)", "no such file"),
        ("[`a`](../README.md)", "no such file"),
        ("[a](#nowhere)", "no such heading"),
        ("[a](page.md#somewhere-1)", "no such heading"),
        ("[a](#somewhere)", None),
        ("[a](page.md#an-id-twice)", None),
        ("[a](https://example.com/b.md)", None),
        ("`[a](b.md)`", None),
        ("```\n[a](b.md)\n```", None),
    ],
)
def test_what_a_broken_link_is(tmp_path: Path, line: str, said: str | None) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Somewhere\n\n## An `id`, *twice*\n\n{line}\n", "utf-8")
    found = [*_broken(page, tmp_path)]
    assert len(found) == (said is not None)
    assert all(str(said) in one for one in found)


def _in_menu() -> frozenset[Path]:
    """The pages that the site's menu names."""
    told = tomllib.loads((DOCS / "zensical.toml").read_text("utf-8"))
    names = re.findall(r"'([^']+\.md)'", repr(told["project"]["nav"]))
    return frozenset(ROOT / name for name in names)


def _reached() -> frozenset[Path]:
    """The pages of the menu, and those that an index leads to."""
    led = (
        (index.parent / target).resolve()
        for index in INDEXES
        for target in links(index.read_text("utf-8"))
    )
    return _in_menu() | {*led}


def test_every_page_of_the_docs_is_in_the_menu_or_in_an_index() -> None:
    assert not sorted({*DOCS.rglob("*.md")} - _reached())
    assert not [page for page in sorted(_in_menu()) if not page.is_file()]
    assert _in_menu() >= INDEXES


def test_the_index_of_decisions_has_each_by_its_title() -> None:
    index = (DOCS / "decisions" / "README.md").read_text("utf-8")
    for page in sorted(DOCS.glob("decisions/0*.md")):
        number, title = page.read_text("utf-8").partition("\n")[0].removeprefix("# ").split(". ", 1)
        assert f"| {number} | [{title}]({page.name}) |" in index, page.name
