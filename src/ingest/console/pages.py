"""What is at which path of the console: pages, and actions that change something."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingest.console import checks, deliveries, documents, look_ups, overview, sources, syncs
from ingest.console.console_request import ConsolePage, ConsoleRequest

PAGES: Mapping[str, Callable[[ConsoleRequest], ConsolePage]] = {
    "": overview.page,
    "/sources": sources.listed,
    "/sources/{id}": sources.shown,
    "/deliveries": deliveries.listed,
    "/deliveries/{id}": deliveries.shown,
    "/look-ups": look_ups.listed,
    "/look-ups/{id}": look_ups.shown,
    "/documents": documents.listed,
    "/documents/{id}": documents.shown,
    "/documents/{id}/chunks": documents.chunks,
    "/documents/{id}/children": documents.children,
    "/documents/{id}/relationships": documents.relationships,
    "/documents/{id}/history": documents.history,
    "/syncs": syncs.listed,
    "/syncs/{id}": syncs.shown,
    "/doctor": checks.page,
}
ACTIONS: Mapping[str, Callable[[ConsoleRequest], str]] = {
    "/deliveries/{id}/replay": deliveries.replay,
    "/syncs/{id}/confirm": syncs.confirm,
    "/syncs/{id}/cancel": syncs.cancel,
}
"""Each says where to go on, below the console's own path."""
