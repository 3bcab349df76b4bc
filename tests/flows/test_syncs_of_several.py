"""Sync runs of several connections and stores, of filters that changed, of clocks that jump."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ingest.core.revisions import revision
from ingest.flows.sweep import settle_counts
from ingest.flows.syncs.changing import SourceChange, change_source
from ingest.flows.syncs.request import begin_due
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.store.engine import transaction
from tests.factories import METADATA, connect, make_store
from tests.flows.shelf import TYPE, Library, Shelf, fill, keys_of, shelf_source, shelved

pytestmark = pytest.mark.integration


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def run(library: Library, statement: str) -> None:
    with transaction(library.engine) as conn:
        conn.execute(sa.text(statement))


def feeds(library: Library, key: str) -> set[str]:
    """The connections that feed a document."""
    query = (
        "SELECT f.connection_id FROM lightfast_document_feeds f "
        "JOIN lightfast_docs_documents d ON d.id = f.document_id "
        "WHERE f.feeding AND d.source_id = :key"
    )
    return {row["connection_id"] for row in library.rows(query, key=key)}


def wing(library: Library, name: str) -> dict[str, object]:
    """Another filter, and the run that this takes, to its end."""
    change = SourceChange(metadata={"projectName": name})
    asked = change_source(library.engine, library.connection, change)
    assert asked is not None
    return library.finish(asked)


def test_what_leaves_one_connections_filter_stays_for_another_that_wants_it(
    library: Library,
) -> None:
    fill(library.shelf, books=8)
    library.shelf.put("book", "0100", wing="west")
    other = Library(library.engine, library.shelf, store=library.store)
    library.sync()
    other.sync()
    assert feeds(library, "book-0100") == {library.connection, other.connection}
    assert wing(library, "east")["state"] == "done"
    assert feeds(library, "book-0100") == {other.connection}
    assert wing(other, "north")["state"] == "done"
    assert library.sight() == keys_of(library.shelf) - {"book-0100"}


def test_what_is_gone_goes_for_all_whoever_finds_out(library: Library) -> None:
    fill(library.shelf, books=8)
    other = Library(library.engine, library.shelf, store=library.store)
    library.sync()
    other.sync()
    library.shelf.drop("book", "0003")
    assert library.sync()["deleted"] == 1
    assert "book-0003" not in other.sight()
    assert other.sync()["changed"] == 0


def test_what_one_connections_list_leaves_out_and_the_other_sees_is_not_deleted(
    library: Library,
) -> None:
    fill(library.shelf, books=8)
    other = Library(library.engine, library.shelf, store=library.store)
    library.sync()
    other.sync()
    listed = library.shelf.listed

    def without(request: PageRequest) -> Page:
        page = listed(request)
        return replace(page, listed=tuple(o for o in page.listed if o.identity.id != "0003"))

    library.shelf.listed = without  # type: ignore[method-assign]  # the fault itself
    assert library.sync()["deleted"] == 0
    assert feeds(library, "book-0003") == {library.connection, other.connection}


def test_a_child_whose_parent_another_connection_feeds_is_looked_up_itself(
    library: Library,
) -> None:
    """Bug: it waited for its parent to be looked up, which was not this connection's to ask for."""
    fill(library.shelf, books=4, notes=8)
    library.shelf.put("book", "0100", wing="west")
    library.shelf.put("note", "0100", on="0100")
    other = Library(library.engine, library.shelf, store=library.store)
    library.sync()
    other.sync()
    wing(library, "east")
    assert feeds(library, "book-0100") == {other.connection}
    assert feeds(library, "note-0100") == {library.connection, other.connection}
    library.shelf.drop("note", "0100")
    assert library.sync()["deleted"] == 1
    assert "note-0100" not in library.sight()


def test_children_go_with_their_parent_by_one_look_up(library: Library) -> None:
    fill(library.shelf, books=30)
    for number in range(4):
        library.shelf.put("note", f"{number:04d}", on="0007")
    library.shelf.put("note", "0100", on="0001")
    library.sync()
    library.shelf.drop("book", "0007")
    for number in range(4):
        library.shelf.drop("note", f"{number:04d}")
    library.shelf.calls.clear()
    ended = library.sync()
    assert (ended["state"], ended["deleted"]) == ("done", 1)
    assert [call for call in library.shelf.calls if call.startswith("get")] == ["get book 0007"]
    assert library.sight() == keys_of(library.shelf)


def test_a_filter_that_nothing_fits_lets_all_go(library: Library) -> None:
    """Bug: an empty list deletes nothing, so what had left the filter stayed for good."""
    fill(library.shelf, books=6)
    library.sync()
    ended = wing(library, "north")
    assert (ended["state"], ended["plan"]["left"]) == ("done", {"book": 6})  # type: ignore[index]
    assert library.sight() == set()
    library.shelf.calls.clear()
    wing(library, "all")
    assert library.sight() == keys_of(library.shelf)


