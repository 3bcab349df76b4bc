"""`upgrade`: any number of times, by any number at once; what is not ours is left as it was."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from ingest.core.identity import Identity, document_id
from ingest.sources.registry import source, source_types
from ingest.store import catalog, migrations
from ingest.store.condition import UnfitDatabase, require_postgres
from ingest.store.engine import connect, transaction
from ingest.store.upgrade import Report, check, head, is_current, standing, upgrade
from tests import factories
from tests.databases import empty_databases

pytestmark = pytest.mark.integration

SCHEMA = Path(__file__).parents[2] / "schema" / "schema.sql"
SOURCES = source_types()
ADDED = tuple(name for name in SOURCES if not source(name).seed_types)
"""What the seed does not know: sources of other packages that are installed."""
LEGACY_DOCUMENTS = """
CREATE TABLE lightfast_docs_documents (id varchar(191) PRIMARY KEY, path varchar(512) NOT NULL);
INSERT INTO lightfast_docs_documents VALUES ('one', 'docs/one.md');
"""
_TOLD = sa.text("""
INSERT INTO lightfast_connection_facts (connection_id, fact, event_key)
VALUES (:id, gen_random_uuid(), 'a key')
""")
_EARLIEST = sa.text("SELECT connection_id, version FROM lightfast_unsigned_times")
UPGRADE = """
import sys
from ingest.store.engine import connect
from ingest.store.upgrade import upgrade
print(upgrade(connect(sys.argv[1]), sys.argv[2:]).before)
"""


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    """A database without any table."""
    with empty_databases(postgres_url) as make:
        yield make()


@pytest.fixture
def empty(empty_url: str) -> Iterator[sa.Engine]:
    made = connect(empty_url)
    yield made
    made.dispose()


def test_each_migrations_file_is_named_by_its_version() -> None:
    """Who only looks how far a database is reads the names, and loads no Alembic."""
    scripts = ScriptDirectory(str(SCHEMA.parent / "migrations"))
    files = (SCHEMA.parent / "migrations" / "versions").glob("*.py")
    assert {one.revision for one in scripts.walk_revisions()} == {file.name[:4] for file in files}
    assert scripts.get_current_head() == head()


def test_an_empty_database_becomes_current(empty: sa.Engine) -> None:
    assert check(empty, SOURCES) != []
    assert not is_current(empty)
    assert upgrade(empty, SOURCES) == Report(None, head(), ADDED)
    assert check(empty, SOURCES) == []
    assert is_current(empty)


def test_a_second_upgrade_finds_nothing_to_do(empty: sa.Engine) -> None:
    upgrade(empty, SOURCES)
    before = _catalog(empty)
    assert upgrade(empty, SOURCES) == Report(head(), head(), ())
    assert _catalog(empty) == before


def test_of_several_processes_at_once_one_does_the_work(empty_url: str) -> None:
    command = [sys.executable, "-c", UPGRADE, empty_url, *SOURCES, "gitlab"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    assert sorted(out.strip() for out, _ in told) == [head(), head(), "None"]


def test_a_source_type_that_is_missing_is_added_and_can_be_used(empty: sa.Engine) -> None:
    upgrade(empty, SOURCES)
    assert check(empty, [*SOURCES, "gitlab"]) == [
        "source types are missing (gitlab): run `ingest db upgrade`"
    ]
    assert upgrade(empty, [*SOURCES, "gitlab"]).added_source_types == ("gitlab",)
    assert upgrade(empty, [*SOURCES, "gitlab"]).added_source_types == ()
    assert check(empty, [*SOURCES, "gitlab"]) == []
    with transaction(empty) as conn:
        conn.exec_driver_sql("INSERT INTO lightfast_payload_drift VALUES ('gitlab', 'x')")


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        ("CREATE TABLE lightfast_ingestion_commits (id int)", "lightfast_ingestion_commits"),
        ("CREATE TABLE lightfast_connected_repository (id int)", "lightfast_connected_repository"),
        (
            "CREATE TABLE lightfast_deus_connected_repository (id int)",
            "lightfast_deus_connected_repository",
        ),
        ("CREATE TABLE lightfast_store_repositories (id int)", "lightfast_store_repositories"),
        ("CREATE TABLE lf_stores (id int)", "lf_stores"),
        (LEGACY_DOCUMENTS, "lightfast_docs_documents"),
    ],
)
def test_a_legacy_database_is_refused_and_left_as_it_was(
    empty: sa.Engine, empty_url: str, statements: str, found: str
) -> None:
    _run(empty_url, statements)
    before = _catalog(empty)
    with pytest.raises(
        UnfitDatabase, match=f"legacy.*{found}.*nothing was changed.*legacy export DIR"
    ):
        upgrade(empty, SOURCES)
    assert _catalog(empty) == before
    assert "legacy" in " ".join(check(empty, SOURCES))
    assert not is_current(empty)


def test_somebody_elses_tables_of_our_names_are_refused(empty: sa.Engine, empty_url: str) -> None:
    _run(empty_url, "CREATE TABLE lightfast_stores (id int)")
    before = _catalog(empty)
    with pytest.raises(UnfitDatabase, match=r"lightfast_stores\); nothing was changed"):
        upgrade(empty, SOURCES)
    assert _catalog(empty) == before


def test_legacy_tables_that_come_after_ours_do_not_matter(empty: sa.Engine, empty_url: str) -> None:
    upgrade(empty, SOURCES)
    _run(empty_url, "CREATE TABLE lightfast_store_repositories (id int)")
    assert upgrade(empty, SOURCES) == Report(head(), head(), ())


def test_other_tables_beside_ours_do_not_matter(empty: sa.Engine, empty_url: str) -> None:
    _run(empty_url, "CREATE TABLE alembic_version (version_num text); CREATE TABLE users (id int)")
    upgrade(empty, SOURCES)
    assert check(empty, SOURCES) == []


def test_a_database_made_from_the_schema_file_is_taken_over(
    empty: sa.Engine, empty_url: str
) -> None:
    _run(empty_url, SCHEMA.read_text())
    _run(empty_url, "CREATE TABLE users (id int)")
    assert "made by hand" in check(empty, SOURCES)[0]
    assert upgrade(empty, SOURCES) == Report(None, head(), ADDED, adopted=True)
    assert check(empty, SOURCES) == []
    with transaction(empty) as conn:
        assert sa.inspect(conn).get_schema_names() == ["information_schema", "public"]


def test_a_hand_made_database_that_differs_is_refused(empty: sa.Engine, empty_url: str) -> None:
    _run(empty_url, SCHEMA.read_text())
    _run(empty_url, "ALTER TABLE lightfast_bells ALTER queue TYPE varchar(9)")
    before = _catalog(empty)
    with pytest.raises(UnfitDatabase, match=r"lightfast_bells.queue 1 character varying\(9\)"):
        upgrade(empty, SOURCES)
    assert _catalog(empty) == before


def test_a_database_of_a_newer_program_is_refused(empty: sa.Engine, empty_url: str) -> None:
    upgrade(empty, SOURCES)
    _run(empty_url, "UPDATE lightfast_schema_version SET version_num = '9999'")
    _run(empty_url, "UPDATE lightfast_schema_serves SET oldest = '9999'")
    with pytest.raises(UnfitDatabase, match=r"9999.*newer program"):
        upgrade(empty, SOURCES)
    assert "9999" in check(empty, SOURCES)[0]
    assert not is_current(empty)


def test_a_newer_schema_that_serves_this_program_is_current_and_left_alone(
    empty: sa.Engine, empty_url: str
) -> None:
    """Bug: an old receiver left the rotation as soon as the schema went ahead."""
    upgrade(empty, SOURCES)
    _run(
        empty_url,
        "UPDATE lightfast_schema_serves SET oldest ="
        " (SELECT version_num FROM lightfast_schema_version)",
    )
    _run(empty_url, "UPDATE lightfast_schema_version SET version_num = '9999'")
    before = _catalog(empty)
    assert is_current(empty)
    assert check(empty, SOURCES) == []
    assert standing(empty) == f"9999, ahead of this program's {head()}"
    assert upgrade(empty, SOURCES) == Report("9999", "9999", ())
    assert _catalog(empty) == before
    _run(empty_url, "UPDATE lightfast_schema_serves SET oldest = '9999'")
    assert not is_current(empty)
    assert "no longer serves" in check(empty, SOURCES)[0]


def test_what_is_in_the_way_of_a_migration_is_let_pass(empty_url: str) -> None:
    """Bug: beside busy workers it ended with their locks, and held up whoever came behind it."""
    with (
        _standing_at(empty_url, "0003") as made,
        psycopg.connect(empty_url) as busy,
        ThreadPoolExecutor(1) as thread,
    ):
        busy.execute("LOCK TABLE lightfast_lookups IN ROW EXCLUSIVE MODE")
        upgraded = thread.submit(upgrade, made, ["github"])
        time.sleep(3.0)
        assert not upgraded.done()
        busy.rollback()
        assert upgraded.result(60) == Report("0003", head(), ())


def test_a_user_who_may_not_create_tables_is_told_so(empty_url: str) -> None:
    role = f"plain_{empty_url.rsplit('_', 1)[1]}"
    _run(empty_url, f"CREATE ROLE {role} LOGIN PASSWORD 'plain'")
    url = sa.make_url(empty_url).set(username=role, password="plain")
    made = connect(url.render_as_string(hide_password=False))
    try:
        with pytest.raises(UnfitDatabase, match=r"permission denied.*must own"):
            upgrade(made, SOURCES)
    finally:
        made.dispose()
        _run(empty_url, f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("version_num", "encoding", "problem"),
    [
        (140_011, "UTF8", "PostgreSQL 14 is too old: 15 or newer"),
        (90_624, "UTF8", "PostgreSQL 9 is too old"),
        (170_002, "SQL_ASCII", "encoded in SQL_ASCII"),
    ],
)
def test_a_server_that_cannot_hold_the_schema_is_refused(
    version_num: int, encoding: str, problem: str
) -> None:
    require_postgres(150_000, "UTF8")
    with pytest.raises(UnfitDatabase, match=problem):
        require_postgres(version_num, encoding)


def _run(url: str, statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())


def _catalog(engine: sa.Engine) -> frozenset[str]:
    with transaction(engine) as conn:
        names = sa.inspect(conn).get_table_names()
        return catalog.tables(conn, names) | catalog.enums(conn)


def test_documents_of_sentry_and_vercel_move_into_their_project(empty_url: str) -> None:
    """The ledger's identities lay at the host: the next delivery updates that very row."""
    with _standing_at(empty_url, "0002") as made:
        connection = factories.connect(made, "sentry", stores=[factories.make_store(made, "s")])
        at_host = Identity("sentry", "sentry.io", "issue", "9001")
        on_it = Identity("sentry", "sentry.io", "comment", "77")
        with transaction(made) as conn:
            for identity, parent in ((at_host, None), (on_it, document_id(at_host, "s"))):
                _enter(conn, identity, parent, fed_by=connection)
        upgrade(made, SOURCES)
        with transaction(made) as conn:
            rows = conn.execute(
                sa.text("""
                SELECT kind, scope, CAST(identity AS text), CAST(parent AS text), document_id
                FROM lightfast_document_ledger ORDER BY kind DESC
            """)
            ).all()
    now = [replace(identity, scope="sentry.io/501") for identity in (at_host, on_it)]
    issue, comment = (document_id(identity, "s") for identity in now)
    assert [tuple(row) for row in rows] == [
        ("issue", "sentry.io/501", issue, None, "document-issue"),
        ("comment", "sentry.io/501", comment, issue, "document-comment"),
    ]


