"""All that the doctor looked at, without asking a provider."""

from __future__ import annotations

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.console.readings import FINDINGS_S


def page(asked: ConsoleRequest) -> ConsolePage:
    """Each check with what was found and what to do."""
    findings = asked.readings.findings.get()
    return ConsolePage("doctor.html", {"findings": findings, "kept_s": round(FINDINGS_S)})
