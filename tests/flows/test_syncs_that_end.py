"""Each run ends, whatever becomes of its pages, its rows and its look-ups: one that did not would
hold up all runs of its connection that come after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.changes import Delete
from ingest.core.errors import BadSettings, RateLimited, TransientError, Unavailable
from ingest.flows.documents import prerender
from ingest.flows.syncs.ending import LOOK_UP_TRIES
from ingest.flows.syncs.failing import ROW_TRIES, TRIES, failure_of
from ingest.flows.syncs.request import begin_due
from ingest.sources import registry
from ingest.sources.contract import Lookup, Sight
from ingest.sources.listing import Page, PageRequest, Unlisted
from ingest.store.engine import BadRow, transaction
from tests.flows.shelf import TYPE, Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def run(library: Library, statement: str, **given: object) -> None:
    with transaction(library.engine) as conn:
        conn.execute(sa.text(statement), given)


def test_a_row_that_the_database_refuses_leaves_the_others_alone(library: Library) -> None:
    """Bug: the culprit was never found, and the whole list failed by a fault of ours."""
    fill(library.shelf, books=5)
    library.shelf.put("book", "0003\x00x")
    ended = library.sync("backfill")
    assert (ended["state"], ended["errors"]) == ("done", 1)
    (books,) = [part for part in ended["parts"] if part["resource"] == "books"]
    assert "the database refuses the row" in books["last_error"]
    assert library.sight() == {f"book-{n:04d}" for n in range(5)}


def test_a_page_that_writes_more_than_one_transaction_may_is_applied_in_parts(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: as above."""
    monkeypatch.setattr(prerender, "MAX_ROWS", 2)
    library.shelf.page_size = 7
    fill(library.shelf, books=7)
    ended = library.sync("backfill")
    assert (ended["state"], ended["seen"], ended["changed"]) == ("done", 7, 7)
    assert library.sight() == keys_of(library.shelf)
    assert library.sync()["changed"] == 0


def test_what_a_gap_says_may_be_any_text(library: Library) -> None:
    fill(library.shelf, books=2)
    library.shelf.gap = "a partial answer: \x00\ud800"
    assert library.sync("backfill")["state"] == "done"


