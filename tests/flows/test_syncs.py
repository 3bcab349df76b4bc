"""Sync runs: what a listing brings, what it takes away, and where a run goes on after a failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadPayload, RateLimited, Refused, TransientError
from ingest.flows.connections.lifecycle import pause_source, resume_source
from ingest.sources.listing import PageRequest
from ingest.store import sync_runs
from ingest.store.engine import transaction
from tests.flows.shelf import Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def test_from_nothing_a_backfill_brings_all_that_is_there(library: Library) -> None:
    fill(library.shelf, books=7, notes=5)
    run = library.sync("backfill")
    assert run["state"] == "done", run
    assert library.sight() == keys_of(library.shelf)
    assert (run["seen"], run["changed"], run["deleted"], run["errors"]) == (12, 12, 0, 0)
    assert run["pages"] >= 5


def test_each_changed_document_is_an_event_and_an_unchanged_one_is_none(library: Library) -> None:
    fill(library.shelf, books=4)
    library.sync()
    events = "SELECT event_key, event_metadata FROM lightfast_ingestion_events"
    assert len(library.rows(events)) == 4
    library.shelf.put("book", "0001", "other words")
    run = library.sync()
    told = [row["event_metadata"] for row in library.rows(events)]
    assert [one["change"] for one in told].count("updated") == 1
    assert len(told) == 5
    assert run["changed"] == 1


def test_a_run_that_finds_nothing_new_writes_nothing_of_the_seeds(library: Library) -> None:
    fill(library.shelf, books=8, notes=8)
    library.sync()
    before = _written(library)
    run = library.sync()
    assert (run["seen"], run["changed"]) == (16, 0)
    assert _written(library) == before


def _written(library: Library) -> list[object]:
    tables = (
        "docs_documents",
        "document_chunks",
        "document_references",
        "document_ledger",
        "document_feeds",
        "ingestion_events",
    )
    found: list[object] = []
    for table in tables:
        query = f"SELECT CAST(xmin AS text) AS x FROM lightfast_{table} ORDER BY 1"  # noqa: S608 - ours
        found.append([row["x"] for row in library.rows(query)])
    return found


def test_an_incremental_run_lists_from_where_the_last_one_began(library: Library) -> None:
    fill(library.shelf, books=6)
    library.sync("backfill")
    library.shelf.clock = library.rows("SELECT now() AS now")[0]["now"]
    library.shelf.put("book", "0002", "moved")
    library.shelf.put("book", "9999", "new")
    library.shelf.calls.clear()
    run = library.sync("incremental")
    assert run["changed"] == 2
    assert [part["resource"] for part in run["parts"]] == ["books", "end"]
    assert library.sight() == keys_of(library.shelf)


def test_what_moves_nothing_is_swept_when_that_is_due(library: Library) -> None:
    fill(library.shelf, books=3, notes=3)
    library.sync("backfill")
    library.shelf.put("note", "0001", "edited", on="0001")
    assert library.sync("incremental")["changed"] == 0
    with transaction(library.engine) as conn:
        conn.execute(
            sa.text("UPDATE lightfast_sync_marks SET whole_at = now() - interval '2 hours'")
        )
    assert library.sync("incremental")["changed"] == 1


def test_what_is_gone_is_looked_up_and_then_deleted(library: Library) -> None:
    fill(library.shelf, books=10, notes=4)
    library.sync()
    library.shelf.drop("book", "0003")
    library.shelf.things = {k: t for k, t in library.shelf.things.items() if t.on != "0003"}
    library.shelf.calls.clear()
    run = library.sync()
    assert run["state"] == "done"
    assert library.sight() == keys_of(library.shelf)
    assert "get book 0003" in library.shelf.calls
    assert run["deleted"] == 1


def test_an_incremental_run_deletes_nothing(library: Library) -> None:
    fill(library.shelf, books=10)
    library.sync()
    library.shelf.drop("book", "0003")
    library.sync("incremental")
    assert "book-0003" in library.sight()


def test_over_a_share_it_stops_and_asks_and_goes_on_once_confirmed(library: Library) -> None:
    fill(library.shelf, books=10)
    library.sync()
    for number in range(4):
        library.shelf.drop("book", f"{number:04d}")
    run = library.sync()
    assert run["state"] == "stopped"
    assert "4 of 10 documents are not listed any more (40%, over 20%)" in run["reason"]
    assert {*run["plan"]["named"]["book"]} == {f"book-{number:04d}" for number in range(4)}
    assert len(library.sight()) == 10
    with transaction(library.engine) as conn:
        assert sync_runs.confirm(conn, run["id"])
    ended = library.finish(run["id"])
    assert (ended["state"], ended["deleted"]) == ("done", 4)
    assert library.sight() == keys_of(library.shelf)


def test_every_document_of_a_kind_is_asked_for_too(library: Library) -> None:
    fill(library.shelf, books=9, notes=1)
    library.sync()
    library.shelf.put("note", "0009", on="0001")
    library.shelf.drop("note", "0000")
    run = library.sync()
    assert run["state"] == "stopped"
    assert run["reason"].startswith("no note is listed any more")


def test_an_empty_listing_deletes_nothing(library: Library) -> None:
    fill(library.shelf, books=5)
    library.sync()
    library.shelf.things.clear()
    run = library.sync(most_share=1.0)
    assert run["state"] == "done"
    assert len(library.sight()) == 5


def test_a_listing_with_a_gap_deletes_nothing(library: Library) -> None:
    fill(library.shelf, books=10)
    library.sync()
    library.shelf.drop("book", "0003")
    library.shelf.gap = "the search ends at ten thousand"
    run = library.sync()
    assert run["plan"]["skipped"]["book"] == "books: the search ends at ten thousand"
    assert "book-0003" in library.sight()


def test_what_is_there_after_all_stays(library: Library) -> None:
    """A row that a moving page number skipped is not absent."""
    fill(library.shelf, books=10)
    library.sync()
    hidden = library.shelf.things.pop(("book", "0003"))

    def back(request: PageRequest) -> None:
        if request.resource == "notes":
            library.shelf.things["book", "0003"] = hidden

    library.shelf.meanwhile = back
    run = library.sync()
    assert (run["state"], run["deleted"]) == ("done", 0)
    assert "book-0003" in library.sight()


def test_what_left_the_filter_is_withdrawn_and_comes_back(library: Library) -> None:
    fill(library.shelf, books=8)
    library.shelf.put("book", "0100", wing="west")
    library.sync()
    _wing(library, "east")
    run = library.sync()
    assert run["state"] == "done", run
    assert "book-0100" not in library.sight()
    assert len(library.sight()) == 8
    _wing(library, "all")
    library.sync()
    assert library.sight() == keys_of(library.shelf)


def test_what_changes_by_another_hand_meanwhile_is_concluded_by_a_run_of_its_own(
    library: Library,
) -> None:
    """Application code may write the metadata itself; half of the lists heeded the former ones."""
    fill(library.shelf, books=8)
    library.shelf.put("book", "0100", wing="west")
    library.sync()
    library.shelf.meanwhile = lambda request: (
        _wing(library, "east") if request.resource == "notes" else None
    )
    library.shelf.drop("book", "0100")
    run = library.sync()
    library.shelf.meanwhile = lambda _request: None
    assert (run["state"], run["deleted"], run["plan"]) == ("cancelled", 0, None)
    assert run["reason"] == "what the connection wants has changed since it began"
    (after,) = library.rows("SELECT max(id) AS id FROM lightfast_sync_runs")
    ended = library.finish(after["id"])
    assert (ended["state"], ended["kind"], ended["asked_by"]) == (
        "done",
        "full",
        "a changed filter",
    )
    assert library.sight() == keys_of(library.shelf)


def _wing(library: Library, wing: str) -> None:
    with transaction(library.engine) as conn:
        conn.execute(
            sa.text(
                "UPDATE lightfast_connected_sources SET source_metadata = "
                "source_metadata || jsonb_build_object('projectName', CAST(:wing AS text))"
            ),
            {"wing": wing},
        )


def test_a_token_that_is_refused_pauses_and_the_run_goes_on_at_its_page(library: Library) -> None:
    fill(library.shelf, books=9)
    refuse = {"on": True}

    def trouble(request: PageRequest) -> None:
        if request.cursor is not None and refuse["on"]:
            raise Refused("this token may not read the shelf")

    library.shelf.trouble = trouble
    run = library.request("backfill")
    library.pages()
    assert library.show(run)["state"] == "running"
    assert len(library.sight()) == 3
    refuse["on"] = False
    library.shelf.calls.clear()
    resume_source(library.engine, library.connection)
    assert library.finish(run)["state"] == "done"
    assert library.sight() == keys_of(library.shelf)
    assert library.shelf.calls.count("list books") == 2


def test_a_list_that_is_refused_alone_ends_with_a_gap_and_the_next_run_is_whole(
    library: Library,
) -> None:
    """Nothing is absent by a list that was not shown to its end."""
    fill(library.shelf, books=9, notes=2)
    assert library.finish(library.request("backfill"))["state"] == "done"
    library.shelf.one_alone = True
    library.shelf.drop("book", "0004")
    library.shelf.put("book", "0500")

    def trouble(request: PageRequest) -> None:
        if request.resource == "books" and request.cursor is not None:
            raise Refused("this token may not read that page")

    library.shelf.trouble = trouble
    ended = library.finish(library.request("full"))
    assert ended["state"] == "done"
    (gap,) = [part["gap"] for part in ended["parts"] if part["gap"]]
    assert "this token may not read that page" in gap
    assert "book-0004" in library.sight()
    library.shelf.trouble = lambda _request: None
    assert library.finish(library.request("full"))["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def test_a_paused_connection_stops_at_the_next_page(library: Library) -> None:
    fill(library.shelf, books=9)
    library.shelf.meanwhile = lambda _request: pause_source(library.engine, library.connection)
    run = library.request("backfill")
    library.pages()
    assert library.show(run)["pages"] <= 1
    library.shelf.meanwhile = lambda _request: None
    resume_source(library.engine, library.connection)
    assert library.finish(run)["state"] == "done"


def test_a_cancelled_run_applies_no_page_that_is_on_its_way(library: Library) -> None:
    fill(library.shelf, books=9)
    run = library.request("backfill")

    def cancel(_request: PageRequest) -> None:
        with transaction(library.engine) as conn:
            sync_runs.cancel(conn, "a person wished it", run_id=run)

    library.shelf.meanwhile = cancel
    library.pages()
    assert library.show(run)["state"] == "cancelled"
    assert library.sight() == set()


def test_what_fails_for_good_ends_its_list_and_deletes_nothing_of_it(library: Library) -> None:
    fill(library.shelf, books=6, notes=6)
    library.sync()
    library.shelf.drop("book", "0003")

    def trouble(request: PageRequest) -> None:
        if request.resource == "books" and request.cursor is not None:
            raise BadPayload("books", "is no list")

    library.shelf.trouble = trouble
    run = library.sync()
    assert run["state"] == "failed"
    assert "payload field books: is no list" in run["reason"]
    assert "book-0003" in library.sight()


def test_one_object_that_cannot_be_read_leaves_the_others_alone(library: Library) -> None:
    fill(library.shelf, books=6)
    library.shelf.broken = {"0002"}
    run = library.sync("backfill")
    assert (run["state"], run["errors"]) == ("done", 1)
    assert library.sight() == keys_of(library.shelf) - {"book-0002"}
    (books,) = [part for part in run["parts"] if part["resource"] == "books"]
    assert "book 0002: source fault: KeyError" in books["last_error"]


def test_an_object_that_cannot_be_read_any_more_is_not_absent(library: Library) -> None:
    fill(library.shelf, books=6)
    library.sync()
    library.shelf.broken = {"0002"}
    assert library.sync()["deleted"] == 0
    assert library.sight() == keys_of(library.shelf)


def test_to_wait_as_told_holds_the_connection_and_counts_nothing(library: Library) -> None:
    fill(library.shelf, books=3)

    def trouble(_request: PageRequest) -> None:
        raise RateLimited("too many", retry_after_s=77.0)

    library.shelf.trouble = trouble
    library.request("backfill")
    library.pages()
    (row,) = library.rows(
        "SELECT extract(epoch FROM held_until - now()) AS s FROM lightfast_connection_conditions"
    )
    assert 70 < row["s"] <= 77
    (part,) = library.rows("SELECT attempts FROM lightfast_sync_parts WHERE resource = 'books'")
    assert part["attempts"] == 0


def test_a_provider_that_is_down_makes_the_run_late(library: Library) -> None:
    fill(library.shelf, books=6)
    left = {"n": 3}

    def trouble(_request: PageRequest) -> None:
        left["n"] -= 1
        if left["n"] >= 0:
            raise TransientError("answers 503")

    library.shelf.trouble = trouble
    assert library.sync("backfill")["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def test_two_requests_are_one_run_that_waits_and_it_is_made_no_smaller(library: Library) -> None:
    fill(library.shelf, books=2)
    first = library.request("full")
    assert library.request("incremental") == first
    assert library.show(first)["kind"] == "full"
    library.finish(first)
    second = library.request("incremental")
    assert library.request("full") == second
    assert library.show(second)["kind"] == "full"


def test_what_a_list_only_names_is_looked_up_behind_it(library: Library) -> None:
    fill(library.shelf, books=5)
    library.shelf.whole = False
    run = library.sync("backfill")
    assert run["state"] == "done"
    assert library.sight() == keys_of(library.shelf)
