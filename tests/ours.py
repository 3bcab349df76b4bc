"""The sources of this repository; others may be installed beside them, with tests of their own."""

from __future__ import annotations

from ingest.sources.registry import all_sources, package_of

OURS = tuple(name for name in all_sources() if package_of(name).startswith("ingest."))
