"""How commands print what a check-up found, and the exit code that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import typer

from ingest.cli import output
from ingest.flows.doctor.findings import Finding, State

_MARKS: Mapping[State, str] = {
    State.OK: "ok",
    State.NOTE: "note",
    State.FAILED: "FAILED",
    State.UNREACHABLE: "UNREACHABLE",
}
_FAILED, _UNREACHABLE = 1, 3


def tell_all(findings: Iterable[Finding], *, as_json: bool) -> None:
    """Print each finding as it is made, or all of them as one JSON document.

    Exit 1 where something failed, 3 where a service is unreachable.
    """
    found: list[Finding] = []
    for finding in findings:
        found.append(finding)
        if not as_json:
            _tell(finding)
    states = {finding.state for finding in found}
    if as_json:
        checks = [
            {"check": f.check, "state": str(f.state), "said": f.said, "remedy": f.remedy}
            for f in found
        ]
        well = states <= {State.OK, State.NOTE}
        output.document({"well": well, "checks": checks})
    if State.UNREACHABLE in states:
        raise typer.Exit(_UNREACHABLE)
    if State.FAILED in states:
        raise typer.Exit(_FAILED)


def _tell(finding: Finding) -> None:
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    said = " ".join(f"{finding.said}{remedy}".split())
    output.line(f"{_MARKS[finding.state]:<11} {finding.check}: {said}")
