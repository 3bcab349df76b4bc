"""Runs one command and turns its end into an exit code: what went wrong is one line on stderr."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

import typer
from typer.main import get_command

from ingest.cli.app import command_of, tree
from ingest.cli.lines import note
from ingest.sources.registry import broken, source_types
from ingest.variables import warnings

DONE, FAILED, WRONG_USE, UNREACHABLE = 0, 1, 2, 3

PROBES = ("health",)
"""Run every few seconds: they log nothing, warn of nothing and load as little as they can."""

EXIT_CODES: tuple[tuple[str, str, int], ...] = (
    ("typer", "TyperException", WRONG_USE),
    ("ingest.core.errors", "BadSettings", WRONG_USE),
    ("ingest.core.errors", "BadInput", WRONG_USE),
    ("ingest.core.errors", "NotConnected", WRONG_USE),
    ("ingest.core.errors", "NotFound", FAILED),
    ("ingest.core.errors", "BrokenSource", FAILED),
    ("ingest.core.errors", "Unavailable", UNREACHABLE),
    ("ingest.embedded.errors", "EmbeddedError", UNREACHABLE),
    ("ingest.core.errors", "IngestError", FAILED),
    ("sqlalchemy.exc", "SQLAlchemyError", FAILED),
)
"""The code of each class, by the module that defines it; the first that fits holds. What is not
named here is a fault of ours and keeps its traceback."""


def main() -> None:
    """The entry point `ingest`."""
    open_standard_streams()
    sys.exit(run(sys.argv[1:], os.environ))


def open_standard_streams() -> None:
    """Let what is said reach somebody or nobody, but stop nothing.

    A stream that was closed before the start becomes the null device: it takes the lowest number
    that is free, which is the closed one's, and no data file does. A letter that the locale has no
    code for is escaped.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - ours for good
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command in this environment; its exit code."""
    command = command_of(argv)
    if command not in PROBES:
        for said in (*warnings(environ, source_types), *_broken(argv)):
            note(f"ingest: {said}")
    if command is not None and command not in PROBES:
        _set_up_logs(environ)
    try:
        given = MappingProxyType(environ)  # into a dict typer's help would write
        answer = _grown(command)(list(argv), prog_name="ingest", standalone_mode=False, obj=given)
    except typer.Abort:
        return _failed("stopped", FAILED)
    except BrokenPipeError:  # `| head` has read enough; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except tuple(_exit_codes()) as error:
        code = next(code for kind, code in _exit_codes().items() if isinstance(error, kind))
        return _failed(_line(error), code)
    return answer if isinstance(answer, int) else DONE


@cache
def _grown(command: str | None) -> Callable[..., object]:
    """The tree as what parses; made without Typer's own call, which would take `sys.excepthook`."""
    return get_command(tree(command))


def _broken(argv: Sequence[str]) -> Collection[str]:
    """A line for each source of another package that cannot be used; help imports none of them.

    Those of this package cost time to import, and are tried when they are needed.
    """
    asks_for_help = not argv or "--help" in argv
    return () if asks_for_help else broken(outside_only=True).values()


def _set_up_logs(environ: Mapping[str, str]) -> None:
    """A help, and a command that there is not, have nothing to log."""
    from ingest.wiring import set_up_logs  # noqa: PLC0415 - it loads SQLAlchemy and kombu

    set_up_logs(environ)


def _exit_codes() -> dict[type[Exception], int]:
    return {kind: code for module, name, code in EXIT_CODES for kind in _loaded(module, name)}


def _loaded(module: str, name: str) -> tuple[type[Exception], ...]:
    """The class, or nothing where its module is not loaded: then nobody raised one."""
    found = sys.modules.get(module)
    return () if found is None else (getattr(found, name),)


def _failed(line: str, code: int) -> int:
    said = line if "\n" in line else f"ingest: {line}"  # without a command, the help is shown
    sys.stderr.write(f"{said}\n")
    return code


def _line(error: Exception) -> str:
    """One line that says what to do."""
    if isinstance(error, typer.TyperException):
        if "\n" in error.format_message():
            return error.format_message()
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "ingest"
        return f"{error.format_message()} (see {command} --help)"
    text = str(error)
    if isinstance(error, _loaded("sqlalchemy.exc", "DBAPIError")):
        refusal = getattr(error, "orig", None)
        text = f"PostgreSQL refuses: {refusal}".splitlines()[0] + "; try `ingest db check`"
    return " ".join(text.split())
