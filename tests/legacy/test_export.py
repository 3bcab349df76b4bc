"""A legacy database comes out whole, as it was at one moment, and with every digit."""

from __future__ import annotations

import errno
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ingest.core.errors import Unavailable
from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.export import export
from ingest.flows.legacy.passing import Passed
from ingest.flows.legacy.writing import ArchiveUnwritable
from ingest.sources.registry import source_types
from ingest.store.condition import UnfitDatabase
from ingest.store.engine import connect, transaction
from ingest.store.upgrade import upgrade
from tests.databases import empty_databases
from tests.legacy.check_archive import check
from tests.legacy.database import Built, build, insert, make_tables
from tests.legacy.ddl import NAMES, ORDER, ddl
from tests.legacy.oddities import ODDITIES
from tests.legacy.rows import document, ordinary
from tests.pgbouncer import IGNORED, pgbouncer

pytestmark = pytest.mark.integration
JSON_NULL = "'null'"


@pytest.fixture(scope="module")
def make_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as make:
        yield make


@pytest.fixture(scope="module")
def odd(make_database: Callable[[], str]) -> Built:
    """The newest generation, with everything odd in it; nobody writes to it."""
    return build(make_database(), documents=40)


@pytest.fixture(scope="module")
def shared_url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
def empty_url(shared_url: str) -> str:
    """A schema of one database, which costs less than a database."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    run(shared_url, f"CREATE SCHEMA {schema}")
    return f"{shared_url}?options=-csearch_path%3D{schema}"


@pytest.fixture
def own_url(make_database: Callable[[], str]) -> str:
    """A database without any table, for who looks at schemas or roles."""
    return make_database()


def out(url: str, directory: Path, *, replace: bool = False) -> Archive:
    """Export a database."""
    engine = connect(url)
    try:
        export(engine, directory, program="0.0.0", replace=replace)
    finally:
        engine.dispose()
    return Archive.open(directory)


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def test_every_row_comes_out_as_it_is(odd: Built, tmp_path: Path) -> None:
    archive = out(odd.url, tmp_path / "archive")
    assert check(odd.url, tmp_path / "archive") == []
    rows = {name: table.rows for name, table in archive.tables.items() if table is not None}
    assert rows == odd.rows
    assert archive.manifest.enums == {
        "config_status": ("configured", "unconfigured", "ingesting", "error", "pending")
    }
    assert [name for name, table in archive.tables.items() if table is None] == []


def test_an_archive_of_everything_odd_is_sound(odd: Built, tmp_path: Path) -> None:
    assert out(odd.url, tmp_path).verify() == []


def test_the_checker_of_these_tests_finds_what_differs(odd: Built, tmp_path: Path) -> None:
    out(odd.url, tmp_path)
    path = tmp_path / "documents.jsonl"
    path.write_bytes(path.read_bytes().replace(b"1.10", b"1.1"))
    assert [said.partition(":")[0] for said in check(odd.url, tmp_path)] == ["documents"] * 3


def test_an_unchanged_database_gives_the_same_files(odd: Built, tmp_path: Path) -> None:
    first, second = out(odd.url, tmp_path / "1"), out(odd.url, tmp_path / "2")
    assert first.tables == second.tables
    for logical in ORDER:
        name = f"{logical}.jsonl"
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_the_older_generation_comes_out_with_its_own_columns(
    empty_url: str, tmp_path: Path
) -> None:
    built = build(empty_url, generation="lf", documents=20)
    archive = out(built.url, tmp_path)
    assert check(built.url, tmp_path) == []
    assert archive.verify() == []
    tables = {name: table.table for name, table in archive.tables.items() if table is not None}
    assert tables == NAMES["lf"]
    assert "title" in next(archive.rows("documents"))
    assert next(archive.rows("repositories"))["is_enabled"] is True


def test_columns_that_nobody_knows_are_kept(empty_url: str, tmp_path: Path) -> None:
    build(empty_url, oddities=["store_with_two_repositories"])
    run(
        empty_url,
        'ALTER TABLE lightfast_docs_documents ADD "Über Spalte" numeric DEFAULT 1.50, '
        "ADD seen timestamptz DEFAULT '2024-05-06 07:08:09.5+02', ADD nan float8 DEFAULT 'NaN', "
        f'ADD "50% %s ""off""" jsonb DEFAULT {JSON_NULL}, '
        "ADD raw bytea DEFAULT '\\x00ff', DROP frontmatter",
        "ALTER TABLE lightfast_connected_repository ALTER config_status DROP DEFAULT, "
        "ALTER config_status TYPE text",
    )
    archive = out(empty_url, tmp_path)
    assert archive.verify() == []
    row = next(archive.rows("documents"))
    assert str(row["Über Spalte"]) == "1.50"
    assert (row["seen"], row["nan"], row["raw"]) == (
        "2024-05-06T05:08:09.5+00:00",
        "NaN",
        "\\x00ff",
    )
    assert "frontmatter" not in row
    assert row['50% %s "off"'] is None
    table = archive.tables["documents"]
    assert table is not None
    assert table.json_nulls == {'50% %s "off"': table.rows}
    assert archive.manifest.enums == {}


