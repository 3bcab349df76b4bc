"""Sync runs that are interrupted: by an erasure, a token that is gone, a budget that is spent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput, BadPayload, BudgetSpent
from ingest.flows.connections.credentials import replace_credentials, retire_secret
from ingest.flows.connections.erase import erase_connection, erase_store
from ingest.flows.connections.lifecycle import resume_source
from ingest.flows.syncs import joining
from ingest.flows.syncs.failing import TRIES
from ingest.flows.syncs.request import begin_due
from ingest.sources.listing import Page, PageRequest
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import transaction
from tests.factories import VAULT
from tests.flows.shelf import Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


@pytest.mark.parametrize("what", ["connection", "store"])
def test_what_is_erased_in_the_midst_of_a_page_leaves_nothing(library: Library, what: str) -> None:
    fill(library.shelf, books=9)

    def erase(_: PageRequest) -> None:
        library.shelf.meanwhile = lambda _: None
        if what == "connection":
            erase_connection(library.engine, library.connection)
        else:
            erase_store(library.engine, library.store)

    library.shelf.meanwhile = erase
    library.request("backfill")
    library.pages()
    left = (
        "SELECT (SELECT count(*) FROM lightfast_docs_documents) + "
        "(SELECT count(*) FROM lightfast_sync_runs) + "
        "(SELECT count(*) FROM lightfast_sync_seen) + "
        "(SELECT count(*) FROM lightfast_lookups) AS n"
    )
    assert library.rows(left)[0]["n"] == 0


def test_a_token_that_is_removed_meanwhile_pauses_and_another_one_goes_on(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "MOST_JOINED", 0)
    fill(library.shelf, books=9)

    def remove(_: PageRequest) -> None:
        library.shelf.meanwhile = lambda _: None
        (token,) = library.rows(
            "SELECT id FROM lightfast_source_credentials WHERE kind = 'api_token'"
        )
        retire_secret(library.engine, library.connection, token["id"])

    library.shelf.meanwhile = remove
    asked = library.request("backfill")
    library.pages()
    assert library.show(asked)["state"] == "running"
    assert len(library.sight()) == 3
    assert _status(library) == "refused"
    waiting = _asked_for_without_a_token(library)
    replace_credentials(
        library.engine, library.connection, {API_TOKEN: "another0123456789abcdefA"}, VAULT
    )
    assert waiting is None
    assert library.finish(asked)["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def _status(library: Library) -> str:
    found: str = library.rows("SELECT config_status AS s FROM lightfast_connected_sources")[0]["s"]
    return found


def _asked_for_without_a_token(library: Library) -> int | None:
    try:
        return library.request("full")
    except BadInput:
        return None


def test_look_ups_that_are_refused_hold_the_run_until_the_token_is_repaired(
    library: Library,
) -> None:
    fill(library.shelf, books=10)
    library.sync()
    library.shelf.drop("book", "0003")
    library.shelf.readable = False
    asked = library.request()
    for _ in range(3):
        library.pages()
        library.look_up()
    assert (library.show(asked)["state"], _status(library)) == ("running", "refused")
    assert "book-0003" in library.sight()
    library.shelf.readable = True
    resume_source(library.engine, library.connection)
    assert library.finish(asked)["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def test_what_the_budget_has_no_more_for_is_asked_for_when_it_has_and_counts_as_no_failure(
    library: Library,
) -> None:
    fill(library.shelf, books=3)
    left = {"n": TRIES + 5}

    def spent(_: PageRequest) -> None:
        left["n"] -= 1
        if left["n"] > 0:
            raise BudgetSpent("the share is spent", retry_after_s=30.0)

    library.shelf.trouble = spent
    asked = library.request("backfill")
    assert library.finish(asked)["state"] == "done"
    assert left["n"] < 0
    assert library.sight() == keys_of(library.shelf)


def test_a_list_that_the_program_knows_no_more_ends_alone(library: Library) -> None:
    """A run that an older version began, with a list and a cursor that this one cannot read."""
    fill(library.shelf, books=5, notes=2)
    asked = library.request("full")
    begin_due(library.engine)
    listed = library.shelf.listed

    def read(request: PageRequest) -> Page:
        if request.resource == "shelves" or isinstance(request.cursor, dict):
            raise BadPayload("cursor", "is none of this version")
        return listed(request)

    library.shelf.listed = read  # type: ignore[method-assign]
    with transaction(library.engine) as conn:
        conn.execute(
            sa.text("UPDATE lightfast_sync_parts SET cursor = '{\"page\": 7}' "
                    "WHERE resource = 'notes'")
        )  # fmt: skip
        conn.execute(
            sa.text("INSERT INTO lightfast_sync_parts (run_id, resource, position) "
                    "VALUES (:run, 'shelves', 9)"),
            {"run": asked},
        )  # fmt: skip
    ended = library.finish(asked)
    assert ended["state"] == "failed"
    assert {part["resource"] for part in ended["parts"] if part["state"] == "failed"} == {
        "notes",
        "shelves",
    }
    assert library.sync()["state"] == "done"
    assert library.sight() == keys_of(library.shelf)
