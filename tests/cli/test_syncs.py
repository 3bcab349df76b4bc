"""`ingest sync`, and what `ingest source` says and does of syncs: as a person meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.cli.watching_syncs import without_numbers
from ingest.core.errors import Refused
from ingest.flows.doctor import look_at_syncs
from ingest.flows.syncs.control import confirm_run
from ingest.flows.syncs.hindrance import NO_FETCHER, NO_SYNCER, hindrance
from ingest.flows.syncs.request import begin_due
from ingest.sources.listing import PageRequest
from ingest.store.engine import transaction
from ingest.store.sync_waits import WaitingRun
from tests.cli.conftest import SECRET_KEY, Ingest, Ran
from tests.factories import METADATA
from tests.flows.shelf import TYPE, Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration

TOKEN = "0123456789abcdefABCDEF01"


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


@contextmanager
def working(library: Library) -> Iterator[None]:
    """A syncer and a fetcher, until the end of the block."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.05):
            library.pages()
            library.look_up()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()


def stopped(library: Library) -> int:
    """A run that waits for a person: four of ten books are gone."""
    fill(library.shelf, books=10)
    library.sync()
    for number in range(4):
        library.shelf.drop("book", f"{number:04d}")
    found: int = library.sync()["id"]
    return found


def run(library: Library, statement: str) -> None:
    with transaction(library.engine) as conn:
        conn.execute(sa.text(statement))


def lines(ran: Ran) -> list[dict[str, Any]]:
    """How a run went on, by the JSON lines on stderr; between them are notes, and logs."""
    return [found for line in ran.err.splitlines() if "pages" in (found := _read(line))]


def _read(line: str) -> dict[str, Any]:
    return json.loads(line) if line.startswith("{") else {}


def test_a_connection_is_synced_without_the_word_start(ingest: Ingest, library: Library) -> None:
    asked = ingest("sync", library.connection, "--json").json
    assert (asked["kind"], asked["state"], asked["asked_by"]) == (
        "incremental",
        "waiting",
        "a person",
    )
    again = ingest("sync", "--full", library.connection, "--json").json
    assert (again["id"], again["kind"]) == (asked["id"], "full")
    said = ingest("sync", library.connection)
    assert f"ingest sync show {asked['id']}" in said.err
    assert ingest("sync", "start", library.connection, "--json").json["id"] == asked["id"], (
        "the help names it"
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("nothing-of-that-name",), "there is no connection nothing-of-that-name"),
        (("a b",), "there is no connection a b"),
        (("start",), "name a connection to be synced, or a stopped run"),
        (("{}", "--confirm", "1"), "not both"),
        (("--confirm", "7"), "there is no sync run 7"),
        (("--confirm", "7", "--full"), "leave --full out"),
        (("--confirm", "0"), "greater than or equal to 1"),
        (("--confirm", "x"), "should be a valid integer"),
        (("show", "7"), "there is no sync run 7; `ingest sync list` names those there are"),
        (("show", "x"), "should be a valid integer"),
        (("show", str(2**63)), "less than or equal to 9223372036854775807"),
        (("cancel", "7"), "there is no sync run 7"),
        (("list", "--connection", "nobody"), "there is no connection nobody"),
        (("list", "--limit", "0"), "greater than or equal to 1"),
        (("{}", "--force"), "No such option: --force"),
        (("{}", "another"), "another"),
    ],
    ids=str,
)
def test_wrong_use_is_one_line_and_exit_2(
    ingest: Ingest, library: Library, argv: tuple[str, ...], said: str
) -> None:
    ran = ingest("sync", *(word.format(library.connection) for word in argv))
    assert (ran.code, ran.out) == (2, ""), ran.err
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_what_cannot_be_listed_says_why(ingest: Ingest, library: Library) -> None:
    run(library, "DELETE FROM lightfast_source_credentials WHERE kind = 'api_token'")
    ran = ingest("sync", library.connection)
    assert ran.code == 2
    assert f"ingest source update {library.connection} --token-env VAR" in ran.err
    assert ingest("source", "disconnect", library.connection).code == 0
    assert "is disconnected; connect it again with" in ingest("sync", library.connection).err


