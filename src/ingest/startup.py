"""What a process says once, when it starts."""

from __future__ import annotations

import os

import structlog

from ingest.sources.registry import broken, source_types
from ingest.variables import warnings

log = structlog.get_logger(__name__)


def tell_of_settings() -> None:
    """Warn of each variable of the environment that seems to be a setting and is none, and of each
    source that is installed and cannot be used.
    """
    for said in warnings(os.environ, source_types):
        log.warning("setting_unknown", said=said)
    for name, said in broken().items():
        log.error("source_broken", source=name, said=said)
