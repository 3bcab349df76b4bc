"""Runs one command and turns its end into an exit code: what went wrong is one line on stderr."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import sqlalchemy.exc
import typer

from ingest.cli import output
from ingest.cli.app import app
from ingest.cli.session import Session
from ingest.core.errors import (
    BadInput,
    BadSettings,
    BrokenSource,
    IngestError,
    NotConnected,
    Unavailable,
)
from ingest.embedded import EmbeddedError
from ingest.settings import warnings
from ingest.sources.registry import broken, source_types
from ingest.wiring import set_up_logs

DONE, FAILED, WRONG_USE, UNREACHABLE = 0, 1, 2, 3

EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (typer.TyperException, WRONG_USE),
    (BadSettings, WRONG_USE),
    (BadInput, WRONG_USE),
    (NotConnected, WRONG_USE),
    (BrokenSource, FAILED),
    (Unavailable, UNREACHABLE),
    (EmbeddedError, UNREACHABLE),
    (IngestError, FAILED),
    (sqlalchemy.exc.SQLAlchemyError, FAILED),
)
"""The first that fits holds. What is not named here is a fault of ours and keeps its traceback."""


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
    set_up_logs(environ)
    for said in (*warnings(environ, source_types), *_broken(argv)):
        output.note(f"ingest: {said}")
    session = Session(environ)
    uncaught = sys.excepthook  # for which typer would put one of its own
    try:
        answer = app(list(argv), prog_name="ingest", standalone_mode=False, obj=session)
    except typer.Abort:
        return _failed("stopped", FAILED)
    except BrokenPipeError:  # `| head` has read enough; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except tuple(kind for kind, _ in EXIT_CODES) as error:
        return _failed(_line(error), next(c for kind, c in EXIT_CODES if isinstance(error, kind)))
    finally:
        sys.excepthook = uncaught
        session.close()
    return answer if isinstance(answer, int) else DONE


def _broken(argv: Sequence[str]) -> Collection[str]:
    """A line for each source of another package that cannot be used; help imports none of them.

    Those of this package cost time to import, and are tried when they are needed.
    """
    asks_for_help = not argv or "--help" in argv
    return () if asks_for_help else broken(outside_only=True).values()


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
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        text = f"PostgreSQL refuses: {error.orig}".splitlines()[0] + "; try `ingest db check`"
    return " ".join(text.split())
