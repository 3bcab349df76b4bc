"""Sync runs while somebody else acts on the same connection: workers, people, and both at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput, IngestError
from ingest.flows.connections.lifecycle import disconnect_source, pause_source, resume_source
from ingest.flows.syncs.changing import SourceChange, change_source
from ingest.flows.syncs.control import cancel_run, confirm_run
from ingest.flows.syncs.drain import drain_pages
from ingest.flows.syncs.held import claim_part
from ingest.flows.syncs.request import begin_due
from ingest.sources.listing import Concluded, PageRequest, Unlisted
from ingest.store import conditions, sync_parts, sync_runs
from ingest.store.engine import transaction
from tests.flows.shelf import Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration

_RUNNING = "SELECT count(*) AS n FROM lightfast_sync_runs WHERE state = 'running'"


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def stopped(library: Library) -> int:
    """A run that waits for a person: four of ten books are gone."""
    fill(library.shelf, books=10)
    library.sync()
    for number in range(4):
        library.shelf.drop("book", f"{number:04d}")
    ended = library.sync()
    assert ended["state"] == "stopped"
    found: int = ended["id"]
    return found


def together(*work: Callable[[], object]) -> list[BaseException]:
    """Each in a thread, begun at once; what our own errors were. Any other error is raised."""
    start = threading.Barrier(len(work))

    def begin(one: Callable[[], object]) -> object:
        start.wait()
        return one()

    with ThreadPoolExecutor(len(work)) as pool:
        futures = [pool.submit(begin, one) for one in work]
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if not isinstance(error, IngestError):
            raise error
    return errors


def test_a_page_claimed_in_the_moment_in_which_its_run_is_cancelled_is_not_applied(
    library: Library,
) -> None:
    """Bug: who had looked for work before the cancelling claimed after it, and nobody noticed."""
    fill(library.shelf, books=3)
    asked = library.request("backfill")
    begin_due(library.engine)
    with transaction(library.engine) as conn:
        held = claim_part(conn)
    assert held is not None
    with transaction(library.engine) as conn:
        sync_runs.cancel(conn, "a test", run_id=asked)
        conn.execute(
            sa.text(
                "UPDATE lightfast_sync_parts SET lease_token = CAST(:token AS uuid) "
                "WHERE run_id = :run AND resource = :resource"
            ),
            {"token": held.row.token, "run": asked, "resource": held.row.resource},
        )
    with transaction(library.engine) as conn:
        assert not sync_parts.lock(conn, held.row)


def test_a_filter_is_changed_while_a_page_of_the_connection_is_refused(library: Library) -> None:
    """Bug: one held the list and wanted the connection, the other held it and wanted the list."""
    fill(library.shelf, books=3)
    library.request("backfill")
    begin_due(library.engine)
    with transaction(library.engine) as conn:
        held = claim_part(conn)
    assert held is not None

    def change() -> int | None:
        change = SourceChange(metadata={"projectName": "east"})
        return change_source(library.engine, library.connection, change)

    with ThreadPoolExecutor(1) as pool:
        with transaction(library.engine) as conn:
            sync_parts.require_held(conn, held.row)
            changed = pool.submit(change)
            with pytest.raises(TimeoutError):
                changed.result(0.3)
            conditions.refuse(conn, library.connection, "no entry", token_id=held.token_id)
        assert changed.result() is not None


def test_of_runs_that_are_confirmed_and_begun_at_once_one_is_on_its_way(library: Library) -> None:
    """Bug: both found nobody on its way, and the second broke the drain by a constraint."""
    run = stopped(library)
    for _ in range(5):
        library.request("incremental")
        errors = together(
            lambda: confirm_run(library.engine, run),
            lambda: begin_due(library.engine),
            lambda: begin_due(library.engine),
        )
        assert all(isinstance(error, BadInput) for error in errors)
        assert library.rows(_RUNNING)[0]["n"] == 1
        with transaction(library.engine) as conn:
            conn.execute(sa.text("UPDATE lightfast_sync_runs SET state = 'done' "
                                 "WHERE kind = 'incremental'"))  # fmt: skip
            conn.execute(
                sa.text("UPDATE lightfast_sync_runs SET state = 'stopped' WHERE id = :id"),
                {"id": run},
            )


def test_several_workers_make_a_run_as_one_does(library: Library) -> None:
    fill(library.shelf, books=20, notes=15)
    asked = library.request("backfill")

    def work() -> None:
        drain_pages(library.engine, library.clients, go_on=lambda: True)

    assert together(work, work, work, work) == []
    ended = library.finish(asked)
    assert (ended["state"], ended["changed"], ended["seen"]) == ("done", 35, 35)
    assert library.sight() == keys_of(library.shelf)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_people_do_meanwhile_workers_go_on_and_nothing_is_lost(
    library: Library, seed: int
) -> None:
    """A person who pauses, resumes, cancels and asks, at every page of three workers."""
    fill(library.shelf, books=12, notes=8)
    library.sync("backfill")
    acts: list[Callable[[], object]] = [
        lambda: pause_source(library.engine, library.connection),
        lambda: resume_source(library.engine, library.connection),
        lambda: library.request("full"),
        lambda: library.request("incremental"),
        lambda: cancel_run(library.engine, _newest(library)),
        lambda: change_source(
            library.engine, library.connection, SourceChange(name=f"shelf {seed}", every_s=900)
        ),
    ]
    turn = {"n": seed}

    def meanwhile(_: PageRequest) -> None:
        turn["n"] += 1
        with suppress(BadInput):  # it has ended already
            acts[(turn["n"] * 7 + seed) % len(acts)]()

    library.shelf.meanwhile = meanwhile
    library.request("full")
    for _ in range(4):
        errors = together(*[library.pages] * 3)
        assert errors == []
        resume_source(library.engine, library.connection)
        assert library.rows(_RUNNING)[0]["n"] <= 1
    library.shelf.meanwhile = lambda _: None
    library.request("full")
    for _ in range(3):
        library.pages()
        library.look_up()
    assert library.rows(_RUNNING)[0]["n"] == 0
    assert library.sight() == keys_of(library.shelf)


def _newest(library: Library) -> int:
    found: int = library.rows("SELECT max(id) AS id FROM lightfast_sync_runs")[0]["id"]
    return found


@pytest.mark.parametrize("step", ["before it begins", "at a page", "at its end", "at look-ups"])
@pytest.mark.parametrize("act", ["cancel", "disconnect", "change"])
def test_at_each_step_a_run_is_ended_by_a_person(library: Library, step: str, act: str) -> None:
    fill(library.shelf, books=10)
    library.sync()
    library.shelf.drop("book", "0003")
    asked = library.request()

    judge = library.shelf.judge

    def do() -> None:
        _end(library, act, asked)

    def at_a_page(_: PageRequest) -> None:
        library.shelf.meanwhile = lambda _: None
        do()

    def at_its_end(absent: Unlisted) -> Concluded | None:
        library.shelf.judge = judge
        do()
        return judge(absent)

    if step == "at a page":
        library.shelf.meanwhile = at_a_page
    if step == "at its end":
        library.shelf.judge = at_its_end
    if step != "before it begins":
        library.pages()
    if step in ("before it begins", "at look-ups"):
        do()
    assert library.show(asked)["state"] == "cancelled"
    for _ in range(3):
        library.pages()
        library.look_up()
    assert library.show(asked)["state"] == "cancelled"
    assert library.rows(_RUNNING)[0]["n"] == 0
    assert keys_of(library.shelf) <= library.sight()


def _end(library: Library, act: str, run: int) -> None:
    if act == "cancel":
        cancel_run(library.engine, run)
    elif act == "disconnect":
        disconnect_source(library.engine, library.connection)
    else:
        change = SourceChange(metadata={"projectName": "east"})
        change_source(library.engine, library.connection, change)


def test_one_that_is_confirmed_deletes_nothing_that_has_come_back_since(library: Library) -> None:
    run = stopped(library)
    fill(library.shelf, books=2)  # two of the four are there again
    library.shelf.put("book", "0500")
    confirm_run(library.engine, run)
    ended = library.finish(run)
    assert (ended["state"], ended["deleted"]) == ("done", 2)
    assert library.sight() == keys_of(library.shelf) - {"book-0500"}
    assert library.sync()["state"] == "done"
    assert library.sight() == keys_of(library.shelf)
