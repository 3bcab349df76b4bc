"""Whether a command line that a page shows could be run: there is its command, and each option."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer
from typer.main import get_group

from ingest.cli.app import command_of, tree
from ingest.cli.changes import READ
from ingest.cli.starting import START

_CODE = re.compile(r"(?<!`)`(ingest [^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_PATTERN = re.compile(r"[|\[\]…]|\s\.\.\.")
_INNER = re.compile(r"\$\((ingest [^()]*)\)")


def shown(text: str) -> Iterator[str]:
    """The command lines within sentences; not those that show several at once, as `list|show`."""
    for line in _CODE.findall(text):
        if not _PATTERN.search(line):
            yield from of_ours(" ".join(line.split()))


def of_ours(line: str) -> Iterator[str]:
    """What a line of a console block runs of our program: itself, or within `$(…)`."""
    line = re.split(r"  #| [>|] ", line, maxsplit=1)[0].strip()
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