def test_a_database_without_rows_comes_out_too(empty_url: str, tmp_path: Path) -> None:
    run(empty_url, ddl())
    archive = out(empty_url, tmp_path)
    assert archive.verify() == []
    assert check(empty_url, tmp_path) == []
    assert [*archive.rows("documents")] == []


def test_all_tables_are_of_one_moment(empty_url: str, tmp_path: Path) -> None:
    """What is written while the export reads is in none of its files."""
    build(empty_url, oddities=["store_with_two_repositories"])
    engine = connect(empty_url)
    seen: list[Passed] = []

    def write(passed: Passed) -> None:
        if not seen:
            with psycopg.connect(empty_url) as conn:
                insert(conn, [*ordinary("late"), document("late", "late.md")])
                conn.execute("DELETE FROM lightfast_ingestion_commits")
        seen.append(passed)

    with psycopg.connect(empty_url) as conn:
        make = "INSERT INTO lightfast_organizations SELECT 'org-' || n, '', n, n, '', '', '', 'u'"
        conn.execute(f"{make} FROM generate_series(1, 1500) n".encode())
    export(engine, tmp_path, program="0.0.0", tell=write)
    engine.dispose()
    assert seen
    archive = Archive.open(tmp_path)
    assert archive.verify() == []
    assert len([*archive.rows("commits")]) == 1
    assert "late" not in (tmp_path / "stores.jsonl").read_text()


def test_nobody_drops_a_table_that_is_being_read(empty_url: str, tmp_path: Path) -> None:
    build(empty_url, documents=1_200, oddities=[])
    engine, refused = connect(empty_url), []

    def drop(_: Passed) -> None:
        with pytest.raises(psycopg.errors.LockNotAvailable):
            run(empty_url, "SET lock_timeout = '50ms'", "DROP TABLE lightfast_vector_entries")
        refused.append(True)

    export(engine, tmp_path, program="0.0.0", tell=drop)
    engine.dispose()
    assert refused


class _DiskFullError(OSError):
    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("trouble", "told"),
    [(_DiskFullError, ArchiveUnwritable), (KeyboardInterrupt, KeyboardInterrupt)],
)
def test_what_ends_it_in_the_middle_is_told_as_it_is(
    empty_url: str,
    tmp_path: Path,
    trouble: type[BaseException],
    told: type[BaseException],
) -> None:
    """And nothing is left of it: not of the files, and not of the session."""
    build(empty_url, documents=1_200, oddities=[])
    engine = connect(empty_url, pool_size=1)

    def fail(_: Passed) -> None:
        raise trouble

    with pytest.raises(told):
        export(engine, tmp_path, program="0.0.0", tell=fail)
    assert [*tmp_path.iterdir()] == []
    export(engine, tmp_path, program="0.0.0")
    engine.dispose()
    assert Archive.open(tmp_path).verify() == []


# What is no legacy database.