def test_an_empty_list_takes_nothing_that_lies_inside_the_filter(library: Library) -> None:
    fill(library.shelf, books=6)
    library.shelf.put("book", "0100", wing="west")
    library.sync()
    library.shelf.things.clear()
    ended = wing(library, "east")
    assert ended["state"] == "done"
    assert library.sight() == {f"book-{n:04d}" for n in range(6)}


def test_one_run_fills_all_stores_of_its_connection_with_an_event_in_each(
    library: Library,
) -> None:
    stores = [make_store(library.engine) for _ in range(2)]
    metadata = {**METADATA[TYPE], "projectName": "all"}
    both = connect(library.engine, TYPE, metadata, stores=stores, token="0123456789abcdefABCDEF01")
    several = Library(library.engine, library.shelf, store=stores[0], connection=both)
    fill(library.shelf, books=5)
    ended = several.sync("backfill")
    assert (ended["state"], ended["seen"], ended["changed"]) == ("done", 5, 10)
    library.shelf.drop("book", "0001")
    assert several.sync()["deleted"] == 2
    events = several.rows(
        "SELECT store_id, count(*) AS n, max(length(event_key)) AS longest "
        "FROM lightfast_ingestion_events GROUP BY store_id"
    )
    assert {row["store_id"]: row["n"] for row in events} == dict.fromkeys(stores, 6)
    assert max(row["longest"] for row in events) < 255


def test_counts_and_times_of_a_connection_are_right_after_a_run(library: Library) -> None:
    query = (
        "SELECT document_count, last_synced_at IS NOT NULL AS synced, "
        "last_ingested_at IS NOT NULL AS ingested FROM lightfast_connected_sources"
    )
    fill(library.shelf, books=7)
    library.sync("backfill")
    settle_counts(library.engine)
    assert library.rows(query) == [{"document_count": 7, "synced": True, "ingested": True}]
    library.shelf.drop("book", "0001")
    library.sync()
    settle_counts(library.engine)
    assert library.rows(query)[0]["document_count"] == 6
    wing(library, "north")
    settle_counts(library.engine)
    assert library.rows(query)[0]["document_count"] == 0


def test_an_object_on_two_pages_is_as_its_newest_version_says(library: Library) -> None:
    fill(library.shelf, books=6)
    old = library.shelf.things["book", "0000"].raw()
    listed = library.shelf.listed

    def twice(request: PageRequest) -> Page:
        page = listed(request)
        if request.resource != "books":
            return page
        if request.cursor is None:
            library.shelf.put("book", "0000", "newer words")
            return page
        first = page.listed[0].identity
        again = replace(first, id="0000")
        newer = library.shelf.things["book", "0000"].raw()
        more = (Listed(again, newer), Listed(again, old), Listed(again, newer))
        return replace(page, listed=(*more, *page.listed))

    library.shelf.listed = twice  # type: ignore[method-assign]  # a list that moves
    assert library.sync("backfill")["state"] == "done"
    library.shelf.listed = listed  # type: ignore[method-assign]
    before = library.documents()
    assert len(before) == 6
    assert library.sync()["changed"] == 0
    assert library.documents() == before


def test_a_mark_that_lies_ahead_of_the_clock_hides_nothing(library: Library) -> None:
    """Bug: after a clock that was set back, nothing was seen until it had caught up."""
    fill(library.shelf, books=4)
    library.sync("backfill")
    run(library, "UPDATE lightfast_sync_marks SET through = now() + interval '3 hours'")
    ended = library.sync("incremental")
    (books,) = [part for part in ended["parts"] if part["resource"] == "books"]
    assert books["since"] <= ended["started_at"]
    (row,) = library.rows(
        "SELECT through <= now() AS is_past FROM lightfast_sync_marks WHERE resource = 'books'"
    )
    assert row["is_past"]
    again = library.sync("incremental")
    (books,) = [part for part in again["parts"] if part["resource"] == "books"]
    assert again["started_at"] - books["since"] < timedelta(minutes=1)


def test_a_list_that_two_versions_made_is_made_anew_by_the_next_run(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: who began the run decided what is left out as unchanged, and who made its first page was
    taken to have made all.
    """
    fill(library.shelf, books=2)
    library.sync("backfill")
    asked = library.request()
    begin_due(library.engine)
    newer = replace(shelf_source(library.shelf), revision=7)
    assert revision(newer.revision) != revision(shelf_source(library.shelf).revision)
    kept: list[object] = []
    listed = library.shelf.listed

    def noting(request: PageRequest) -> Page:
        kept.append(request.kept)
        return listed(request)

    library.shelf.listed = noting  # type: ignore[method-assign]
    with shelved(library.shelf, monkeypatch, newer):
        library.finish(asked)
        assert all(kept), "what was kept is what the run began with"
        kept.clear()
        library.sync()
        assert not any(kept)
        kept.clear()
        library.sync()
        assert all(kept)