def test_a_fault_at_a_runs_end_ends_it_and_the_next_one_begins(library: Library) -> None:
    """Bug: the run was on its way for good, and so was the last one of its connection."""
    fill(library.shelf, books=10)
    library.sync()
    library.shelf.drop("book", "0003")
    judge = library.shelf.judge

    def faulty(_: Unlisted) -> None:
        raise KeyError("projectName")

    library.shelf.judge = faulty
    ended = library.sync()
    assert (ended["state"], ended["reason"]) == ("failed", "its end: client fault: KeyError")
    assert "book-0003" in library.sight()
    library.shelf.judge = judge
    assert library.sync()["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def test_a_run_whose_source_is_not_installed_any_more_ends(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library.shelf, books=4)
    asked = library.request()
    begin_due(library.engine)
    places = registry._places()
    left = {name: place for name, place in places.by_type.items() if name != TYPE}
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_places", lambda: replace(places, by_type=left))
        registry.all_sources.cache_clear()
        library.pages()
    registry.all_sources.cache_clear()
    assert library.show(asked)["state"] == "failed"
    assert library.sync("backfill")["state"] == "done"


def test_a_source_that_deletes_by_a_list_alone_is_not_heard(library: Library) -> None:
    """Its type forbids it; a source from outside may not look at types."""
    fill(library.shelf, books=10)
    library.sync()
    before = library.sight()
    library.shelf.drop("book", "0003")
    deletes: Any = lambda absent: Delete(absent.identity, version=None)  # noqa: E731 - a fault
    library.shelf.judge = deletes
    ended = library.sync()
    assert (ended["state"], ended["deleted"]) == ("failed", 0)
    assert "a Delete by a list alone, which proves nothing" in ended["reason"]
    assert library.sight() == before


def test_a_look_up_that_fails_time_after_time_is_waited_for_no_longer(library: Library) -> None:
    """Bug: one object that its provider never answers for held up all runs for good."""
    fill(library.shelf, books=10)
    library.sync()
    library.shelf.drop("book", "0003")
    looked_up = library.shelf.looked_up

    def never(lookup: Lookup) -> Sight:
        if lookup.identity.id == "0003":
            raise TransientError("answers 500")
        return looked_up(lookup)

    library.shelf.looked_up = never  # type: ignore[method-assign]  # the fault itself
    asked = library.request()
    for _ in range(3):
        library.pages()
        library.look_up()
    assert library.show(asked)["state"] == "running", "it may succeed yet"
    run(library, "UPDATE lightfast_lookups SET attempts = :n", n=LOOK_UP_TRIES - 1)
    library.look_up()
    library.pages()
    ended = library.show(asked)
    assert ended["state"] == "done"
    assert ended["reason"] == (
        "1 look-ups fail time after time, and go on by themselves: answers 500"
    )
    library.shelf.looked_up = looked_up  # type: ignore[method-assign]
    library.look_up()
    assert library.sight() == keys_of(library.shelf)


def test_a_page_that_fails_time_after_time_ends_its_list(library: Library) -> None:
    """Bug: the same of a page that its provider never answers."""
    fill(library.shelf, books=6, notes=3)

    def never(request: PageRequest) -> None:
        if request.resource == "books":
            raise TransientError("answers 502")

    library.shelf.trouble = never
    asked = library.request("backfill")
    library.pages()
    assert library.show(asked)["state"] == "running"
    run(library, "UPDATE lightfast_sync_parts SET attempts = :n", n=TRIES - 1)
    ended = library.finish(asked)
    assert (ended["state"], ended["reason"]) == ("failed", f"books: answers 502 ({TRIES} times)")
    assert {key for key in library.sight() if key.startswith("note")} == {
        f"note-{n:04d}" for n in range(3)
    }


@pytest.mark.parametrize(
    ("error", "attempts", "kind", "counted"),
    [
        (TransientError("answers 500"), 1, "put_off", True),
        (TransientError("answers 500"), TRIES, "failed", False),
        (Unavailable("hangs"), TRIES, "failed", False),
        (TransientError("answers 503", retry_after_s=9.0), TRIES, "put_off", False),
        (RateLimited("answers 429", retry_after_s=9.0), TRIES, "limited", False),
        (RateLimited("answers 429"), TRIES, "limited", True),
        (BadRow("refused"), ROW_TRIES - 1, "put_off", True),
        (BadRow("refused"), ROW_TRIES, "failed", False),
        (BadSettings("no key opens it"), TRIES, "put_off", True),
    ],
)
def test_no_page_is_tried_for_ever_but_where_somebody_says_when(
    error: Exception, attempts: int, kind: str, counted: bool
) -> None:
    found = failure_of(error, attempts=attempts, run_id=1)
    assert (found.kind, found.counted) == (kind, counted)


def test_a_429_that_says_no_time_is_waited_for_longer_each_time(library: Library) -> None:
    """Bug: it was asked for again every few seconds, for as long as the limit held."""

    def limited(_: PageRequest) -> None:
        raise RateLimited("answers 429")

    library.shelf.trouble = limited
    library.request()
    waits = []
    for _ in range(4):
        library.pages()
        (row,) = library.rows(
            "SELECT extract(epoch FROM held_until - now()) AS s "
            "FROM lightfast_connection_conditions"
        )
        waits.append(row["s"])
        run(library, "DELETE FROM lightfast_connection_conditions")
        run(library, "UPDATE lightfast_sync_parts SET state = 'done' WHERE resource = 'notes'")
    assert waits == sorted(waits)
    assert waits[-1] > 2 * waits[0]


def test_a_list_that_names_the_page_that_it_came_with_ends(library: Library) -> None:
    fill(library.shelf, books=9)
    listed = library.shelf.listed

    def again(request: PageRequest) -> Page:
        page = listed(request)
        return replace(page, cursor=request.cursor) if request.cursor is not None else page

    library.shelf.listed = again  # type: ignore[method-assign]  # the fault itself
    ended = library.sync("backfill")
    assert ended["state"] == "failed"
    assert "leads to the page that it came with" in ended["reason"]