def test_an_empty_database_is_told(empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(UnfitDatabase, match=r"holds no legacy table; let DATABASE_URL"):
        out(empty_url, tmp_path / "archive")
    assert not (tmp_path / "archive").exists()


def test_a_database_of_ours_is_told_from_a_legacy_one_by_its_columns(
    engine: sa.Engine, tmp_path: Path
) -> None:
    with pytest.raises(UnfitDatabase, match="holds no legacy table"):
        export(engine, tmp_path / "archive", program="0.0.0")


def test_old_tables_beside_our_schema_come_out(own_url: str, tmp_path: Path) -> None:
    """Of what both worlds have, the older name is the legacy one; ours of documents is left out."""
    engine = connect(own_url)
    upgrade(engine, source_types())
    engine.dispose()
    with psycopg.connect(own_url) as conn:
        conn.execute("CREATE SCHEMA apart")
        conn.execute("SET search_path TO apart")
        make_tables(conn, "lf")
        for name in ("lf_docs_documents", "lf_stores", "lightfast_deus_organizations"):
            conn.execute(f"CREATE TABLE public.{name} (LIKE {name})".encode())
    archive = out(own_url, tmp_path)
    tables = {name: table.table for name, table in archive.tables.items() if table is not None}
    assert tables == {
        "organizations": "lightfast_deus_organizations",
        "workspaces": "lightfast_workspaces",
        "stores": "lf_stores",
        "documents": "lf_docs_documents",
    }


def test_the_oldest_of_all_had_two_tables(empty_url: str, tmp_path: Path) -> None:
    run(empty_url, ddl("lf"))
    run(empty_url, "DROP TABLE lightfast_workspaces CASCADE", "DROP TABLE lf_stores CASCADE")
    run(empty_url, "ALTER TABLE lightfast_deus_connected_repository DROP workspace_id")
    rest = "lightfast_store_repositories, lf_docs_documents, lf_ingestion_commits"
    run(empty_url, f"DROP TABLE lf_vector_entries, {rest}")
    archive = out(empty_url, tmp_path)
    there = [name for name, table in archive.tables.items() if table is not None]
    assert there == ["organizations", "repositories"]


def test_two_generations_of_one_table_are_told(empty_url: str, tmp_path: Path) -> None:
    run(empty_url, ddl(), "CREATE TABLE lf_ingestion_commits (LIKE lightfast_ingestion_commits)")
    said = r"commits .*lightfast_ingestion_commits and lf_ingestion_commits; rename away"
    with pytest.raises(UnfitDatabase, match=said):
        out(empty_url, tmp_path)


def test_a_view_of_the_older_name_is_no_second_table(empty_url: str, tmp_path: Path) -> None:
    run(empty_url, ddl(), "CREATE VIEW lf_stores AS SELECT * FROM lightfast_stores")
    table = out(empty_url, tmp_path).tables["stores"]
    assert table is not None
    assert table.table == "lightfast_stores"


def test_an_absent_table_is_told_in_the_manifest(empty_url: str, tmp_path: Path) -> None:
    run(empty_url, ddl(), "DROP TABLE lightfast_vector_entries, lightfast_store_repositories")
    archive = out(empty_url, tmp_path)
    assert [name for name, table in archive.tables.items() if table is None] == [
        "store_repositories",
        "vector_entries",
    ]
    assert archive.verify() == []


def test_a_table_that_others_need_may_not_be_absent(empty_url: str, tmp_path: Path) -> None:
    run(empty_url, ddl(), "DROP TABLE lightfast_stores CASCADE")
    said = (
        r"lightfast_store_repositories.store_id refers to stores, .*lightfast_stores or lf_stores"
    )
    with pytest.raises(UnfitDatabase, match=said):
        out(empty_url, tmp_path)


def test_a_table_without_what_it_needs_is_told(empty_url: str, tmp_path: Path) -> None:
    run(
        empty_url, ddl(), "ALTER TABLE lightfast_ingestion_commits DROP delivery_id, DROP after_sha"
    )
    with pytest.raises(UnfitDatabase, match="no column after_sha, delivery_id"):
        out(empty_url, tmp_path)


def test_rows_that_a_policy_hides_are_not_left_out_in_silence(own_url: str, tmp_path: Path) -> None:
    build(own_url, oddities=["store_without_anything"])
    role = f"reader_{tmp_path.name[-20:].replace('-', '_')}"
    run(
        own_url,
        f"CREATE ROLE {role} LOGIN PASSWORD 'of a test'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    )
    host = own_url.rpartition("@")[2]
    read_by = f"postgresql://{role}:of%20a%20test@{host}"
    try:
        assert out(read_by, tmp_path / "all").verify() == []
        run(own_url, "ALTER TABLE lightfast_stores ENABLE ROW LEVEL SECURITY")
        with pytest.raises(Unavailable, match="row-level security"):
            out(read_by, tmp_path / "some")
    finally:
        run(own_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_tables_are_found_along_the_search_path(own_url: str, tmp_path: Path) -> None:
    with psycopg.connect(own_url) as conn:
        conn.execute("CREATE SCHEMA old")
        conn.execute("SET search_path TO old")
        make_tables(conn)
        insert(conn, ODDITIES["store_without_anything"]())
    assert len([*out(f"{own_url}?schema=old", tmp_path / "a").rows("stores")]) == 1
    with pytest.raises(UnfitDatabase, match="no legacy table"):
        out(own_url, tmp_path / "b")


def test_it_comes_out_through_a_pooler(odd: Built, tmp_path: Path) -> None:
    with pgbouncer(odd.url, tmp_path / "pooler", ignores=IGNORED) as url:
        archive = out(url, tmp_path / "through")
    assert archive.tables == out(odd.url, tmp_path / "straight").tables


def test_what_is_done_in_the_session_after_it_is_as_ever(empty_url: str, tmp_path: Path) -> None:
    """It writes, in the usual isolation and within the usual time."""
    build(empty_url, oddities=["store_without_anything"])
    engine = connect(empty_url, pool_size=1)
    export(engine, tmp_path, program="0.0.0")
    with transaction(engine) as conn:
        conn.exec_driver_sql("CREATE TABLE a_new_one ()")
        names = ("transaction_isolation", "statement_timeout", "row_security")
        told = [conn.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
    engine.dispose()
    assert told == ["read committed", "1min", "on"]


def test_several_exports_at_once_each_have_a_directory(odd: Built, tmp_path: Path) -> None:
    places = [tmp_path / str(number) for number in range(3)]
    threads = [threading.Thread(target=out, args=(odd.url, place)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [json.loads((place / "manifest.json").read_text())["tables"] for place in places]
    assert told[0] == told[1] == told[2]