def test_what_sentry_told_before_the_upgrade_turns_no_clock_back(empty_url: str) -> None:
    """When it was told is not known: a copy of it that comes now says nothing."""
    with _standing_at(empty_url, "0003") as made:
        sentry, github = (factories.connect(made, name) for name in ("sentry", "github"))
        with transaction(made) as conn:
            for id_ in (sentry, github):
                conn.execute(_TOLD, {"id": id_})
        upgrade(made, SOURCES)
        with transaction(made) as conn:
            kept = conn.execute(_EARLIEST).all()
    assert [tuple(row) for row in kept] == [(sentry, "0" * 20)]


@contextmanager
def _standing_at(url: str, version: str) -> Iterator[sa.Engine]:
    """A database as an older program left it."""
    made = connect(url)
    with made.begin() as conn:
        migrations.run(conn, version)
    yield made
    made.dispose()


def _enter(conn: sa.Connection, identity: Identity, parent: str | None, *, fed_by: str) -> None:
    conn.execute(
        sa.text("""
            INSERT INTO lightfast_document_ledger
              (identity, document_id, store_id, source_type, scope, kind, external_id, slug, parent)
            VALUES (:key, :document, 's', 'sentry', :scope, :kind, :id, :document, :parent)
        """),
        {
            "key": document_id(identity, "s"),
            "document": f"document-{identity.kind}",
            "scope": identity.scope,
            "kind": identity.kind,
            "id": identity.id,
            "parent": parent,
        },
    )
    conn.execute(
        sa.text("INSERT INTO lightfast_document_feeds VALUES (:document, :fed_by, true, NULL)"),
        {"document": f"document-{identity.kind}", "fed_by": fed_by},
    )