def test_no_database_is_exit_3(ingest: Ingest) -> None:
    ran = ingest("sync", "list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert (ran.code, ran.out) == (3, "")


def test_the_help_says_how_to_begin_one(ingest: Ingest) -> None:
    for argv in (("sync",), ("sync", "--help")):
        said = ingest(*argv)
        assert "ingest sync CONNECTION" in said.out + said.err
    told = ingest("sync", "start", "--help").out
    assert "--wait" in told
    assert "--confirm" in told


def test_waiting_ends_with_the_run_and_one_document(ingest: Ingest, library: Library) -> None:
    fill(library.shelf, books=7, notes=3)
    with working(library):
        ran = ingest("sync", library.connection, "--full", "--wait", "--json")
    found = ran.json
    assert (found["state"], found["seen"], found["changed"]) == ("done", 10, 10)
    assert [part["resource"] for part in found["parts"]] == ["books", "notes", "end"]
    assert lines(ran)[-1]["state"] == "done"
    assert library.sight() == keys_of(library.shelf)


def test_waiting_for_one_that_stops_is_exit_1_and_says_what_to_do(
    ingest: Ingest, library: Library
) -> None:
    fill(library.shelf, books=10)
    library.sync()
    for number in range(4):
        library.shelf.drop("book", f"{number:04d}")
    with working(library):
        ran = ingest("sync", library.connection, "--full", "--wait", "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert found["state"] == "stopped"
    assert f"ingest sync --confirm {found['id']}" in ran.err
    with working(library):
        ended = ingest("sync", "--confirm", str(found["id"]), "--wait", "--json").json
    assert (ended["state"], ended["deleted"], ended["confirmed"]) == ("done", 4, True)
    assert "waits for nobody: it is done" in ingest("sync", "--confirm", str(found["id"])).err


def test_for_people_a_run_is_lines_on_stderr_and_a_table(ingest: Ingest, library: Library) -> None:
    fill(library.shelf, books=4)
    with working(library):
        ran = ingest("sync", library.connection, "--full", "--wait")
    assert ran.code == 0
    assert "done: 4 of 4 seen, 4 changed" in ran.err
    assert lines(ran) == []
    listed = ingest("sync", "list")
    assert "full" in listed.out
    assert "done" in listed.out


def test_waiting_says_what_it_waits_for(ingest: Ingest, library: Library) -> None:
    """Bug: of a paused connection, or a syncer that was not there, it said nothing."""
    asked = ingest("sync", library.connection, "--json").json["id"]
    ingest("source", "pause", library.connection)
    ran = ingest("sync", library.connection)
    said = (
        f"It waits for its connection, which is paused: ingest source resume {library.connection}"
    )
    assert said in ran.err
    assert ingest("sync", "show", str(asked), "--json").json["waits_for"] in said
    ended = threading.Timer(1.0, lambda: ingest_cancel(library, asked))
    ended.start()
    ran = ingest("sync", library.connection, "--wait", "--json")
    ended.join()
    assert ran.code == 1
    assert json.loads(ran.out)["state"] == "cancelled"
    assert "which is paused" in lines(ran)[0]["waits_for"]


def ingest_cancel(library: Library, asked: int) -> None:
    run(
        library,
        "UPDATE lightfast_sync_runs SET state = 'cancelled', reason = 'a test' "  # noqa: S608 - a number of ours
        f"WHERE id = {asked}",
    )


def test_what_a_run_of_the_database_waits_for_is_read(ingest: Ingest, library: Library) -> None:
    def waits_for() -> Any:
        return ingest("sync", "show", str(asked), "--json").json["waits_for"]

    fill(library.shelf, books=10)
    library.sync()
    library.shelf.drop("book", "0003")
    asked = library.request()
    assert waits_for() is None
    run(library, "UPDATE lightfast_sync_runs SET requested_at = now() - interval '1 minute'")
    assert waits_for() == NO_SYNCER
    begin_due(library.engine)
    run(library, "UPDATE lightfast_sync_parts SET next_attempt_at = now() - interval '1 minute'")
    assert waits_for() == NO_SYNCER
    later = library.request()
    shown = ingest("sync", "show", str(later), "--json").json
    assert shown["waits_for"] == f"run {asked} of its connection, which goes first"
    library.pages()
    assert waits_for() == "1 look-ups"
    run(library, "UPDATE lightfast_lookups SET next_attempt_at = now() - interval '1 minute'")
    assert waits_for() == f"1 look-ups; {NO_FETCHER}"
    run(
        library,
        "INSERT INTO lightfast_connection_conditions (connection_id, held_until) "
        "SELECT id, now() + interval '90 seconds' FROM lightfast_connected_sources",
    )
    assert waits_for().startswith("its provider, for ")
    library.look_up()
    library.pages()
    assert waits_for() is None


def test_a_refused_token_is_what_a_run_waits_for(ingest: Ingest, library: Library) -> None:
    def refuse(_: PageRequest) -> None:
        raise Refused("this token may not read the shelf")

    library.shelf.trouble = refuse
    asked = library.request()
    library.pages()
    said = ingest("sync", "show", str(asked), "--json").json["waits_for"]
    assert said.startswith("a token that its provider lets in (this token is let in nowhere)")


_RUNNING = WaitingRun("running", "c", True, "configured")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (replace(_RUNNING, state="done", is_active=False), None),
        (replace(_RUNNING, lists=2, is_worked_on=True), None),
        (replace(_RUNNING, lists=2, due_s=-1.0), None),
        (replace(_RUNNING, lists=2, due_s=0.5), None),
        (
            replace(_RUNNING, lists=1, due_s=40.0, last_error="answers 503"),
            "40 s, to try again: answers 503",
        ),
        (replace(_RUNNING, due_s=-9.0), NO_SYNCER),
        (replace(_RUNNING, status=None, is_active=False), "its connection, which is not active"),
        (replace(_RUNNING, look_ups=1_200, look_ups_due_s=3.0), "1,200 look-ups"),
    ],
)
def test_what_hinders_a_run(run: WaitingRun, said: str | None) -> None:
    assert hindrance(run) == said


