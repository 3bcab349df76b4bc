"""What cannot be made of what is stored is told once more, whole, by those who can tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.canonical import config_hash
from ingest.flows.reprocess import documents, looked_at, steps
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.request import request_run
from ingest.flows.reprocess.stored import REASONS
from ingest.store import sync_runs
from ingest.store.engine import transaction
from ingest.store.reprocess_runs import DONE
from ingest.store.reprocessing import Within
from ingest.store.upgrade import add_source_types
from tests.factories import METADATA, connect
from tests.flows.reprocessing import drained
from tests.flows.shelf import TYPE, Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration

BOOKS = 4
DAMAGE = """
UPDATE lightfast_document_chunks SET text = 'else'
WHERE document_id = (SELECT id FROM lightfast_docs_documents WHERE source_id = 'book-000{}')
"""
EMPTY = """
DELETE FROM lightfast_document_chunks
WHERE document_id = (SELECT id FROM lightfast_docs_documents WHERE source_id = 'book-000{}')
"""


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Some books that were listed, all of them whole."""
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        made = Library(engine, shelf)
        fill(shelf, BOOKS)
        assert made.sync("backfill")["state"] == "done"
        yield made


def _run(library: Library, *statements: str) -> None:
    with transaction(library.engine) as conn:
        for statement in statements:
            conn.execute(sa.text(statement))


def _resynced(library: Library, **within: Any) -> dict[str, Any]:
    """A run that has what it cannot make told again, to its end."""
    asked = ReprocessRequest(within=Within(**within), resync=True)
    return drained(library.engine, request_run(library.engine, asked))


def _asked_for(library: Library) -> list[tuple[str, str, str]]:
    """The sync runs that wait: whose, which kind, asked for by whom."""
    query = """
        SELECT connection_id, kind, asked_by FROM lightfast_sync_runs WHERE state = 'waiting'
        ORDER BY connection_id
    """
    return [(r["connection_id"], r["kind"], r["asked_by"]) for r in library.rows(query)]


def _texts(library: Library) -> dict[str, str]:
    query = """
        SELECT d.source_id, c.text FROM lightfast_document_chunks c
        JOIN lightfast_docs_documents d ON d.id = c.document_id
    """
    return {row["source_id"]: row["text"] for row in library.rows(query)}


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (DAMAGE.format(1), "damaged"),
        (EMPTY.format(1), "nothing"),
    ],
)
def test_what_is_damaged_is_whole_after_its_provider_was_asked(
    library: Library, spoilt: str, reason: str
) -> None:
    """Text and configuration are what they were, so nobody would have cut it."""
    told = _texts(library)
    _run(library, spoilt)
    assert _texts(library) != told
    found = _resynced(library)
    assert found["counts"] == {TYPE: {"looked": BOOKS, reason: 1}}
    assert found["resyncs"] == [library.connection]
    assert _asked_for(library) == [(library.connection, "backfill", "reprocess")]
    query = "SELECT source_id, config_hash IS NULL AS unknown FROM lightfast_docs_documents"
    assert [r["source_id"] for r in library.rows(query) if r["unknown"]] == ["book-0001"]
    (run,) = library.rows("SELECT max(id) AS id FROM lightfast_sync_runs")
    ended = library.finish(run["id"])
    assert (ended["state"], ended["changed"]) == ("done", 1)
    assert _texts(library) == told
    wanted = config_hash("char-hash-1536", 1536, 512, 50)
    hashes = "SELECT DISTINCT config_hash FROM lightfast_docs_documents"
    assert library.rows(hashes) == [{"config_hash": wanted}]
    assert _resynced(library)["counts"] == {TYPE: {"looked": BOOKS}}
    assert _asked_for(library) == []


def test_what_is_out_of_sight_is_cut_anew_too_when_it_is_told(library: Library) -> None:
    library.shelf.put("note", "0009", on="0001")
    library.sync()
    library.shelf.drop("book", "0001")
    library.sync(most_share=1.0)
    aside = "SELECT document, chunks FROM lightfast_withheld_documents"
    (told,) = library.rows(aside)
    _run(library, "UPDATE lightfast_withheld_documents SET chunks = '[]'")
    assert _resynced(library)["counts"][TYPE]["nothing"] == 1
    (run,) = library.rows("SELECT max(id) AS id FROM lightfast_sync_runs")
    assert library.finish(run["id"])["state"] == "done"
    (made,) = library.rows(aside)
    assert [one["text"] for one in made["chunks"]] == [one["text"] for one in told["chunks"]]
    assert "note-0009" not in library.sight()


def test_what_waits_becomes_a_backfill_and_nothing_makes_it_less(library: Library) -> None:
    ids = {library.request("incremental", by="one"), library.request("full", by="two")}
    assert _asked_for(library) == [(library.connection, "full", "two")]
    _run(library, DAMAGE.format(2))
    _resynced(library)
    assert _asked_for(library) == [(library.connection, "backfill", "reprocess")]
    ids |= {library.request("full", by="three"), library.request("incremental", by="four")}
    assert _asked_for(library) == [(library.connection, "backfill", "reprocess")]
    assert len(ids) == 1


