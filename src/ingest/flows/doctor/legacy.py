"""Checks whether a legacy database is on its way over within itself, and stopped on it."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ingest.flows.doctor.findings import Finding, failed
from ingest.store import legacy_imports
from ingest.store.engine import transaction

GO_ON = "ingest legacy import --in-place"


def look_at_legacy(engine: sa.Engine) -> Iterator[Finding]:
    """The import that is not complete; nothing where there is none."""
    with transaction(engine) as conn:
        found = legacy_imports.unfinished(conn)
    if found is not None:
        said = (
            "the old tables of a legacy database stand aside, and not all of their rows came in "
            f"(their archive is in {found.directory})"
        )
        yield failed("legacy", said, GO_ON)
