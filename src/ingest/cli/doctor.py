"""`ingest doctor`: each check on a line, and what to do about a failed one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from ingest import settings, variables
from ingest.checkup import look_over
from ingest.cli.arguments import AsJson
from ingest.cli.findings import tell_all
from ingest.cli.session import Session, session
from ingest.flows.doctor import Finding, failed, fine, note
from ingest.sources.registry import source_types


def doctor(
    context: typer.Context,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no provider whether its token works.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at everything, and say what to do about what is wrong.

    Exit 1 where something failed, 3 where a service is unreachable.
    """
    tell_all(_findings(session(context), offline=offline), as_json=as_json)


def _findings(current: Session, *, offline: bool) -> Iterator[Finding]:
    """The checks of the environment, and then of the installation that it means."""
    for said in variables.warnings(current.environ, source_types):
        yield note("settings", said, "name it right, or unset it")
    wrong = settings.faults(current.environ)
    yield from (failed("settings", fault, "set it right, or unset it") for fault in wrong)
    if wrong:
        return
    yield fine("settings", "every variable can be read")
    yield from look_over(current.program, offline=offline)
