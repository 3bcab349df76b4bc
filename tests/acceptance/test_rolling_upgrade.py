"""An upgrade while both versions run: the old one stays in rotation, and nothing differs after it.

The next version is this program with one migration more, which expands the schema.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.machine import Running, is_ready, running
from ingest.store.engine import connect
from ingest.store.upgrade import head, upgrade
from tests.acceptance.conftest import connected, settle
from tests.acceptance.crowd import crowd
from tests.acceptance.tables import results, statuses
from tests.acceptance.test_stack import expected_statuses, sending, wait_until_settled
from tests.databases import empty_databases
from tests.embedded.watching import REPOSITORY
from tests.factories import SECRET_KEY

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

NEXT = f"{int(head()) + 1:04}"
ADDED = ("weight", "language")
EXPAND = """
ALTER TABLE lightfast_webhook_deliveries ADD COLUMN told_by TEXT;
ALTER TABLE lightfast_document_ledger ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lightfast_docs_documents ADD COLUMN language TEXT;
ALTER TABLE lightfast_lookups ADD COLUMN cost BIGINT NOT NULL DEFAULT 0;
CREATE TABLE lightfast_next (id BIGINT PRIMARY KEY);
UPDATE lightfast_schema_serves SET oldest = '{oldest}';
"""
MIGRATION = f'''
from pathlib import Path
from alembic import op
revision, down_revision, branch_labels, depends_on = "{NEXT}", "{head()}", None, None
def upgrade():
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())
'''
MIGRATE = "import sys; from ingest.cli import main; sys.argv[1:] = ['db', 'upgrade']; main()"


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """What stands before our packages on the path of the next version."""
    folder = tmp_path / "next"
    shutil.copytree(REPOSITORY / "schema", folder / "ingest_schema")
    versions = folder / "ingest_schema" / "migrations" / "versions"
    (versions / f"{NEXT}_next.py").write_text(MIGRATION)
    (versions / f"{NEXT}_next.sql").write_text(EXPAND.format(oldest=head()))
    return folder


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    """A database that was brought to this version by its migrations."""
    with empty_databases(postgres_url) as make:
        url = make()
        engine = connect(url)
        upgrade(engine, ["github"])
        engine.dispose()
        yield url


@pytest.mark.parametrize("issues", [40, pytest.param(800, marks=pytest.mark.slow)])
def test_both_versions_run_beside_one_another_and_end_in_the_same_rows(
    database: str,
    redis_url: str,
    broker_url: str,
    tmp_path: Path,
    next_version: Path,
    undisturbed: Callable[[int], dict[str, list[Any]]],
    monkeypatch: pytest.MonkeyPatch,
    issues: int,
) -> None:
    def stage(name: str) -> Any:
        environ = {
            "DATABASE_URL": database,
            "REDIS_URL": redis_url,
            "CELERY_BROKER_URL": broker_url,
            "INGEST_DATA_DIR": str(tmp_path / name),
            "INGEST_SECRET_KEY": SECRET_KEY,
        }
        return running(environ, workers=1)

    letters = crowd(issues)
    third = len(letters) // 3
    with ExitStack() as news, ExitStack() as olds:
        engine = connect(database)
        news.callback(engine.dispose)
        connection = connected(engine)
        old: Running = olds.enter_context(stage("old"))
        with sending(old.url, connection, letters[:third]):
            migrate(next_version, database)
            assert version(engine) == NEXT
            assert ready(old), "it leaves the rotation, and nobody is there yet"
        monkeypatch.setenv("PYTHONPATH", str(next_version))
        new: Running = news.enter_context(stage("new"))
        with (
            sending(old.url, connection, letters[third : 2 * third]),
            sending(new.url, connection, letters[2 * third :]),
        ):
            assert ready(old)
            assert ready(new)
        olds.close()
        wait_until_settled(new, database)
        assert statuses(database) == expected_statuses(issues)
        settle(engine)
        assert known(results(engine)) == undisturbed(issues)


def known(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Without the columns that this version does not know."""
    for table in ("documents", "ledger"):
        for (row,) in found[table]:
            for added in ADDED:
                row.pop(added, None)
    return found


def migrate(next_version: Path, database: str) -> None:
    """`ingest db upgrade`, by the next version."""
    environ = {**os.environ, "PYTHONPATH": str(next_version), "DATABASE_URL": database}
    command = [sys.executable, "-c", MIGRATE]
    done = subprocess.run(
        command, env=environ, check=False, timeout=300, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def version(engine: sa.Engine) -> str:
    with engine.connect() as conn:
        found: str = conn.exec_driver_sql(
            "SELECT version_num FROM lightfast_schema_version"
        ).scalar_one()
        return found


def ready(stage: Running) -> bool:
    host, _, port = stage.url.removeprefix("http://").partition(":")
    return is_ready(host, int(port))
