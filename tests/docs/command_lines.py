"""The command lines of the pages, and whether each could be run: command and options are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import typer
from typer.main import get_group

from ingest.cli.app import command_of, tree
from ingest.cli.changes import READ
from ingest.cli.starting import START
from tests.docs.pages import DOCS, ROOT, commands, every_page

PAST = frozenset({ROOT / "CHANGELOG.md", *DOCS.glob("decisions/*.md")})
"""Pages that speak of their day."""

_CODE = re.compile(r"(?<!`)`(ingest [^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_PATTERN = re.compile(r"[|\[\]…]|\s\.\.\.")
_INNER = re.compile(r"\$\((ingest [^()]*)\)")
_BEFORE = re.compile(r"^(?:[A-Z_]+=\S+ +|docker compose exec \w+ )+(?=ingest )")
"""Variables that are given to one command, and the container that it runs in."""


@dataclass(frozen=True, slots=True)
class Documented:
    """A command line, the name of a page that has it, and whether it stands behind a prompt there;
    else a sentence names it.
    """

    text: str
    page: str
    is_typed: bool


def commands_of(text: str) -> Iterator[str]:
    """All of a page: behind prompts, and in sentences."""
    for line in commands(text):
        yield from of_ours(line)
    yield from shown(text)


def documented() -> list[Documented]:
    """Those of all pages but the past's and the reference of the commands; each of a page once."""
    pages = [page for page in every_page() if page not in PAST and page.name != "cli.md"]
    found: dict[tuple[str, str], Documented] = {}
    for page in pages:
        text = page.read_text("utf-8")
        typed = [one for line in commands(text) for one in of_ours(line)]
        for one in typed:
            found[one, page.stem] = Documented(one, page.stem, is_typed=True)
        for one in shown(text):
            found.setdefault((one, page.stem), Documented(one, page.stem, is_typed=False))
    return sorted(found.values(), key=lambda one: (one.text, one.page))


def shown(text: str) -> Iterator[str]:
    """The command lines within sentences; not those that show several at once, as `list|show`."""
    for line in _CODE.findall(text):
        if not _PATTERN.search(line):
            yield from of_ours(" ".join(line.split()))


def of_ours(line: str) -> Iterator[str]:
    """What a line of a console block runs of our program: itself, or within `$(…)`."""
    line = _BEFORE.sub("", re.split(r"  #| [>|] ", line, maxsplit=1)[0].strip())
    inner = _INNER.findall(line)
    yield from inner
    if not inner and line.startswith("ingest "):
        yield line


def problem(line: str) -> str | None:
    """Why a command line is none of ours; None where it could be run. Values are not looked at."""
    words = shlex.split(line)[1:]
    name = command_of(words)
    if name is None:
        is_alone = words in (["--help"], ["--version"])
        return None if is_alone else f"{line}: there is no such command"
    command, given = _found(name, words[words.index(name) + 1 :])
    if given and hasattr(command, "commands"):
        return f"{line}: {name} has no {given[0]}"
    if hasattr(command, "commands"):
        return None  # a noun alone: its help
    return _misread(command, line, given)


def is_name(line: str) -> bool:
    """Whether it names a command, and leaves out what that needs."""
    words = shlex.split(line)[1:]
    name = command_of(words)
    if name is None:
        return False
    command, given = _found(name, words[words.index(name) + 1 :])
    if hasattr(command, "commands"):
        return command.no_args_is_help or not {START, READ} & {*command.commands}
    told, _, _ = command.make_parser(typer.Context(command, info_name=line)).parse_args(given)
    return any(one.required and told.get(one.name) in (None, ()) for one in command.params)


def _found(name: str, words: list[str]) -> tuple[Any, list[str]]:
    """The command, and what it is given."""
    command = _whole(name)
    while commands := getattr(command, "commands", None):
        if words and words[0] in commands:
            command, words = commands[words[0]], words[1:]
        elif words and (unsaid := {START, READ} & {*commands}):
            command = commands[unsaid.pop()]
        else:
            break
    return command, words


@cache
def _whole(name: str) -> Any:
    return get_group(tree(name)).commands[name]


def _misread(command: Any, line: str, given: list[str]) -> str | None:
    if given == ["--help"]:
        return None
    context = typer.Context(command, info_name=line)
    try:
        _, left, _ = command.make_parser(context).parse_args(given)
    except typer.TyperException as error:
        return f"{line}: {error.format_message()}"
    return f"{line}: nothing takes {left}" if left else None
