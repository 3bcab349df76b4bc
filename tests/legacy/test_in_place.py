"""A legacy database comes over within itself: aside, our schema, in again; also when it is killed.

The law of each: in the end stands what an import of the archive makes of an empty database.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.flows.doctor import look_at_legacy
from ingest.flows.legacy import document_rows
from ingest.flows.legacy.import_archive import Imported, Wishes
from ingest.flows.legacy.in_place import (
    LegacyPlace,
    NotMoved,
    drop_old,
    import_in_place,
    try_in_place,
)
from ingest.flows.legacy.passing import Passed
from ingest.sources.registry import source_types
from ingest.store.condition import UnfitDatabase
from ingest.store.engine import connect
from ingest.store.upgrade import upgrade
from tests.cli.conftest import Ingest, ingest
from tests.databases import empty_databases
from tests.legacy import database
from tests.legacy.archiving import archive
from tests.legacy.database import Built
from tests.legacy.importing import bring
from tests.legacy.standing import standing

__all__ = ["ingest"]

pytestmark = [pytest.mark.integration, pytest.mark.once]

ODD = ("store_with_two_repositories", "deleted_repository", "vector_entries_that_do_not_fit")
MOMENTS = 6 + 8
"""Steps, and batches of as few rows as these are."""


@pytest.fixture
def make(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as made:
        yield made


@pytest.fixture
def legacy(make: Callable[[], str]) -> Built:
    return database.build(make(), documents=20, oddities=ODD)


def place(url: str, directory: Path, *, given: bool = True) -> LegacyPlace:
    named = directory if given else None
    return LegacyPlace(connect(url), named, directory, "0", source_types())


def run(url: str, directory: Path) -> Imported:
    where = place(url, directory)
    done = import_in_place(where, Wishes())
    where.engine.dispose()
    return done


def kill(url: str, directory: Path, moment: int) -> int:
    argv = [sys.executable, "-m", "tests.legacy.killed", url, str(directory), str(moment)]
    return subprocess.run(argv, check=False, capture_output=True, timeout=300).returncode


def stop(passed: Passed) -> None:
    if passed.logical == "documents":
        raise KeyboardInterrupt


def by_archive(legacy: Built, engine: sa.Engine, tmp_path: Path) -> None:
    bring(engine, archive(legacy, tmp_path / "reference"))


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as conn:
        told = conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        return {name for (name,) in told}


def test_it_is_killed_between_its_steps_and_ends_the_same(
    legacy: Built, engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    by_archive(legacy, engine, tmp_path)
    directory = tmp_path / "archive"
    for moment in (3, 11):  # before the move, among the rows
        assert kill(legacy.url, directory, moment) == -signal.SIGKILL
    done = run(legacy.url, directory)
    assert standing(legacy.url) == standing(database_url)
    again = run(legacy.url, directory)
    assert sum(counts["written"] for counts in again.tally.as_json().values()) == 0
    assert [{**c, "written": 0} for c in done.tally.as_json().values()] == [
        *again.tally.as_json().values()
    ]
    where = place(legacy.url, directory)
    assert len(drop_old(where)) == 8
    assert drop_old(where) == ()
    where.engine.dispose()
    assert not {name for name in tables(legacy.url) if name.startswith("legacy_")}
    assert standing(legacy.url) == standing(database_url)


def test_what_a_death_left_between_the_rows_and_their_binding_is_done_by_the_next_run(
    legacy: Built,
    engine: sa.Engine,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_archive(legacy, engine, tmp_path)
    directory = tmp_path / "archive"
    with monkeypatch.context() as patched:
        patched.setattr(document_rows, "bind", _dies)
        where = place(legacy.url, directory)
        with pytest.raises(KeyboardInterrupt):
            import_in_place(where, Wishes())
        where.engine.dispose()
    run(legacy.url, directory)
    assert standing(legacy.url) == standing(database_url)


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_nothing_is_dropped_before_all_of_it_came_in_and_the_archive_is_sound(
    legacy: Built, ingest: Ingest, tmp_path: Path
) -> None:
    directory = tmp_path / "archive"
    where = place(legacy.url, directory)
    with pytest.raises(KeyboardInterrupt):
        import_in_place(where, Wishes(tell=stop))
    with pytest.raises(NotMoved, match="not complete"):
        drop_old(where)
    (unfinished,) = look_at_legacy(where.engine)
    assert unfinished.remedy == "ingest legacy import --in-place"
    for command, code in (("check", 1), ("upgrade", 0)):
        ran = ingest("db", command, DATABASE_URL=legacy.url)
        assert (ran.code, ran.err.count("`ingest legacy import --in-place`")) == (code, 1)
    import_in_place(where, Wishes())
    assert not [*look_at_legacy(where.engine)]
    documents = directory / "documents.jsonl"
    sound = documents.read_bytes()
    documents.write_bytes(sound.replace(b"docs", b"DOCS", 1))
    with pytest.raises(Exception, match="damaged"):
        drop_old(where)
    documents.write_bytes(sound)
    with psycopg.connect(legacy.url) as conn:
        conn.execute("UPDATE legacy_lightfast_docs_documents SET chunk_count = chunk_count + 1")
    with pytest.raises(NotMoved, match="other rows"):
        drop_old(where)
    where.engine.dispose()
    assert "legacy_lightfast_docs_documents" in tables(legacy.url)


def test_rows_that_were_written_after_the_export_are_not_left_behind(
    legacy: Built, tmp_path: Path
) -> None:
    directory = tmp_path / "archive"
    archive(legacy, directory)
    with psycopg.connect(legacy.url) as conn:
        conn.execute("UPDATE lightfast_docs_documents SET chunk_count = 77")
    where = place(legacy.url, directory)
    with pytest.raises(BadInput, match="other rows"):
        import_in_place(where, Wishes())
    where.engine.dispose()
    assert "lightfast_connected_repository" in tables(legacy.url)
    where = place(legacy.url, directory, given=False)
    import_in_place(where, Wishes())
    where.engine.dispose()
    with psycopg.connect(legacy.url) as conn:
        counts = conn.execute("SELECT DISTINCT chunk_count FROM lightfast_docs_documents")
        assert counts.fetchall() == [(77,)]


def test_a_dry_run_says_what_would_be_done_and_leaves_all_as_it_is(
    legacy: Built, tmp_path: Path
) -> None:
    before = tables(legacy.url)
    where = place(legacy.url, tmp_path / "archive")
    told = try_in_place(where, Wishes()).tally.as_json()
    assert tables(legacy.url) == before
    assert not (tmp_path / "archive").exists()
    assert import_in_place(where, Wishes()).tally.as_json() == told
    where.engine.dispose()


def test_it_is_told_how_far_each_step_is(make: Callable[[], str], tmp_path: Path) -> None:
    """Also of those that read the whole database, or the whole archive, and bring nothing in."""
    legacy, steps = database.build(make(), documents=1_000, oddities=()), [""]
    told: dict[str, set[str]] = {}

    def tell(passed: Passed) -> None:
        told.setdefault(steps[-1], set()).add(passed.logical)

    where = replace(place(legacy.url, tmp_path / "archive"), step=steps.append)
    import_in_place(where, Wishes(tell=tell))
    assert steps[1:] == ["export", "verify", "move aside", "upgrade", "import", "done"]
    assert all("documents" in told[step] for step in ("export", "verify", "move aside", "import"))
    told.clear()
    steps[:] = [""]
    drop_old(where, tell)
    where.engine.dispose()
    assert steps[1:] == ["verify", "compare"]
    assert all("documents" in told[step] for step in ("verify", "compare"))


def test_an_older_generation_of_tables_comes_over_too(
    make: Callable[[], str], engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    old = database.build(make(), generation="lf", documents=5, oddities=ODD)
    bring(engine, archive(old, tmp_path / "reference"))
    run(old.url, tmp_path / "archive")
    assert standing(old.url) == standing(database_url)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_it_is_killed_at_every_moment_and_ends_the_same(
    make: Callable[[], str], engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    legacy = database.build(make(), documents=1_000)
    directory, killed, moment = tmp_path / "archive", 0, 0
    while True:
        moment += 1
        code = kill(legacy.url, directory, moment)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
    assert killed >= MOMENTS
    bring(engine, directory)  # this very one: times that nobody can read are those of an archive
    assert standing(legacy.url) == standing(database_url)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_it_is_killed_at_any_time_and_ends_the_same(
    make: Callable[[], str], engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    legacy = database.build(make(), documents=10_000)
    drawn, directory = random.Random(12), tmp_path / "archive"
    argv = [sys.executable, "-m", "tests.legacy.killed", legacy.url, str(directory), "0"]
    for _ in range(20):
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as going:
            time.sleep(drawn.uniform(1.0, 12.0))
            going.kill()
    run(legacy.url, directory)
    bring(engine, directory)
    assert standing(legacy.url) == standing(database_url)


def test_beside_our_schema_nothing_is_moved(make: Callable[[], str], tmp_path: Path) -> None:
    """Three tables are called as ours: what serves now must not be taken for the old ones."""
    where = place(make(), tmp_path / "archive", given=False)
    upgrade(where.engine, source_types())
    with where.engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE lightfast_connected_repository (id varchar(191))")
    with pytest.raises(UnfitDatabase, match="has our schema already"):
        import_in_place(where, Wishes())
    where.engine.dispose()
    assert not (tmp_path / "archive").exists()


def test_the_archive_of_another_database_is_not_replaced(
    make: Callable[[], str], legacy: Built, tmp_path: Path
) -> None:
    kept = archive(database.build(make(), documents=3, oddities=()), tmp_path / "archive")
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    where = place(legacy.url, kept, given=False)
    with pytest.raises(BadInput, match="holds the archive of database"):
        import_in_place(where, Wishes())
    where.engine.dispose()
    assert before == {path.name: path.read_bytes() for path in kept.iterdir()}
