"""What is at which path of the console: pages, and actions that change something."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingest.console import overview
from ingest.console.console_request import ConsolePage, ConsoleRequest

PAGES: Mapping[str, Callable[[ConsoleRequest], ConsolePage]] = {
    "": overview.page,
}
ACTIONS: Mapping[str, Callable[[ConsoleRequest], str]] = {}
"""Each says where to go on."""
