"""An archive comes in: every row is accounted for, by rules that a script apart says once more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ingest.flows.legacy.lines import to_json
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, ingest
from tests.databases import empty_databases
from tests.legacy import database, rows
from tests.legacy.archiving import archive
from tests.legacy.check_import import accounted, check
from tests.legacy.database import STORES
from tests.legacy.importing import Report, archive_of, bring
from tests.legacy.rows import id_of
from tests.legacy.standing import standing

__all__ = ["ingest"]

pytestmark = [pytest.mark.integration, pytest.mark.once]


@pytest.fixture
def make(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as made:
        yield made


def written(report: Report, path: Path) -> Path:
    path.write_text("".join(f"{to_json(line)}\n" for line in report.lines), "utf-8")
    return path


def test_every_row_of_an_odd_database_comes_over_by_the_rules(
    make: Callable[[], str], engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    directory = archive(database.build(make(), documents=50), tmp_path / "archive")
    would = bring(engine, directory, is_dry=True)
    assert not any(standing(database_url).values())
    did = bring(engine, directory)
    assert would.lines == did.lines
    assert would.tables == did.tables
    report = written(did, tmp_path / "report.jsonl")
    assert check(directory, database_url, report) == []
    assert accounted(did.tables, directory) == []
    before = standing(database_url)
    again = bring(engine, directory)
    assert standing(database_url) == before
    assert again.lines == did.lines
    assert {counts["written"] for counts in again.tables.values()} == {0}
    require_a_sharp_eye(directory, database_url, report)


def require_a_sharp_eye(directory: Path, url: str, report: Path) -> None:
    """What checks finds what is wrong, of each kind; a report that lies about a row among them."""
    lines = report.read_text("utf-8").splitlines(keepends=True)
    refused = next(line for line in lines if '"repository-id"' in line)
    lied = report.with_name("lied.jsonl")
    lied.write_text("".join(line for line in lines if line != refused), "utf-8")
    assert any("is not said" in one for one in check(directory, url, lied))
    lied.write_text("".join([*lines, refused.replace("repository-id", "no-parent")]), "utf-8")
    assert any("is said" in one for one in check(directory, url, lied))
    wrong = (
        "UPDATE lightfast_docs_documents SET slug = slug || 'x' WHERE id = '1'",
        "UPDATE lightfast_document_ledger SET scope = '7' WHERE document_id = '1'",
        "DELETE FROM lightfast_legacy_vector_entries WHERE id = repeat('v', 191)",
        "UPDATE lightfast_ingestion_events SET event_key = 'x' WHERE event_key = 'd-1'",
    )
    with psycopg.connect(url) as conn:
        for statement in wrong:
            assert conn.execute(statement.encode()).rowcount == 1
    found = check(directory, url, report)
    assert {line.split()[0] for line in found} == {"documents", "commits", "vector_entries"}
    assert len(found) >= len(wrong)


def test_an_import_beside_live_sources_leaves_them_alone_and_says_what_is_in_the_way(
    make: Callable[[], str], engine: sa.Engine, tmp_path: Path
) -> None:
    here = [
        rows.organization("here", github_org_id=rows.number_of("there")),
        rows.workspace("there", organization_id="org_here"),
        rows.store("there", id="another", index_name="another"),
        rows.organization("same", clerk_org_slug="before"),
    ]
    bring(engine, archive_of(make(), tmp_path / "here", here))
    told = [
        *rows.ordinary("there"),
        rows.document("there", "a.md"),
        rows.organization("same", clerk_org_slug="after"),
    ]
    report = bring(engine, archive_of(make(), tmp_path / "there", told))
    assert report.said("organizations", "org_there") == {("changed", "installation-taken")}
    assert report.said("organizations", "org_same") == {("kept", "differs-here")}
    assert report.said("workspaces", id_of("there")) == {("kept", "differs-here")}
    assert ("changed", "slug-taken") in report.said("stores", f"{id_of('there')}_docs")
    # The workspace is another tenant's here, and so is what came into it.
    assert {rule for _, rule in report.said("repositories", id_of("there/site"))} >= {
        "workspace-elsewhere"
    }
    assert {rule for _, rule in report.said("store_repositories", id_of("there/site linked"))} == {
        "link-across-tenants"
    }
    assert report.tables["documents"]["written"] == 1


def test_an_import_into_a_store_that_a_connection_had_left_goes_through(
    make: Callable[[], str], engine: sa.Engine, tmp_path: Path
) -> None:
    """Bug: it took the store for one that a connection was leaving just then, each time anew."""
    told = [*rows.ordinary("old"), rows.document("old", "a.md")]
    bring(engine, archive_of(make(), tmp_path / "first", told))
    with transaction(engine) as conn:
        conn.exec_driver_sql("UPDATE lightfast_stores SET links_taken = 1")
    report = bring(
        engine, archive_of(make(), tmp_path / "second", [*told, rows.document("old", "b.md")])
    )
    assert report.tables["documents"]["written"] == 1


def test_a_column_that_has_no_place_is_named(
    make: Callable[[], str], engine: sa.Engine, tmp_path: Path
) -> None:
    """Older generations had a title; people add columns by hand."""
    told = [*rows.ordinary("old"), rows.document("old", "a.md")]
    titled = "ALTER TABLE lightfast_docs_documents ADD title text DEFAULT 'A title'"
    report = bring(engine, archive_of(make(), tmp_path / "archive", told, altered=titled))
    assert ("changed", "unknown-column") in report.said("documents", str(told[-1][1]["id"]))


def test_a_row_that_cannot_be_stored_is_refused_alone(
    make: Callable[[], str], engine: sa.Engine, tmp_path: Path
) -> None:
    """Somebody made a column wider by hand, and used it."""
    bad = rows.document("fit", "b.md", content_hash="x" * 65)
    told = [*rows.ordinary("fit"), rows.document("fit", "a.md"), bad]
    wider = "ALTER TABLE lightfast_docs_documents ALTER content_hash TYPE text"
    report = bring(engine, archive_of(make(), tmp_path / "archive", told, altered=wider))
    assert report.said("documents", str(bad[1]["id"])) == {("refused", "unfit")}
    assert report.tables["documents"]["written"] == 1


def test_an_archive_of_a_later_time_says_what_differs(
    make: Callable[[], str], engine: sa.Engine, tmp_path: Path
) -> None:
    told = [*rows.ordinary("later"), rows.document("later", "a.md")]
    bring(engine, archive_of(make(), tmp_path / "first", told))
    changed = rows.document("later", "a.md", content_hash=rows.hash_of("edited"))
    added = rows.document("later", "b.md")
    later = bring(engine, archive_of(make(), tmp_path / "second", [*told[:-1], changed, added]))
    assert later.said("documents", str(changed[1]["id"])) == {("kept", "differs-here")}
    assert later.tables["documents"]["written"] == 1


def test_the_command_accounts_for_every_row(
    make: Callable[[], str], ingest: Ingest, tmp_path: Path
) -> None:
    directory = archive(database.build(make(), documents=STORES, oddities=()), tmp_path / "a")
    assert ingest("db", "upgrade").code == 0
    dry = ingest("legacy", "import", str(directory), "--dry-run", "--json").json
    assert dry["tables"]["documents"]["written"] == STORES
    assert not (directory / "import-report.jsonl").exists()
    done = ingest("legacy", "import", str(directory), "--json").json
    assert done["tables"] == dry["tables"]
    assert done["rules"] == dry["rules"]
    told = Path(done["report"]).read_text("utf-8").splitlines()
    assert len(told) == sum(done["rules"].values())
    assert {*json.loads(told[0])} == {"table", "id", "what", "field", "before", "after", "rule"}
    shown = ingest("legacy", "import", str(directory))
    assert shown.code == 0
    assert "default-branch" in shown.out
    assert "No secret came along" in shown.err


def test_the_command_says_what_it_needs(ingest: Ingest, tmp_path: Path) -> None:
    assert ingest("legacy", "import").code == 2
    assert ingest("legacy", "import", str(tmp_path), "--drop-old").code == 2
    old = ingest("legacy", "import", "--in-place", "--drop-old", "--report", "r.jsonl")
    assert (old.code, "leave --report out" in old.err) == (2, True)
    over = ingest("legacy", "import", str(tmp_path), "--report", str(tmp_path / "documents.jsonl"))
    assert (over.code, "as a file of an archive" in over.err) == (2, True)
    nothing = ingest("legacy", "import", str(tmp_path / "nothing"))
    assert nothing.code == 2
    assert "ingest legacy export" in nothing.err
    assert ingest("db", "upgrade").code == 0
    other = ingest("legacy", "import", "--in-place", INGEST_DATA_DIR=str(tmp_path))
    assert other.code == 1
    assert "no legacy table" in other.err