def test_those_alone_are_asked_that_feed_what_is_in_question(library: Library) -> None:
    told = {**METADATA[TYPE], "projectName": "all"}
    other = connect(library.engine, TYPE, told, stores=[library.store], token="another token")
    _run(library, DAMAGE.format(3))
    assert _resynced(library, connection=other)["counts"] == {}
    assert _asked_for(library) == []
    _resynced(library)
    assert [who for who, *_ in _asked_for(library)] == [library.connection]
    _run(
        library,
        "DELETE FROM lightfast_sync_runs WHERE state = 'waiting'",
        "INSERT INTO lightfast_document_feeds (document_id, connection_id) "
        "SELECT f.document_id, c.id FROM lightfast_document_feeds f, lightfast_connected_sources c "
        "WHERE c.id <> f.connection_id",
    )
    _resynced(library, connection=other)
    assert [who for who, *_ in _asked_for(library)] == [other]


def test_of_what_was_imported_those_are_asked_that_stand_for_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {**METADATA[TYPE], "projectName": "all", "vercelTeamId": "team_of_others"}
    connect(library.engine, TYPE, told, stores=[library.store], token="another token")
    (found,) = library.rows("SELECT DISTINCT scope FROM lightfast_document_ledger")
    _run(library, DAMAGE.format(0), "DELETE FROM lightfast_document_feeds")
    scopes = {library.connection: found["scope"]}
    monkeypatch.setattr("ingest.flows.reprocess.resync._scope_of", lambda one: scopes.get(one.id))
    _resynced(library)
    assert [who for who, *_ in _asked_for(library)] == [library.connection]


def test_a_source_that_is_not_installed_keeps_no_run_from_its_end(library: Library) -> None:
    with transaction(library.engine) as conn:
        add_source_types(conn, ["uninstalled"])
    _run(
        library,
        *(
            f"UPDATE {table} SET source_type = CAST('uninstalled' AS source_type)"  # noqa: S608
            for table in ("lightfast_connected_sources", "lightfast_document_ledger")
        ),
    )
    found = _resynced(library)
    assert found["state"] == DONE
    assert found["counts"] == {"uninstalled": {"looked": BOOKS, "gone": BOOKS}}
    assert _asked_for(library) == []


class Killed(BaseException):
    """As by a signal: nothing is caught, and nothing is let go."""


def _killing(whole: Callable[..., Any], *, each: int) -> Callable[..., Any]:
    """Dies at every so many calls, before it does anything."""
    calls = [0]

    def call(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] % each == 0:
            raise Killed
        return whole(*given, **named)

    return call


@pytest.mark.parametrize(
    ("module", "name", "each"),
    [(documents, "_write", 2), (documents, "bind", 1), (steps, "_move", 2)],
)
def test_of_a_step_of_several_parts_nothing_is_lost_and_nothing_counted_twice(
    library: Library, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, each: int
) -> None:
    _run(
        library,
        DAMAGE.format(1),
        EMPTY.format(3),
        "UPDATE lightfast_stores SET chunk_max_tokens = 64",
    )
    monkeypatch.setattr(looked_at, "MAX_ROWS", 1)
    monkeypatch.setattr(module, name, _killing(getattr(module, name), each=each))
    asked = ReprocessRequest(resync=True)
    run = request_run(library.engine, asked)
    found: dict[str, Any] = {"state": ""}
    for _ in range(3 * BOOKS):
        with suppress(Killed):
            found = drained(library.engine, run, lease_s=0.0)
            break
    assert found["state"] == DONE
    counted = {"looked": BOOKS, "rechunked": 2, "damaged": 1, "nothing": 1}
    assert found["counts"] == {TYPE: counted}
    assert sorted(one["reason"] for one in found["samples"]) == sorted(
        REASONS[why] for why in ("damaged", "nothing")
    )
    again = "SELECT source_id FROM lightfast_document_ledger WHERE revision = 0 ORDER BY 1"
    assert [row["source_id"] for row in library.rows(again)] == ["book-0001", "book-0003"]
    assert _asked_for(library) == [(library.connection, "backfill", "reprocess")]


def test_a_run_ends_with_the_last_that_it_counts_or_not_yet(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood `running` with nothing left to do, where what it asks for at its end failed."""
    _run(library, DAMAGE.format(1))
    run = request_run(library.engine, ReprocessRequest(resync=True))
    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(sync_runs, "request", _killing(sync_runs.request, each=1))
        drained(library.engine, run, lease_s=0.0)
    query = "SELECT state, counts, steps FROM lightfast_reprocess_runs"
    assert library.rows(query) == [{"state": "due", "counts": {}, "steps": 0}]
    assert drained(library.engine, run)["state"] == DONE
    assert library.rows(query)[0]["steps"] == 1
    assert len(_asked_for(library)) == 1


def test_what_an_older_version_stored_is_told_again_though_it_is_cut_anew(
    library: Library,
) -> None:
    _run(
        library,
        "UPDATE lightfast_document_ledger SET reading = NULL WHERE source_id = 'book-0002'",
        "UPDATE lightfast_stores SET chunk_max_tokens = 64",
    )
    found = _resynced(library)
    assert found["counts"] == {TYPE: {"looked": BOOKS, "rechunked": BOOKS, "older": 1}}
    assert [one["source_id"] for one in found["samples"]] == ["book-0002"]
    (run,) = library.rows("SELECT max(id) AS id FROM lightfast_sync_runs")
    assert library.finish(run["id"])["state"] == "done"
    lacking = "SELECT FROM lightfast_document_ledger WHERE reading IS NULL AND rank IS NOT NULL"
    assert library.rows(lacking) == []
    assert library.sight() == keys_of(library.shelf)
