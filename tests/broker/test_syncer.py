"""Sync runs in real workers: asked for by a message, killed at any page, stopped in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.embedded import commands
from ingest.embedded.stack import Child
from ingest.flows.syncs.drain import CRASHES
from ingest.store.engine import transaction
from tests.broker.workers import PATIENCE_S, Working, environment, send, working
from tests.flows.shelf import Library, Shelf, fill, keys_of, shelved

pytestmark = pytest.mark.integration

BOOKS, NOTES, PAGE_SIZE = 30, 10, 5
BEATS = 1.0
"""Seconds between two wake-ups that the test sends, where a beat would sweep."""


@dataclass(frozen=True, slots=True)
class Syncing:
    """A library whose pages real workers make, and the log of what they asked for."""

    library: Library
    broker_url: str
    log: Path
    worker: Working

    def asked(self) -> list[tuple[int, str, str]]:
        """Process id, list and cursor of each page that was asked for so far."""
        text = self.log.read_text("utf-8") if self.log.exists() else ""
        found = [line.split(" ", 2) for line in text.splitlines()]
        return [(int(pid), resource, cursor) for pid, resource, cursor in found]

    def ask(self, *args: object) -> None:
        send(self.broker_url, "ingest.sync", *args, queue="ingest")

    def runs(self) -> list[dict[str, object]]:
        ids = self.library.rows("SELECT id FROM lightfast_sync_runs ORDER BY id")
        return [self.library.show(row["id"]) for row in ids]

    def until(self, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Poll, and wake the workers now and then."""
        ends_at, next_at = time.monotonic() + seconds, 0.0
        while not condition():
            now = time.monotonic()
            assert now < ends_at, (self.runs(), self.worker.said())
            if now > next_at:
                send(self.broker_url, "ingest.sync_pages", queue="sync")
                next_at = now + BEATS
            time.sleep(0.05)

    def has_ended(self) -> bool:
        runs = self.runs()
        return bool(runs) and all(run["finished_at"] for run in runs)

    def kill_one(self) -> tuple[int, str, str]:
        """Kill the process that asked for the last page with -9, and let all leases run out: its
        own, whichever it holds by now, and that of the other one, which lives.
        """
        pid, resource, cursor = self.asked()[-1]
        os.kill(pid, signal.SIGKILL)
        expired = (
            "UPDATE lightfast_sync_parts SET lease_until = now() - interval '1 second' "
            "WHERE lease_until IS NOT NULL"
        )
        with transaction(self.library.engine) as conn:
            conn.execute(sa.text(expired))
        return pid, resource, cursor


def syncer() -> Child:
    """The Procfile's, which hears the other queues too, and knows the shelf."""
    child = commands.syncer(env={})
    swapped = {"ingest.worker": "tests.broker.shelved_worker", "sync": "sync,ingest,fetch"}
    return Child(child.name, [swapped.get(word, word) for word in child.argv], child.env)


@pytest.fixture
def page_s(request: pytest.FixtureRequest) -> float:
    found: float = getattr(request, "param", 0.2)
    return found


@pytest.fixture
def shelf_env(
    database_url: str, broker_url: str, page_s: float, tmp_path: Path
) -> Mapping[str, str]:
    told = {"books": BOOKS, "notes": NOTES, "page_size": PAGE_SIZE, "page_s": page_s}
    return environment(
        database_url,
        broker_url,
        SHELF=json.dumps({**told, "log": str(tmp_path / "pages")}),
        PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
    )


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    fill(shelf, BOOKS, NOTES)
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


@pytest.fixture
def syncing(
    library: Library, broker_url: str, shelf_env: Mapping[str, str], tmp_path: Path
) -> Iterator[Syncing]:
    with working(syncer(), shelf_env, tmp_path / "syncer.log") as worker:
        yield Syncing(library, broker_url, tmp_path / "pages", worker)


def test_a_message_ends_in_documents(syncing: Syncing) -> None:
    syncing.ask("no such connection")
    syncing.ask(syncing.library.connection, "all of it")
    syncing.ask(syncing.library.connection)
    syncing.until(syncing.has_ended)
    (run,) = syncing.runs()
    assert (run["kind"], run["state"], run["asked_by"]) == ("incremental", "done", "a task")
    assert syncing.library.sight() == keys_of(syncing.library.shelf)
    assert syncing.worker.said().count("sync_dropped") == 2
    _shares_its_pages(syncing)
    syncing.ask(syncing.library.connection, True)
    syncing.until(lambda: len(syncing.runs()) == 2 and syncing.has_ended())
    assert syncing.runs()[1]["kind"] == "full"
    assert syncing.runs()[1]["changed"] == 0


