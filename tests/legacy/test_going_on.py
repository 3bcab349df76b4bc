"""What was imported goes on: webhooks and resyncs of the provider write the very rows.

The law of each: a document keeps its id and slug, and ends as if it had always been ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.identity import document_id
from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.messages import from_call
from ingest.flows.receiving.secrets import Keyring, stored_secrets
from ingest.flows.syncs.changing import begin_first
from ingest.sources.github.files import file_identity
from ingest.store.credentials import API_TOKEN, WEBHOOK_SECRET
from tests.databases import empty_databases
from tests.factories import SECRET, VAULT, connect, signed
from tests.flows.asking_github import ID, NAME, Works, works
from tests.flows.syncing import synced
from tests.legacy import rows
from tests.legacy.importing import archive_of, bring
from tests.legacy.rows import Made, id_of

pytestmark = [pytest.mark.integration, pytest.mark.once]

TENANT = "halcyon"
STORE = f"{id_of(TENANT)}_docs"
CONNECTION = id_of(f"{TENANT}/web")
FILES = {"docs/same.md": "# Same\n", "docs/edited.md": "# Edited, and longer\n"}
PATHS = (*FILES, "docs/gone.md")
OTHER_ID = 4711


def repository() -> Made:
    """The repository of the fake provider."""
    told = {"fullName": NAME, "owner": TENANT, "private": False}
    return rows.repository(
        TENANT, "web", github_repo_id=str(ID), metadata=rows.json_of(told), document_count=3
    )


def link() -> Made:
    return rows.link(TENANT, "web", github_repo_id=str(ID), repo_full_name=NAME)


def documents() -> list[Made]:
    return [rows.document(TENANT, path) for path in PATHS]


@pytest.fixture
def make(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as made:
        yield made


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Works]:
    with works(engine) as made:
        made.store, made.connections = STORE, [CONNECTION]
        made.push(FILES)
        yield made


def imported(desk: Works, url: str, tmp_path: Path, told: list[Made]) -> None:
    bring(desk.engine, archive_of(url, tmp_path / "archive", told))


def credentials(desk: Works, connection_id: str = CONNECTION) -> None:
    """The secrets that a person gives; what the first token begins waits for nobody here."""
    given = {WEBHOOK_SECRET: SECRET, API_TOKEN: desk.github.token}
    replace_credentials(desk.engine, connection_id, given, VAULT)


def stands(desk: Works) -> dict[str, dict[str, Any]]:
    told = desk.rows("SELECT * FROM lightfast_docs_documents ORDER BY id")
    return {row["source_metadata"]["path"]: row for row in told}


def as_legacy(path: str) -> tuple[object, object]:
    _, row = rows.document(TENANT, path)
    return row["id"], row["slug"]


def events(desk: Works) -> list[str]:
    told = desk.rows("SELECT event_metadata ->> 'change' AS change FROM lightfast_ingestion_events")
    return sorted(row["change"] for row in told if row["change"])


def deliver(desk: Works, headers: dict[str, str], body: bytes) -> None:
    """As a receiver takes it, on the connection's own route."""
    keyring = Keyring(stored_secrets(desk.engine, VAULT), {})
    intake = Intake(keyring, insert_into(desk.engine), lambda: None, 2**20)
    incoming = from_call("github", headers, body, CONNECTION, now=datetime.now(UTC))
    assert intake.take(incoming).status == "accepted"


def require_the_very_rows(desk: Works, before: dict[str, dict[str, Any]]) -> None:
    """What is still there has its id, slug and time, and is what we make of it now."""
    after = stands(desk)
    for path in FILES:
        assert (after[path]["id"], after[path]["slug"]) == as_legacy(path)
        assert after[path]["created_at"] == before[path]["created_at"]
        assert after[path]["content_hash"] != before[path]["content_hash"]
        assert after[path]["source_metadata"]["branch"] == "main"
        assert after[path]["chunk_count"] == 1


