"""The tree of commands: what stands in its table is what the commands' modules say."""

from __future__ import annotations

from importlib import import_module

import pytest
from typer.main import get_group

from ingest.cli.app import COMMANDS, GROUPS, command_of, tree
from ingest.cli.main import EXIT_CODES

WIDTHS = range(10, 200)
"""What is left of a terminal for a line of help."""


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_a_command_says_of_itself_what_the_table_says(name: str) -> None:
    stands_in = get_group(tree()).commands[name]
    whole = get_group(tree(name)).commands[name]
    for width in WIDTHS:
        assert stands_in.get_short_help_str(width) == whole.get_short_help_str(width)
    assert whole.get_short_help_str(WIDTHS[-1])


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_the_commands_stand_in_one_order_whichever_is_used(name: str) -> None:
    commands = get_group(tree(name)).commands
    assert list(commands) == [*COMMANDS, *GROUPS]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", None),
        ("--help", None),
        ("--help store", "store"),
        ("store", "store"),
        ("store list --json", "store"),
        ("-- store list", "store"),
        ("--bogus store", "store"),
        ("stroe list", None),
        ("list store", None),
        ("Store", None),
        ("drain --timeout 3", "drain"),
    ],
)
def test_the_command_is_the_word_that_is_no_option(line: str, command: str | None) -> None:
    assert command_of(line.split()) == command


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, name, _ in EXIT_CODES])
def test_what_has_an_exit_code_is_an_exception(module: str, name: str) -> None:
    """They are named, so that none is loaded before it is raised."""
    assert issubclass(getattr(import_module(module), name), Exception)
