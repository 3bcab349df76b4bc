"""The commands' tree: one module for each noun, loaded only where its command is the one that runs.

A help shows every command, and Typer would ask each one's module for its line. So the lines stand
here, and a test holds them equal to what the modules say.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Annotated

import typer

from ingest.cli.lines import line

COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": (
        "up",
        "Run receiver, worker and beat, and PostgreSQL and Redis unless the environment names "
        "them.",
    ),
    "demo": (
        "demo",
        "Send sample webhooks of every source through the whole stack, and show what came out.",
    ),
    "send-test": (
        "trying",
        "Send a signed test webhook to the running receiver, and follow it to its document.",
    ),
    "enqueue": ("queue", "Verify and store one delivery, as if it had come over HTTP."),
    "drain": (
        "queue",
        "Wait until no delivery and no look-up is unfinished; exit 1 on time-out.",
    ),
    "types": (
        "types",
        "Print the types of the metadata and relationships that are written, the seed's and ours.",
    ),
    "evaluate": (
        "evaluate",
        "Print precision and recall of the relationships found in labelled texts, and the misses.",
    ),
    "health": ("health", "Exit 0 where the process is well, else 1 and a line: for a probe."),
    "doctor": ("doctor", "Look at everything, and say what to do about what is wrong."),
}
"""The module of each command, whose function has its name (`send_test`), and its help's begin."""

GROUPS: Mapping[str, tuple[str, str]] = {
    "db": ("database", "The database's schema, and what takes its room."),
    "store": ("stores", "Stores, which documents belong to."),
    "source": ("sources", "Sources: connections to providers."),
    "deliveries": ("deliveries", "Raw deliveries: the queue and its past."),
    "fetches": (
        "fetches",
        "Look-ups at providers: what waits, what was tried, and what came of it.",
    ),
    "sync": (
        "syncs",
        "Sync runs: what a webhook missed comes back. `ingest sync CONNECTION` begins one.",
    ),
    "reprocess": (
        "reprocessing",
        "Make anew what is stored: chunks and references from stored text, or from raw deliveries.",
    ),
    "docs": ("documents", "Documents."),
    "graph": ("graphs", "How documents hang together."),
    "changes": (
        "changes",
        "What becomes of documents, in order. `ingest changes` alone prints it.",
    ),
    "secrets": ("keys", "The encryption of stored secrets."),
    "legacy": ("legacy", "The way out of a legacy database, and in."),
    "organization": ("organizations", "Organizations, which stores and connections belong to."),
}
"""The module of each noun, whose `app` holds the noun's commands, and its help."""


def command_of(argv: Sequence[str]) -> str | None:
    """The command or noun of a command line; None where there is none, as for a help.

    Typer takes the same word: what stands before it are options without a value.
    """
    word = next((word for word in argv if not word.startswith("-")), None)
    return word if word in COMMANDS or word in GROUPS else None


def tree(used: str | None = None) -> typer.Typer:
    """All commands by name and help, of which the one that is used is whole."""
    app = typer.Typer(
        name="ingest",
        help="Signed webhooks in, documents in PostgreSQL out.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_first)
    for name, (module, said) in COMMANDS.items():
        if name == used:
            app.command(name)(getattr(_loaded(module), name.replace("-", "_")))
        else:
            app.command(name, help=said)(_stand_in)
    for name, (module, said) in GROUPS.items():
        app.add_typer(_loaded(module).app if name == used else typer.Typer(help=said), name=name)
    return app


def _first(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda told: _say_version(told=told),
            help="Print the version and nothing else.",
        ),
    ] = False,
) -> None:
    """Signed webhooks in, documents in PostgreSQL out."""


def _say_version(*, told: bool) -> None:
    if told:
        line(f"ingest {version('lightfast-ingest')} (Python {platform.python_version()})")
        raise typer.Exit


def _loaded(module: str) -> ModuleType:
    return import_module(f"ingest.cli.{module}")


def _stand_in() -> None:
    """What no command line reaches: it names its command, and that one is whole."""
    raise LookupError("this command was not loaded")
