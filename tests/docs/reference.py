"""The pages that the code writes: `python -m tests.docs.reference` makes them anew.

What a setting means stands in `ingest.variables`, what a command does in its own help. The pages
are committed, so that they are read in a checkout too; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import typer
from typer.cli import get_docs_for_click
from typer.main import get_group

from ingest.cli.app import COMMANDS, GROUPS, tree
from ingest.variables import OF_SOURCES, PREFIX, VARIABLES
from tests.docs.pages import DOCS
from tests.docs.reference_events import events
from tests.docs.reference_metrics import metrics
from tests.docs.reference_tables import tables

REFERENCE = DOCS / "reference"
_PAGE = re.compile(r"\bdocs/([a-z-]+)\.md\b")


def settings() -> str:
    """Every variable, with its meaning and default."""
    of_sources = {f"{PREFIX}<SOURCE>{suffix}": told for suffix, told in OF_SOURCES.items()}
    rows = (_row(*one) for one in ({**VARIABLES, **of_sources}).items())
    return f"""# Settings

Every process reads its settings from the environment when it starts. What is wrong or missing is
one clear line and exit 2; no value is told. A variable that begins with `INGEST_` and is none of
these is a warning with the name that was meant, when a process starts and in `ingest doctor`.
`<SOURCE>` is a source type in capitals: `INGEST_GITHUB_WEBHOOK_SECRETS`.

| variable | meaning | where it is not set |
|---|---|---|
{"".join(rows)}
`HOST` and `PORT` say where the receiver of the `Procfile` listens (127.0.0.1, 8000); `ingest health
web` asks at that port.

This page is made of the code (`make reference`).
"""


def _row(name: str, told: tuple[str, str]) -> str:
    meaning, default = (_PAGE.sub(r"[\1](../\1.md)", text) for text in told)
    return f"| `{name}` | {meaning} | {default} |\n"


def commands() -> str:
    """Every command, as its own help tells it."""
    return "\n".join(
        (
            "# Commands\n",
            "`ingest … --help` says the same. Whatever prints data takes `--json`. Exit codes: 0",
            "done, 1 failed, 2 wrong use or a wrong setting, 3 a service is unreachable. Settings",
            "come from the environment: [settings](settings.md).\n",
            *_commands(),
            "This page is made of the code (`make reference`).\n",
        )
    )


def _commands() -> Iterator[str]:
    for name in (*COMMANDS, *GROUPS):
        command = get_group(tree(name)).commands[name]
        context = typer.Context(command, info_name=f"ingest {name}")
        told = get_docs_for_click(
            obj=command, ctx=context, indent=1, name=name, call_prefix="ingest"
        )
        yield _shortened(told).rstrip() + "\n"


def _shortened(told: str) -> str:
    """Without what each command has, and no prompt: these are patterns, and no samples."""
    told = told.replace("* `--help`: Show this message and exit.\n", "")
    told = told.replace("**Options**:\n\n\n", "").replace("**Usage**:\n\n", "")
    return told.replace("```console\n$ ", "```text\n")


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings,
    "cli.md": commands,
    "metrics.md": metrics,
    "tables.md": tables,
    "events.md": events,
}


def write() -> None:
    """Make the pages anew, in their place."""
    REFERENCE.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        (REFERENCE / name).write_text(made(), "utf-8")


if __name__ == "__main__":
    write()
