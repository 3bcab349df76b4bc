"""One word for one thing: what docs/glossary.md says is in the code, and what it bans is not."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pytest

from ingest.sources.registry import all_sources, package_of

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ingest"
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
KEPT, _, BANNED = GLOSSARY.partition("## Not used")
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `(ingest[\w.]+)` \|$", KEPT, re.MULTILINE)

ALIKE: Mapping[str, str] = {}
"""Classes that have one name, and why they may."""


def _exempt(path: Path) -> bool:
    """A provider's words rule in its own folder."""
    places = [PACKAGE.parent / package_of(name).replace(".", "/") for name in all_sources()]
    return any(place in path.parents for place in places)


def _ours() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if not _exempt(path):
            yield path, ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize(("word", "place"), [(word, place) for word, _, place in ROWS])
def test_a_word_is_where_the_glossary_says(word: str, place: str) -> None:
    module, _, name = place.rpartition(".")
    try:
        import_module(place)
    except ModuleNotFoundError:
        assert hasattr(import_module(module), name), word


def test_a_word_stands_in_the_glossary_once() -> None:
    words = [word for word, _, _ in ROWS]
    assert len(words) > 40
    assert len(words) == len(set(words))


def test_what_is_not_used_names_nothing() -> None:
    """Modules, classes and functions; a local variable may be called as it likes."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", BANNED, re.MULTILINE)
    banned = {word.strip() for row in rows for word in row.split(",")} - {"not", "---"}
    assert len(banned) > 10
    wrong = [
        f"{path.relative_to(ROOT)}: {name}" for path, name in _names() if _parts(name) & banned
    ]
    assert not wrong


def _names() -> Iterator[tuple[Path, str]]:
    for path, tree in _ours():
        yield path, path.stem
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield path, node.name


def _parts(name: str) -> set[str]:
    """`LookUpRequest` and `look_up_request` are the same three words."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def test_no_two_classes_have_one_name() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in _ours():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].append(str(path.relative_to(PACKAGE)))
    twice = {name: places for name, places in found.items() if len(places) > 1}
    assert {name: places for name, places in twice.items() if name not in ALIKE} == {}
    assert set(ALIKE) <= set(twice)


def test_no_module_is_imported_under_another_name_of_ours() -> None:
    """An alias that dodges a clash hides two things of one name."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {alias.name} as {alias.asname}"
        for path, tree in _ours()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ingest")
        for alias in node.names
        if alias.asname is not None
    ]
    assert not wrong
