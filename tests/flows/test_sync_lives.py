"""Sync runs in a connection's life and after it: asked for, cancelled, purged, forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput, NotConnected, PermanentError, Refused
from ingest.core.queues import SYNC_QUEUE
from ingest.flows import retention as flow
from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.connections.erase import erase_connection, erase_store
from ingest.flows.connections.lifecycle import disconnect_source, pause_source, resume_source
from ingest.flows.retention import KEEP_RUNS_DAYS
from ingest.flows.sweep import sweep, tidy
from ingest.flows.syncs.messages import sync_by_message
from ingest.flows.syncs.request import begin_due
from ingest.sources.listing import PageRequest
from ingest.store import (
    gauges,
    heartbeats,
    schedule,
    sync_marks,
    sync_parts,
    sync_plans,
    sync_runs,
)
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import transaction
from tests.factories import VAULT
from tests.flows.shelf import Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration

OF_SYNCS = ("sync_runs", "sync_parts", "sync_seen", "sync_marks", "sync_schedules")


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def rows(library: Library, table: str) -> int:
    query = f"SELECT count(*) AS n FROM lightfast_{table}"  # noqa: S608 - ours
    found: int = library.rows(query)[0]["n"]
    return found


def run(library: Library, statement: str) -> None:
    with transaction(library.engine) as conn:
        conn.execute(sa.text(statement))


def stop(library: Library) -> int:
    """A run that waits for a person."""
    for number in range(4):
        library.shelf.drop("book", f"{number:04d}")
    ended = library.sync()
    assert ended["state"] == "stopped"
    found: int = ended["id"]
    return found


@pytest.mark.parametrize(
    ("args", "kwargs", "kind"),
    [
        (("{}",), {}, "incremental"),
        (("{}", False), {}, "incremental"),
        ((), {"connection_id": "{}", "full": True}, "full"),
    ],
)
def test_a_message_asks_for_a_run(
    library: Library, args: tuple[object, ...], kwargs: dict[str, object], kind: str
) -> None:
    def named(value: object) -> object:
        return library.connection if value == "{}" else value

    told = {name: named(value) for name, value in kwargs.items()}
    asked = sync_by_message(library.engine, [named(one) for one in args], told)
    shown = library.show(asked)
    assert (shown["kind"], shown["state"], shown["asked_by"]) == (kind, "waiting", "a task")
    assert sync_by_message(library.engine, [library.connection], {}) == asked


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "the arguments are not"),
        (("a", True, 3), {}, "the arguments are not"),
        (("a",), {"force": True}, "the arguments are not"),
        ((7,), {}, "no text|not a text"),
        (("a\x00b",), {}, "not a text"),
        (("a\ud800",), {}, "not a text"),
        (("a", "yes"), {}, "full is neither"),
        (("a", 1), {}, "full is neither"),
        (("ghp_looks-like-a-secret",), {}, "there is no connection of that id"),
        (("0b7c" * 300,), {}, "there is no connection of that id"),
    ],
    ids=str,
)
def test_a_message_that_makes_no_sense_is_refused_in_words(
    library: Library, args: tuple[object, ...], kwargs: dict[str, object], said: str
) -> None:
    with pytest.raises(PermanentError, match=said):
        sync_by_message(library.engine, args, kwargs)
    assert rows(library, "sync_runs") == 0


def test_a_message_for_one_that_is_gone_names_it(library: Library) -> None:
    erase_connection(library.engine, library.connection)
    with pytest.raises(NotConnected, match=library.connection):
        sync_by_message(library.engine, [library.connection], {})


def test_a_message_for_one_that_cannot_be_listed_says_why(library: Library) -> None:
    run(library, "DELETE FROM lightfast_source_credentials WHERE kind = 'api_token'")
    with pytest.raises(BadInput, match="no API token"):
        sync_by_message(library.engine, [library.connection], {})


def test_what_is_due_or_may_begin_is_swept(library: Library) -> None:
    fill(library.shelf, books=4)
    rung: list[str] = []

    def tick() -> list[str]:
        run(library, "DELETE FROM lightfast_schedule_slots")
        rung.clear()
        sweep(library.engine, rung.append)
        return list(rung)

    assert tick() == []
    library.request()
    assert tick() == [SYNC_QUEUE], "it waits, and nothing hinders it"
    begin_due(library.engine)
    assert tick() == [SYNC_QUEUE], "its pages are due"
    run(library, "UPDATE lightfast_sync_parts SET next_attempt_at = now() + interval '1 hour'")
    assert tick() == []
    library.request()
    assert tick() == [], "another run of its connection is on its way"
    pause_source(library.engine, library.connection)
    library.hurry()
    assert tick() == []


def test_a_source_that_is_disconnected_has_its_runs_cancelled(library: Library) -> None:
    fill(library.shelf, books=9)
    library.shelf.meanwhile = lambda _: disconnect_source(library.engine, library.connection)
    asked = library.request("backfill")
    waits: list[int] = []
    library.shelf.trouble = lambda _: waits.append(library.request("full"))
    library.pages()
    for one in (asked, *waits):
        assert library.show(one)["state"] == "cancelled"
        assert library.show(one)["reason"] == "its source was disconnected"
    assert library.sight() == set(), "the page that was on its way is not applied"


def test_a_run_that_was_asked_for_in_that_moment_is_cancelled_later(library: Library) -> None:
    disconnect_source(library.engine, library.connection)
    with transaction(library.engine) as conn:
        late = sync_runs.request(
            conn, library.connection, kind="full", asked_by="a test", scope="any"
        )
    assert tidy(library.engine)
    assert library.show(late)["state"] == "cancelled"


def test_who_cancels_waits_for_whoever_ends_the_run_and_not_he_for_him(library: Library) -> None:
    """Bug: the one held the run and wanted its list, the other the list and wanted the run."""
    asked = library.request("full")
    begin_due(library.engine)
    with transaction(library.engine) as conn:
        held = sync_parts.claim(conn)
    assert held is not None

    def cancel() -> list[int]:
        with transaction(library.engine) as conn:
            return sync_runs.cancel(conn, "a test", connection_id=library.connection)

    with ThreadPoolExecutor(1) as pool:
        with transaction(library.engine) as conn:
            sync_parts.require_held(conn, held)
            cancelled = pool.submit(cancel)
            with pytest.raises(TimeoutError):
                cancelled.result(0.3)
            sync_runs.finish(conn, asked, sync_runs.DONE)
        assert cancelled.result() == []
    assert library.show(asked)["state"] == "done"


@pytest.mark.parametrize("how", ["resumed", "given a token"])
def test_a_repair_makes_the_pages_due_at_once(library: Library, how: str) -> None:
    fill(library.shelf, books=9)

    def refuse(_: PageRequest) -> None:
        raise Refused("this token may not read the shelf")

    library.shelf.trouble = refuse
    library.request("backfill")
    library.pages()
    run(library, "UPDATE lightfast_sync_parts SET next_attempt_at = now() + interval '1 hour'")
    library.shelf.trouble = lambda _: None
    if how == "resumed":
        resume_source(library.engine, library.connection)
    else:
        secrets = {API_TOKEN: "another0123456789abcdefA"}
        replace_credentials(library.engine, library.connection, secrets, VAULT)
    with transaction(library.engine) as conn:
        due_s = sync_parts.next_due_s(conn)
    assert due_s is not None
    assert due_s <= 0


def test_a_page_that_is_worked_on_is_not_hurried(library: Library) -> None:
    fill(library.shelf, books=2)
    library.request("backfill")
    begin_due(library.engine)
    with transaction(library.engine) as conn:
        held = sync_parts.claim(conn)
        assert held is not None
    run(library, "UPDATE lightfast_sync_parts SET next_attempt_at = now() + interval '1 hour'")
    resume_source(library.engine, library.connection)
    late = "SELECT resource FROM lightfast_sync_parts WHERE next_attempt_at > now()"
    assert [row["resource"] for row in library.rows(late)] == [held.resource]


@pytest.mark.parametrize("what", ["connection", "store"])
def test_what_is_erased_leaves_nothing_of_its_runs(library: Library, what: str) -> None:
    fill(library.shelf, books=10)
    library.sync("backfill")
    stop(library)
    run(library, "INSERT INTO lightfast_sync_schedules VALUES ((SELECT id FROM "
                 "lightfast_connected_sources), 60, NULL)")  # fmt: skip
    assert all(rows(library, table) for table in OF_SYNCS)
    if what == "connection":
        erase_connection(library.engine, library.connection)
    else:
        erase_store(library.engine, library.store)
    assert {table: rows(library, table) for table in OF_SYNCS} == dict.fromkeys(OF_SYNCS, 0)
    assert library.sight() == set()


def test_a_later_run_that_lists_all_takes_the_place_of_one_that_waits_for_a_person(
    library: Library,
) -> None:
    """Bug: what the former had seen was forgotten, so confirmed it would have missed all."""
    fill(library.shelf, books=10)
    library.sync()
    stopped = stop(library)
    library.sync("incremental")
    assert library.show(stopped)["state"] == "stopped", "it lists too little to say"
    fill(library.shelf, books=10)
    ended = library.sync()
    assert ended["state"] == "done"
    assert library.show(stopped)["state"] == "cancelled"
    assert library.show(stopped)["reason"] == f"run {ended['id']} listed all since"
    with transaction(library.engine) as conn:
        assert not sync_runs.confirm(conn, stopped)


def test_what_a_run_has_seen_is_forgotten_once_it_has_ended(library: Library) -> None:
    fill(library.shelf, books=10)
    library.sync("backfill")
    stopped = stop(library)
    seen = rows(library, "sync_seen")
    done = flow.delete_old(library.engine, 30, go_on=lambda: False)
    assert done.seen == 10
    flow.delete_old(library.engine, 30, go_on=lambda: True)
    assert rows(library, "sync_seen") == seen - 10 == 6, "who confirms it needs to know"
    with transaction(library.engine) as conn:
        assert sync_runs.confirm(conn, stopped)
    assert library.finish(stopped)["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def test_runs_are_kept_for_a_month_and_the_last_of_each_kind_for_good(library: Library) -> None:
    fill(library.shelf, books=2)
    ids = [library.sync(kind)["id"] for kind in ("backfill", "full", "full")]
    ids += [library.sync("incremental")["id"] for _ in range(3)]
    flow.delete_old(library.engine, 30, go_on=lambda: True)
    assert rows(library, "sync_runs") == 6
    run(
        library,
        "UPDATE lightfast_sync_runs SET finished_at = finished_at - "  # noqa: S608 - a number of ours
        f"interval '{KEEP_RUNS_DAYS + 1} days'",
    )
    with transaction(library.engine) as conn:
        (before,) = sync_plans.histories(conn, ["vercel"])
        marks = sync_marks.marks(conn, library.connection)
    assert flow.delete_old(library.engine, 30, go_on=lambda: True).runs == 3
    left = [row["id"] for row in library.rows("SELECT id FROM lightfast_sync_runs ORDER BY id")]
    assert left == [ids[0], ids[2], ids[5]]
    with transaction(library.engine) as conn:
        assert sync_plans.histories(conn, ["vercel"]) == [before]
        assert sync_marks.marks(conn, library.connection) == marks
    assert library.sync("incremental")["state"] == "done"


def test_gaps_are_forgotten_after_a_month(library: Library) -> None:
    run(
        library,
        "INSERT INTO lightfast_receiver_gaps (began_at, ended_at) SELECT now() - d * interval "
        "'1 day', now() - d * interval '1 day' FROM unnest(ARRAY[1, 29, 31, 400]) d",
    )
    assert flow.delete_old(library.engine, 30, go_on=lambda: True).gaps == 2


def test_of_what_each_kind_leaves_one_step_is_deleted_at_each_tick(library: Library) -> None:
    fill(library.shelf, books=3)
    library.sync("backfill")
    with transaction(library.engine) as conn:
        assert schedule.take_slot(conn, "a test", every_s=1)
    run(library, "UPDATE lightfast_schedule_slots SET started_at = now() - interval '2 days'")
    run(
        library,
        "INSERT INTO lightfast_webhook_deliveries (source_type, delivery_key, body_hash, headers, "
        "body, status, settled_at) VALUES ('github', 'a', '', '{}', '', 'processed', "
        "now() - interval '40 days')",
    )
    done = flow.delete_old(library.engine, 30, go_on=lambda: False)
    assert (done.deliveries, done.seen, done.slots) == (1, 3, 1)


def test_the_run_after_a_gap_begins_before_it_and_the_one_after_that_does_not(
    library: Library,
) -> None:
    fill(library.shelf, books=2)
    library.sync("backfill")
    run(library, "UPDATE lightfast_sync_marks SET through = now() - interval '20 minutes'")
    run(
        library,
        "INSERT INTO lightfast_receiver_gaps (began_at, ended_at) VALUES "
        "(now() - interval '3 hours', now() - interval '5 minutes'), "
        "(now() - interval '9 hours', now() - interval '8 hours')",
    )
    assert _began_before_s(library) == pytest.approx(3 * 3_600, abs=60)
    assert _began_before_s(library) == pytest.approx(0, abs=60)


def test_a_list_that_has_the_gap_behind_it_pays_for_it_no_more(library: Library) -> None:
    """The notes are listed whole and seldom; that holds no other list back."""
    fill(library.shelf, books=2, notes=1)
    library.sync("backfill")
    run(
        library,
        "UPDATE lightfast_sync_marks SET through = now() - interval '1 day' "
        "WHERE resource = 'notes'",
    )
    run(
        library,
        "INSERT INTO lightfast_receiver_gaps (began_at, ended_at) VALUES "
        "(now() - interval '3 hours', now() - interval '2 hours')",
    )
    with transaction(library.engine) as conn:
        assert len(heartbeats.gaps(conn, library.connection)) == 1
    assert _began_before_s(library) == pytest.approx(0, abs=60)


def _began_before_s(library: Library) -> float:
    """From how long ago the books are listed by an incremental run of now."""
    ended = library.sync("incremental")
    (books,) = [part for part in ended["parts"] if part["resource"] == "books"]
    found: float = (ended["started_at"] - books["since"]).total_seconds()
    return found


def test_the_gauges_tell_how_syncs_stand(library: Library) -> None:
    assert not any(_gauges(library)[name] for name in ("syncs", "synced_at", "due_s"))
    fill(library.shelf, books=10)
    library.sync()
    ended = _gauges(library)
    assert (("vercel", "done"), 1.0) in ended["syncs_ended"]
    assert (("vercel", "seen"), 10.0) in ended["synced"]
    stop(library)
    library.request()
    begin_due(library.engine)
    library.request()
    run(library, "UPDATE lightfast_sync_parts SET next_attempt_at = now() - interval '9 minutes'")
    run(
        library,
        "UPDATE lightfast_connected_sources SET last_synced_at = "
        "CURRENT_TIMESTAMP - interval '1 hour'",
    )
    told = _gauges(library)
    assert dict(told["syncs"]) == {("vercel", state): 1.0 for state in STATES}
    assert dict(told["due_s"]) == {("sync", "vercel"): pytest.approx(540, abs=30)}
    synced_at = dict(told["synced_at"])[("vercel",)]
    assert datetime.now(UTC).timestamp() - synced_at == pytest.approx(3_600, abs=30)


STATES = ("waiting", "running", "stopped")


def _gauges(library: Library) -> gauges.Gauges:
    with transaction(library.engine) as conn:
        return {**gauges.read(conn), **gauges.read_costly(conn)}
