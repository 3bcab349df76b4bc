"""The connected sources, and one: how it stands, its limits and runs, what the doctor says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.flows.connections.shown import shown_connection
from ingest.flows.doctor import Finding, Surroundings, look_at_connections
from ingest.sources.registry import all_sources
from ingest.store import conditions, connections
from ingest.store.connections import DISCONNECTED
from ingest.store.engine import transaction


def listed(asked: ConsoleRequest) -> ConsolePage:
    """All of them."""
    with transaction(asked.program.engine, durable=False) as conn:
        return ConsolePage("sources.html", {"sources": standing(conn)})


def shown(asked: ConsoleRequest) -> ConsolePage:
    """One of them; no provider is asked."""
    parts = asked.program
    with transaction(parts.engine, durable=False) as conn:
        found = shown_connection(conn, asked.path["id"])
    findings: list[Finding] = []
    if found["status"] != DISCONNECTED:
        around = Surroundings(parts.settings.webhook_secrets, None)
        findings = [*look_at_connections(parts.engine, around, found["id"])]
    limits = [*_limits(found["source_type"])]
    filled = {"one": found, "findings": findings, "limits": limits}
    return ConsolePage("source.html", filled)


def standing(conn: sa.Connection) -> list[dict[str, Any]]:
    """Every connection, with what its provider said of it last."""
    return [{**row, **_told(conditions.read(conn, row["id"]))} for row in connections.listing(conn)]


def _told(condition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: condition.get(name) for name in ("problem", "problem_at", "held_until")}


def _limits(source_type: str) -> Iterator[dict[str, Any]]:
    """What its provider publishes of its limits."""
    source = all_sources().get(source_type)
    if source is None or source.limits is None:
        return
    for limit in source.limits.each:
        yield {"name": limit.name, "amount": limit.amount, "per_s": limit.per_s}