def test_a_signed_push_writes_the_very_rows(
    desk: Works, make: Callable[[], str], tmp_path: Path
) -> None:
    told = [*rows.above(TENANT), repository(), link(), *documents()]
    imported(desk, make(), tmp_path, told)
    before = stands(desk)
    found = {path: (row["id"], row["slug"]) for path, row in before.items()}
    assert found == {path: as_legacy(path) for path in PATHS}
    assert {row["chunk_count"] for row in before.values()} == {1}
    credentials(desk)
    body = json.dumps(desk.push({"docs/new.md": "# New"}).body).encode()
    deliver(desk, signed("github", body, headers={"x-github-event": "push"}), body)
    desk.work()
    desk.look_up()
    require_the_very_rows(desk, before)
    assert desk.paths() == set(stands(desk)) == {*FILES, "docs/new.md"}
    new = stands(desk)["docs/new.md"]
    assert new["id"] == document_id(file_identity(str(ID), "docs/new.md"), STORE)


def test_a_resync_writes_the_very_rows_and_tells_only_of_what_is_gone(
    desk: Works, make: Callable[[], str], tmp_path: Path
) -> None:
    told = [*rows.above(TENANT), repository(), link(), *documents()]
    imported(desk, make(), tmp_path, told)
    before = stands(desk)
    credentials(desk)
    assert begin_first(desk.engine, CONNECTION) is not None
    ended = synced(desk.engine, desk.clients, [CONNECTION])
    assert [run["state"] for run in ended] == ["done"]
    require_the_very_rows(desk, before)
    assert desk.paths() == set(stands(desk)) == {*FILES}
    assert events(desk) == ["deleted"]
    desk.push({"docs/edited.md": "# Edited once more"})
    synced(desk.engine, desk.clients, [CONNECTION])
    assert events(desk) == ["deleted", "updated"]


def test_who_tells_first_of_a_path_adopts_the_document_of_a_store_with_several_repositories(
    desk: Works, make: Callable[[], str], tmp_path: Path
) -> None:
    other = "docs/of-the-other.md"
    told = [
        *rows.above(TENANT),
        repository(),
        link(),
        rows.repository(TENANT, "api", github_repo_id=str(OTHER_ID)),
        rows.link(TENANT, "api", github_repo_id=str(OTHER_ID)),
        *documents(),
        rows.document(TENANT, other),
    ]
    imported(desk, make(), tmp_path, told)
    assert {row["source_metadata"]["repoFullName"] for row in stands(desk).values()} == {""}
    before = stands(desk)
    credentials(desk)
    synced(desk.engine, desk.clients, [CONNECTION])
    require_the_very_rows(desk, before)
    assert set(stands(desk)) == {*PATHS, other}, "nobody knows whose the others are"
    orphans = desk.rows("SELECT external_id FROM lightfast_orphan_documents ORDER BY 1")
    assert [row["external_id"] for row in orphans] == ["docs/gone.md", other]
    assert desk.rows("SELECT count(*) AS n FROM lightfast_document_feeds") == [{"n": len(FILES)}]


def test_a_repository_that_is_connected_later_adopts_what_a_store_without_any_holds(
    desk: Works, make: Callable[[], str], tmp_path: Path
) -> None:
    imported(desk, make(), tmp_path, [*rows.above(TENANT), *documents()])
    before = stands(desk)
    told = {"githubRepoId": str(ID), "repoFullName": NAME, "defaultBranch": "main"}
    made = connect(desk.engine, "github", told, stores=[STORE], token=desk.github.token)
    synced(desk.engine, desk.clients, [made])
    require_the_very_rows(desk, before)


def test_what_is_newer_here_stays(desk: Works, make: Callable[[], str], tmp_path: Path) -> None:
    told = [*rows.above(TENANT), repository(), link(), *documents()]
    url, directory = make(), tmp_path / "archive"
    archive_of(url, directory, told)
    bring(desk.engine, directory)
    credentials(desk)
    synced(desk.engine, desk.clients, [CONNECTION])
    after = desk.rows("SELECT * FROM lightfast_docs_documents ORDER BY id")
    again = bring(desk.engine, directory)
    assert desk.rows("SELECT * FROM lightfast_docs_documents ORDER BY id") == after
    for path in PATHS:
        id_, _ = as_legacy(path)
        assert again.said("documents", str(id_)) == {("kept", "newer-here")}
    assert again.tables["documents"]["written"] == 0