def test_a_hindrance_is_told_once_while_its_seconds_go_by() -> None:
    told = [without_numbers(f"its provider, for {left} s more") for left in ("1,200", "60", "3")]
    assert len({*told}) == 1
    assert without_numbers("1,200 look-ups") not in told


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_whoever_is_interrupted_is_told_that_the_run_goes_on(
    library: Library, database_url: str
) -> None:
    asked = library.request()
    told = {"DATABASE_URL": database_url, "INGEST_SECRET_KEY": SECRET_KEY}
    waiting = subprocess.Popen(
        [sys.executable, "-m", "ingest.cli", "sync", library.connection, "--wait", "--json"],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    first: dict[str, Any] = {}
    while "pages" not in first:
        first = _read(waiting.stderr.readline())
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=30)
    assert first["run"] == asked
    assert (waiting.returncode, out) == (130, ""), "as of any command"
    assert f"Run {asked} goes on; see: ingest sync show {asked}" in err
    assert "Traceback" not in err
    assert library.show(asked)["state"] == "waiting"


def test_one_is_cancelled_and_once(ingest: Ingest, library: Library) -> None:
    asked = library.request()
    assert ingest("sync", "cancel", str(asked), "--json").json["state"] == "cancelled"
    ran = ingest("sync", "cancel", str(asked))
    assert ran.code == 2
    assert "has ended already: it is cancelled" in ran.err


def test_runs_are_listed_the_newest_first(ingest: Ingest, library: Library) -> None:
    assert ingest("sync", "list", "--json").json == []
    assert "Nothing was synced yet" in ingest("sync", "list").err
    fill(library.shelf, books=2)
    first, second = (library.sync(kind)["id"] for kind in ("backfill", "incremental"))
    found = ingest("sync", "list", "--connection", library.connection, "--json").json
    assert [one["id"] for one in found] == [second, first]
    assert "there may be more" in ingest("sync", "list", "--limit", "1").err


def test_a_filter_that_changed_is_seen_to_by_a_run_of_its_own(
    ingest: Ingest, library: Library
) -> None:
    fill(library.shelf, books=4)
    library.shelf.put("book", "0100", wing="west")
    library.sync()
    change = ("source", "update", library.connection, "--metadata", '{"projectName": "east"}')
    ran = ingest(*change, "--json")
    assert ran.json["id"] == library.connection
    (asked,) = [one for one in ingest("sync", "list", "--json").json if one["state"] == "waiting"]
    assert (asked["kind"], asked["asked_by"]) == ("full", "a changed filter")
    assert f"by sync run {asked['id']}" in ran.err
    assert library.finish(asked["id"])["state"] == "done"
    assert "book-0100" not in library.sight()
    assert "sync run" not in ingest(*change).err, "nothing changed"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "nothing to change"),
        (("--metadata", '{"vercelProjectId": "prj_2"}'), "would stand for something else"),
        (("--metadata", "[]"), "--metadata is not a JSON object"),
        (("--metadata", '{"vercelProjectId": null}'), "vercelProjectId: Field required"),
        (("--name", ""), "the name has 0 characters"),
        (("--sync-every", "soon"), "'soon' is no span of time"),
        (("--sync-every", "5s"), "'5s' is no time between two runs; give 30s to 366d"),
        (("--full-sync-every", "999999d"), "'999999d' is no time between two runs"),
        (("--token-env", "NONE", "--name", "other"), "the environment variable NONE is not set"),
        (("--token-env", "BAD", "--name", "other"), "token"),
    ],
    ids=str,
)
def test_an_update_that_cannot_be_changes_nothing(
    ingest: Ingest, library: Library, argv: tuple[str, ...], said: str
) -> None:
    """Bug: with a token that cannot work the rest was changed all the same."""
    before = ingest("source", "show", library.connection, "--json").json
    ran = ingest("source", "update", library.connection, *argv, BAD="no token\x7f at all")
    assert (ran.code, ran.out) == (2, ""), ran.err
    assert said in ran.err
    assert ingest("source", "show", library.connection, "--json").json == before


