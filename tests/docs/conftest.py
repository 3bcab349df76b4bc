"""The command line on a test's own database, and something to look at there."""

from __future__ import annotations

from tests.cli.conftest import ingest, town

__all__ = ["ingest", "town"]
