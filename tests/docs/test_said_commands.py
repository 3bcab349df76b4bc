"""A command that the program itself tells people to run is one that there is, options included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.docs.command_lines import problem
from tests.docs.pages import ROOT

PACKAGE = ROOT / "src" / "ingest"
HOLE = "0"
_SAID = re.compile(r"(?:`|-> |: |^)(ingest [a-z][^`\n;,()']*)")
_PLACE = re.compile(rf"--[a-z-]+|[A-Z][A-Z_]*|[^ ]*{HOLE}[^ ]*|https://\S*")
"""What may stand behind a command: an option, and what a reader puts in himself."""
_OTHERS = re.compile(r"ingest (?:web|worker)\b")
"""Names of processes."""


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module, with something where it fills in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{[^{}]*\}", HOLE, node.value)


def commands_said(text: str) -> Iterator[str]:
    """The command lines in a sentence, each as far as it goes."""
    for said in _SAID.findall(text):
        words = said.rstrip(".…").split()
        if not _OTHERS.match(said) and "…" not in said:
            yield " ".join(_as_far_as_it_goes(words))


def _as_far_as_it_goes(words: list[str]) -> Iterator[str]:
    """Without the words of the sentence that follow: those are in small letters."""
    is_behind = False
    for before, word in zip(["", *words], words, strict=False):
        is_place = _PLACE.fullmatch(word) is not None
        if is_behind and not is_place and not before.startswith("--"):
            return
        is_behind = is_behind or is_place
        yield word


def _problem(line: str) -> str | None:
    """Where the value of the last option stands in another text, it is not missing."""
    found = problem(line)
    return None if found is not None and "requires an argument" in found else found


def test_every_command_that_the_program_names_could_be_run() -> None:
    said = {
        (path.name, line)
        for path in sorted(PACKAGE.rglob("*.py"))
        for text in _texts(ast.parse(path.read_text("utf-8")))
        for line in commands_said(text)
    }
    assert len(said) > 100
    assert not sorted(f"{name}: {why}" for name, line in said if (why := _problem(line)))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("see: ingest source list", "ingest source list"),
        ("run `ingest db upgrade` first", "ingest db upgrade"),
        ("-> ingest source show 0 names what it stands for", "ingest source show 0"),
        (
            "its own: ingest source update ID --token-env VAR (`x`",
            "ingest source update ID --token-env VAR",
        ),
    ],
)
def test_how_far_a_command_goes(text: str, line: str) -> None:
    assert [*commands_said(text)] == [line]