def test_a_schedule_is_a_connections_own(ingest: Ingest, library: Library) -> None:
    update = ("source", "update", library.connection)
    assert ingest(*update, "--sync-every", "5m", "--full-sync-every", "7d").code == 0
    shown = ingest("source", "show", library.connection, "--json").json
    assert (shown["sync_every_s"], shown["full_sync_every_s"]) == (300, 604_800)
    assert ingest(*update, "--sync-every", "0s").code == 0
    shown = ingest("source", "show", library.connection, "--json").json
    assert (shown["sync_every_s"], shown["full_sync_every_s"]) == (None, 604_800)


def connect(ingest: Ingest, *more: str) -> Ran:
    ingest("store", "create", "docs")
    told = ("--store", "docs", "--name", "Shelf", "--metadata", json.dumps(METADATA[TYPE]))
    return ingest("source", "connect", TYPE, *told, *more, TOKEN=TOKEN)


@pytest.mark.usefixtures("library")
def test_a_new_connection_is_backfilled(ingest: Ingest) -> None:
    made = connect(ingest, "--token-env", "TOKEN", "--json")
    shown = ingest("sync", "show", str(made.json["backfill"]), "--json").json
    assert (shown["kind"], shown["state"], shown["asked_by"]) == (
        "backfill",
        "waiting",
        "connecting",
    )
    ingest("source", "disconnect", made.json["id"])
    later = connect(ingest, "--token-env", "TOKEN", "--no-backfill", "--json")
    assert later.json["backfill"] is None


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("by", ["credentials", "update"])
def test_one_without_a_token_says_so_and_is_backfilled_once_it_has_one(
    ingest: Ingest, by: str
) -> None:
    """Bug: it stayed empty until the night."""
    made = connect(ingest, "--json")
    assert made.json["backfill"] is None
    id_ = made.json["id"]
    assert f"ingest source credentials {id_} --token-env VAR" in made.err
    ran = ingest("source", by, id_, "--token-env", "TOKEN", TOKEN=TOKEN)
    (asked,) = ingest("sync", "list", "--connection", id_, "--json").json
    assert (asked["kind"], asked["asked_by"]) == ("backfill", "its first token")
    assert f"ingest sync show {asked['id']}" in ran.err
    ingest("source", by, id_, "--token-env", "TOKEN", TOKEN=TOKEN)
    assert len(ingest("sync", "list", "--connection", id_, "--json").json) == 1


def findings(library: Library) -> list[tuple[str, str]]:
    return [(one.state, one.said) for one in look_at_syncs(library.engine)]


def test_the_doctor_says_how_syncs_stand(library: Library) -> None:
    assert findings(library) == [("note", "it was never listed: what was there before is missing")]
    run_id = stopped(library)
    ((state, said),) = findings(library)
    assert (state, f"run {run_id} waits for a person" in said) == ("failed", True)
    confirm_run(library.engine, run_id)
    library.finish(run_id)
    assert findings(library)[0][0] == "ok"


def test_the_doctor_finds_a_full_run_that_failed_behind_others_that_did_not(
    library: Library,
) -> None:
    """Bug: each incremental run that ended well hid it for another night."""
    fill(library.shelf, books=4, notes=2)
    library.sync("backfill")

    def trouble(request: PageRequest) -> None:
        if request.resource == "notes":
            raise ValueError("no JSON")

    library.shelf.trouble = trouble
    failed = library.sync("full")["id"]
    assert library.sync("incremental")["state"] == "done"
    ((state, said),) = findings(library)
    assert state == "failed"
    assert f"run {failed} (full) failed" in said
    library.shelf.trouble = lambda _: None
    library.sync("full")
    assert findings(library)[0][0] == "ok"


def test_the_doctor_knows_a_connections_own_schedule(library: Library, ingest: Ingest) -> None:
    """Bug: a source that is listed once a day was late after an hour."""
    fill(library.shelf, books=2)
    library.sync("backfill")
    run(library, "UPDATE lightfast_sync_runs SET finished_at = now() - interval '5 hours'")
    assert findings(library)[0][0] == "note"
    ingest("source", "update", library.connection, "--sync-every", "1d")
    assert findings(library)[0][0] == "ok"


def test_the_doctor_says_what_a_run_waits_for(library: Library) -> None:
    library.request()
    run(library, "UPDATE lightfast_sync_runs SET requested_at = now() - interval '1 minute'")
    ((state, said),) = findings(library)
    assert (state, NO_SYNCER in said) == ("note", True)