def _shares_its_pages(syncing: Syncing) -> None:
    """Two processes, each with a list of its own; each page was asked for once."""
    assert len({pid for pid, _, _ in syncing.asked()}) == 2
    pages = [(resource, cursor) for _, resource, cursor in syncing.asked()]
    assert len(pages) == len({*pages}) == (BOOKS + NOTES) / PAGE_SIZE


def test_whoever_is_killed_leaves_a_page_that_is_made_again(syncing: Syncing) -> None:
    syncing.ask(syncing.library.connection)
    syncing.until(lambda: len(syncing.asked()) >= 3)
    pid, resource, cursor = syncing.kill_one()
    syncing.until(syncing.has_ended)
    _is_as_if_nothing_had_happened(syncing)
    again = [one for one, *page in syncing.asked() if page == [resource, cursor]]
    assert again[0] == pid
    assert len({*again}) == 2


@pytest.mark.parametrize("page_s", [2.0], indirect=True)
def test_a_warm_shutdown_ends_the_page_under_way_and_begins_none(
    library: Library, broker_url: str, shelf_env: Mapping[str, str], tmp_path: Path
) -> None:
    asked = library.request("backfill")
    pages = tmp_path / "pages"
    with subprocess.Popen(syncer().argv, env=shelf_env, stderr=subprocess.DEVNULL) as process:
        try:
            ends_at = time.monotonic() + PATIENCE_S
            while _lines(pages) < 2:
                assert time.monotonic() < ends_at
                send(broker_url, "ingest.sync_pages", queue="sync")
                time.sleep(0.2)
            told_at = time.monotonic()
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
    assert time.monotonic() - told_at < 15
    shown = library.show(asked)
    assert (_lines(pages), shown["state"], shown["pages"]) == (2, "running", 2)
    leased = "SELECT FROM lightfast_sync_parts WHERE lease_until IS NOT NULL"
    assert library.rows(leased) == []


def _lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines()) if file.exists() else 0


def _is_as_if_nothing_had_happened(syncing: Syncing) -> None:
    """Late, and else the same: each object was seen and changed once."""
    (run,) = syncing.runs()
    assert (run["state"], run["reason"]) == ("done", None)
    assert (run["seen"], run["changed"]) == (BOOKS + NOTES, BOOKS + NOTES)
    assert syncing.library.sight() == keys_of(syncing.library.shelf)


@pytest.mark.slow
@pytest.mark.parametrize("page_s", [0.4], indirect=True)
def test_syncers_killed_at_any_page_make_the_run_late_and_no_more(syncing: Syncing) -> None:
    drawn = random.Random(7)
    syncing.ask(syncing.library.connection)
    for _ in range(CRASHES - 1):
        before = len(syncing.asked())
        syncing.until(partial(_has_gone_on, syncing, before))
        time.sleep(drawn.uniform(0, 0.8))
        if syncing.has_ended():
            break
        try:
            syncing.kill_one()
        except ProcessLookupError:
            continue
    syncing.until(syncing.has_ended, seconds=180)
    _is_as_if_nothing_had_happened(syncing)


def _has_gone_on(syncing: Syncing, pages: int) -> bool:
    return syncing.has_ended() or len(syncing.asked()) > pages


@pytest.mark.slow
@pytest.mark.parametrize("page_s", [2.0], indirect=True)
def test_a_lease_runs_out_by_itself(syncing: Syncing) -> None:
    syncing.ask(syncing.library.connection)
    syncing.until(lambda: len(syncing.asked()) >= 3)
    pid, resource, cursor = syncing.asked()[-1]
    os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    page = [resource, cursor]
    syncing.until(
        lambda: sum(list(asked[1:]) == page for asked in syncing.asked()) == 2, seconds=120
    )
    assert 15 < time.monotonic() - killed_at < 45
    syncing.until(syncing.has_ended, seconds=120)
    _is_as_if_nothing_had_happened(syncing)
