"""Each rule of docs/legacy.md that refuses or changes a row names it in the report, with what stood
there and what stands there now; and the script apart finds the same rows by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.legacy.importing import RECOUNTED
from ingest.flows.legacy.lines import to_json
from ingest.flows.legacy.reporting import RULES
from ingest.store.engine import transaction
from tests.databases import empty_databases
from tests.factories import connect
from tests.legacy import rows
from tests.legacy.check_import import accounted, check
from tests.legacy.importing import Report, archive_of, bring
from tests.legacy.rows import Made, id_of, number_of

pytestmark = [pytest.mark.integration, pytest.mark.once]

UNGUARDED = """
DO $$ DECLARE c record; BEGIN
  FOR c IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
    WHERE contype IN ('f', 'u') AND connamespace = 'public'::regnamespace
  LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.of, c.conname); END LOOP;
END $$;
DROP INDEX uq_ws_slug, uq_docs_store_path, uq_commit_after, uq_commit_delivery,
  uq_store_repo_repo, uq_vec_unique;
"""
"""A database that lost what guarded it: what rows refer to is gone, and what was one is twice."""
COLUMNS = "".join(
    f"ALTER TABLE lightfast_{table} ADD by_hand text;"
    for table in (
        "organizations",
        "workspaces",
        "stores",
        "store_repositories",
        "docs_documents",
        "ingestion_commits",
        "vector_entries",
    )
)


@pytest.fixture
def make(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as made:
        yield made


def said(report: Report, made: Made) -> dict[str, tuple[Any, ...]]:
    """By rule, what is said of a row: (what, field, before, after). Each has its reason."""
    table, row = made
    lines = [one for one in report.lines if (one["table"], one["id"]) == (table, row["id"])]
    assert all(len(RULES[one["rule"]]) > 20 for one in lines)
    return {one["rule"]: (one["what"], one["field"], one["before"], one["after"]) for one in lines}


def checked(report: Report, directory: Path, url: str) -> None:
    """The script apart agrees."""
    path = directory / "report.jsonl"
    path.write_text("".join(f"{to_json(line)}\n" for line in report.lines), "utf-8")
    assert check(directory, url, path) == []
    assert accounted(report.tables, directory) == []


def test_what_is_refused_is_named_with_its_reason(
    make: Callable[[], str], engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    name, gone = "fallen", "of nobody"
    number = rows.repository(name, "site")[1]["github_repo_id"]
    told = rows.document(name, "a.md")
    parentless = {
        "organization_id": [
            rows.workspace("fallen-off", organization_id=gone),
            rows.repository("fallen-off", "r", organization_id=gone),
        ],
        "workspace_id": [rows.store("fallen-off", "s", workspace_id=gone)],
        "store_id": [
            rows.link(name, "of-nobody", id="linked-to-none", store_id=gone),
            rows.document(name, "b.md", id="of-none", store_id=gone),
            rows.commit(name, "d-0", id="of-none", store_id=gone),
            rows.vector_entry(told, 1, store_id=gone),
        ],
    }
    odd = rows.repository(name, "odd", github_repo_id="seven")
    odd_link = rows.link(name, "odd-link", github_repo_id="seven")
    twice = rows.document(name, "a.md", id="z-another-id")
    again = rows.link(name, "site", id="zz-linked-again")
    redelivered = rows.commit(name, "d-1", id="zz-told-again", after_sha=rows.sha_of("x"))
    unknown = rows.vector_entry(told, 0, id="of-no-document", doc_id="no such document")
    of_refused = rows.vector_entry(twice, 0)
    every = [
        *rows.ordinary(name),
        told,
        *(row for those in parentless.values() for row in those),
        *(odd, odd_link, twice, again, rows.commit(name, "d-1"), redelivered),
        *(unknown, of_refused, rows.vector_entry(told, 0)),
    ]
    directory = archive_of(make(), tmp_path / "archive", every, altered=UNGUARDED)
    report = bring(engine, directory)
    for column, those in parentless.items():
        for row in those:
            assert said(report, row)["no-parent"] == ("refused", column, gone, None)
    for row in (odd, odd_link):
        assert said(report, row) == {"repository-id": ("refused", "github_repo_id", "seven", None)}
    assert said(report, twice)["known-under-another-id"] == ("refused", "path", "a.md", None)
    first = rows.link(name, "site")[1]["id"]
    assert said(report, again)["taken-here"] == ("refused", "id", "zz-linked-again", first)
    stands = rows.commit(name, "d-1")[1]["id"]
    assert said(report, redelivered)["taken-here"] == ("refused", "id", "zz-told-again", stands)
    no_document = ("refused", "doc_id", "no such document", None)
    assert said(report, unknown) == {"no-document": no_document}
    assert said(report, of_refused)["no-document"][2] == "z-another-id"
    assert number == str(number_of(f"{name}/site"))
    checked(report, directory, database_url)


def test_what_is_changed_or_guessed_is_named_with_both_values(
    make: Callable[[], str], engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    name = "bent"
    cut = rows.store(name, "cut", chunk_max_tokens=50, chunk_overlap=50)
    asleep = rows.repository(name, "idle", document_count=0, last_ingested_at=None)
    whose = rows.document(name, "whose.md", by_hand="a note")
    alike = rows.document(name, "whose.mdx", id="zz-alike", slug="whose")
    timeless = rows.document(name, "time.md", created_at="infinity", committed_at="-infinity")
    stranger = rows.link(name, "stranger", "cut")
    every = [
        *rows.ordinary(name),
        *(cut, asleep, rows.link(name, "idle"), stranger, whose, alike, timeless),
        rows.organization("bent-too", by_hand="x", claimed_at="infinity"),
        rows.commit(name, "d-1", by_hand="x", processed_at="infinity"),
        rows.vector_entry(whose, 0, by_hand="x"),
    ]
    directory = archive_of(make(), tmp_path / "archive", every, altered=COLUMNS)
    report = bring(engine, directory)
    assert said(report, cut)["unusable-chunking"] == ("changed", "chunk_overlap", 50, 50)
    names = [f"{name}/idle", f"{name}/site"]
    assert said(report, whose)["one-ingested"] == ("guessed", "repository", names, names[1])
    assert said(report, whose)["unknown-column"] == ("changed", "by_hand", "a note", None)
    what, column, before, after = said(report, alike)["slug-repeated"]
    assert (what, column, before) == ("changed", "slug", "whose")
    assert "whose.mdx~" in after
    at = rows.AT.replace(" ", "T")
    assert said(report, timeless)["unreadable-time"] == ("changed", "committed_at", "-infinity", at)
    what, column, before, after = said(report, stranger)["link-without-repository"]
    assert (what, column, after) == ("guessed", "github_repo_id", "disconnected")
    assert before == str(number_of(f"{name}/stranger"))
    for made in every[-3:]:
        assert said(report, made)["unknown-column"] == ("changed", "by_hand", "x", None)
    checked(report, directory, database_url)


def test_what_the_database_knows_by_now_makes_no_double(
    make: Callable[[], str], engine: sa.Engine, tmp_path: Path
) -> None:
    """Bug: an orphan stood beside the file that a repository of its store had told of; and a slug
    that a document out of sight comes back with was given away.
    """
    name = "here"
    store = f"{id_of(name)}_docs"
    here = [
        *rows.ordinary(name),
        rows.document(name, "told.md", id="stands"),
        rows.document(name, "hidden.md", id="out-of-sight", slug="taken"),
        rows.commit(name, "d-1", id="stands"),
    ]
    bring(engine, archive_of(make(), tmp_path / "here", here))
    with transaction(engine) as conn:
        conn.execute(sa.text("DELETE FROM lightfast_docs_documents WHERE id = 'out-of-sight'"))
    orphan = rows.document(name, "told.md", id="orphan")
    told = [
        *rows.above(name),
        orphan,
        rows.document(name, "of-nobody.md", id="taken-slug", slug="taken"),
        rows.commit(name, "d-1", id="another"),
    ]
    directory = archive_of(make(), tmp_path / "later", told)
    for is_dry in (True, False, False):
        report = bring(engine, directory, is_dry=is_dry)
        assert said(report, orphan)["path-told-here"] == ("refused", "path", "told.md", ["stands"])
        assert said(report, told[-1])["taken-here"] == ("refused", "id", "another", "stands")
        assert said(report, told[-2])["slug-repeated"][2] == "taken"
    with transaction(engine) as conn:
        ids = conn.execute(sa.text("SELECT id FROM lightfast_docs_documents ORDER BY id"))
        assert ids.scalars().all() == ["stands", "taken-slug"]
    same = rows.document(name, "told.md", id="the same")
    again = [*rows.ordinary(name), same, rows.document(name, "x.md", id="of-two")]
    report = bring(engine, archive_of(make(), tmp_path / "again", again))
    known = ("refused", "id", "the same", "stands")
    assert said(report, same) == {"known-under-another-id": known}
    other = [*rows.ordinary("there"), rows.document("there", "x.md", id="of-two")]
    report = bring(engine, archive_of(make(), tmp_path / "there", other))
    there = f"{id_of('there')}_docs"
    assert said(report, other[-1]) == {"taken-here": ("refused", "id", there, store)}


def test_a_connection_that_would_shape_the_same_documents_otherwise_is_disconnected(
    make: Callable[[], str], engine: sa.Engine, tmp_path: Path
) -> None:
    """And all links of a batch are judged by a few queries, the stores being locked; documents are
    counted in steps.
    """
    name = "shaped"
    bring(engine, archive_of(make(), tmp_path / "here", rows.above(name)))
    number = str(number_of(f"{name}/site"))
    told = {"githubRepoId": number, "repoFullName": f"{name}/site", "branch": "next"}
    here = connect(engine, "github", told, stores=[f"{id_of(name)}_docs"])
    many = [rows.repository(name, f"r{n}") for n in range(RECOUNTED)]
    links = [rows.link(name, f"r{n}") for n in range(RECOUNTED)]
    directory = archive_of(make(), tmp_path / "archive", [*rows.ordinary(name), *many, *links])
    asked: list[str] = []

    def hear(*given: Any) -> None:
        asked.append(given[2])

    sa.event.listen(engine, "before_cursor_execute", hear)
    report = bring(engine, directory)
    sa.event.remove(engine, "before_cursor_execute", hear)
    link = rows.link(name, "site")
    shaped = ("changed", "config_status", "configured", here)
    assert said(report, link) == {"shaped-otherwise": shaped}
    with transaction(engine) as conn:
        status = sa.text("SELECT config_status FROM lightfast_connected_sources WHERE id = :id")
        assert conn.execute(status, {"id": id_of(f"{name}/site")}).scalar() == "disconnected"
    by_tenant = [one for one in asked if "JOIN lightfast_connection_scopes" in one]
    locks = [one for one in asked if "FOR NO KEY UPDATE" in one and "lightfast_stores" in one]
    assert len(by_tenant) < 5
    assert len(locks) == 1
    assert sum("SET document_count" in one for one in asked) == 2
