"""An export through PgBouncer in transaction mode is the one that the server itself gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.flows.legacy.export import export
from ingest.store.engine import connect
from tests.databases import empty_databases
from tests.legacy import database
from tests.legacy.check_archive import check
from tests.pgbouncer import IGNORED, REFUSED, pgbouncer

pytestmark = [pytest.mark.integration, pytest.mark.once]


@pytest.mark.parametrize("ignores", [IGNORED, REFUSED])
def test_it_goes_through_a_pooler(postgres_url: str, tmp_path: Path, ignores: str) -> None:
    with empty_databases(postgres_url) as make:
        built = database.build(make(), documents=50, oddities=("timestamps_of_every_kind",))
        with pgbouncer(built.url, tmp_path / "pooler", ignores=ignores) as url:
            engine = connect(url)
            told = export(engine, tmp_path / "archive", program="0")
            again = export(engine, tmp_path / "again", program="0")  # the session is as it was
            engine.dispose()
        assert check(built.url, tmp_path / "archive") == []
        assert told.tables == again.tables
