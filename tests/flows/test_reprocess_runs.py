"""How runs go on: behind live work, when they are due, as often as they may; and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.bell.celery_app import WAKES
from ingest.core import revisions
from ingest.core.errors import BadInput
from ingest.core.queues import QUEUE_OF_BELL, QUEUES
from ingest.flows.connections import rereading
from ingest.flows.connections.change import change_connection
from ingest.flows.reprocess import documents, drain, steps
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.deliveries import Replayed
from ingest.flows.reprocess.drain import MOST_TRIES, Drain
from ingest.flows.reprocess.remake import StandingDocument, Wish, _marked
from ingest.flows.reprocess.request import request_run
from ingest.sources.registry import source
from ingest.store import engine as engines
from ingest.store import reprocess_runs, reprocessing
from ingest.store.engine import transaction
from ingest.store.reprocess_runs import DONE, FAILED
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.reprocessing import drained, reprocess
from tests.flows.snapshot import snapshot

__all__ = ["desk"]

pytestmark = pytest.mark.integration

STORE = "docs"
_DUE_IN = "UPDATE lightfast_reprocess_runs SET next_attempt_at = now() + interval '{}'"


@pytest.fixture
def github(engine: sa.Engine) -> str:
    make_store(engine, STORE)
    return connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)}, stores=[STORE])


def _runs(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows("SELECT * FROM lightfast_reprocess_runs ORDER BY id")


def test_a_bell_calls_a_task_and_there_are_workers_that_hear_it() -> None:
    assert {*QUEUES, *QUEUE_OF_BELL} == {*WAKES}
    assert {*QUEUE_OF_BELL.values()} <= {*QUEUES}
    assert len({*WAKES.values()}) == len(WAKES)


def test_a_run_for_new_owners_begins_after_all_that_read_the_former_ones(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    """No statement of such a batch lasts longer, with the wait for its lock."""
    longest_s = (engines.LOCK_TIMEOUT_MS + engines.STATEMENT_TIMEOUT_MS) / 1000
    assert longest_s < rereading.SOON_S < 2 * longest_s
    linear = connect(engine, "linear", stores=[STORE])
    desk.end(github, halcyon.issue(1, body="As OPS-7 says"))
    with transaction(engine) as conn:
        change_connection(conn, linear, name="another")
    assert _runs(desk) == [], "a name owns nothing"
    with transaction(engine) as conn:
        change_connection(conn, linear, metadata={"teamKeys": ["OPS"]})
    (run,) = _runs(desk)
    assert (run["what"], run["scope"]) == (["references"], {"store": STORE})
    assert (run["next_attempt_at"] - run["requested_at"]).total_seconds() == rereading.SOON_S
    assert drained(engine, run["id"])["counts"] == {"github": {"looked": 1, "reread": 1}}
    assert desk.targets("halcyon/web#1") == {"OPS-7": False}


@pytest.fixture
def paced(engine: sa.Engine) -> Callable[..., tuple[float, list[float]]]:
    """Yields to live work after a step; what of the pause is left, and the pauses made."""

    def yields(
        took_s: float, go_on: Callable[[], bool] = lambda: True, at: Callable[[], Any] = int
    ) -> tuple[float, list[float]]:
        pauses = list[float]()

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            at()

        return Drain(engine, go_on, pause=pause)._yield(took_s), pauses

    return yields


def test_three_quarters_of_the_time_are_left_to_deliveries_that_are_due(
    desk: Desk, github: str, paced: Callable[..., tuple[float, list[float]]]
) -> None:
    assert paced(2.0) == (0.0, []), "nothing is due"
    desk.deliver(github, halcyon.issue(1))
    left_s, pauses = paced(2.0)
    assert (left_s, sum(pauses)) == (0.0, 6.0)
    assert max(pauses) <= drain.LOOKS_EVERY_S
    assert sum(paced(1_000.0)[1]) == 10.0, "the lease is not outlasted"
    assert len(paced(2.0, at=desk.work)[1]) == 1, "what is due no more is not waited for"


def test_whoever_has_to_stop_in_a_pause_leaves_the_rest_of_it_to_the_next(
    desk: Desk,
    engine: sa.Engine,
    github: str,
    paced: Callable[..., tuple[float, list[float]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk.end(github, halcyon.issue(1))
    desk.deliver(github, halcyon.issue(2))
    goes_on: Iterator[bool] = iter([True, True, False])
    assert paced(2.0, go_on=lambda: next(goes_on)) == (5.0, [0.5, 0.5])
    desk.end(github, halcyon.issue(3))
    desk.deliver(github, halcyon.issue(4))
    monkeypatch.setattr(steps, "STEP_DOCUMENTS", 1)
    monkeypatch.setattr(Drain, "_yield", lambda *_: 7.0)
    run = request_run(engine, ReprocessRequest())
    once = iter([True])
    Drain(engine, lambda: next(once, False)).run(only=run)
    (row,) = desk.rows(
        "SELECT steps, lease_until, next_attempt_at > now() + interval '5 s' AS rests "
        "FROM lightfast_reprocess_runs"
    )
    assert row == {"steps": 1, "lease_until": None, "rests": True}


def test_who_wants_one_run_alone_waits_until_it_is_due(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    """It was tried again and again without a pause."""
    run = request_run(engine, ReprocessRequest())
    desk.run(_DUE_IN.format("3 s"))
    pauses = list[float]()

    def pause(seconds: float) -> None:
        assert _runs(desk)[0]["started_at"] is None
        pauses.append(seconds)
        if len(pauses) == 3:
            desk.run(_DUE_IN.format("0 s"))

    Drain(engine, lambda: True, pause=pause).run(only=run)
    assert _runs(desk)[0]["state"] == DONE
    assert len(pauses) == 3
    assert min(pauses) >= drain.IDLE_S
    assert pauses[0] == drain.SOON_S


def test_who_waits_for_deliveries_pauses_meanwhile(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    desk.end(github, halcyon.issue(1))
    run = request_run(engine, ReprocessRequest(("deliveries",)))
    paused = list[float]()

    def pause(seconds: float) -> None:
        paused.append(seconds)
        desk.run(_DUE_IN.format("0 s"))
        if len(paused) == 5:
            desk.work()

    Drain(engine, lambda: True, pause=pause).run(only=run)
    (row,) = _runs(desk)
    assert row["state"] == DONE
    assert len(paused) >= 5
    assert row["steps"] <= len(paused) + 2, "no step is made again without a pause"


def test_what_fails_for_ever_is_failed_in_the_end(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no document is at fault there is none to pass over."""
    tries = count()

    def fails(*_: object) -> Replayed:
        next(tries)
        raise BadInput("no adapter reads this")

    monkeypatch.setattr(steps, "replay_some", fails)
    monkeypatch.setattr(drain, "AGAIN_S", 0.0)
    found = drained(engine, request_run(engine, ReprocessRequest(("deliveries",))))
    assert found["state"] == FAILED
    assert found["reason"] == f"its step failed {MOST_TRIES} times: no adapter reads this"
    assert next(tries) == MOST_TRIES + 1


def test_runs_that_have_ended_are_forgotten_after_their_time(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    ended = [request_run(engine, ReprocessRequest((what,))) for what in ("chunks", "references")]
    for run in ended:
        drained(engine, run)
    going_on = request_run(engine, ReprocessRequest())
    desk.run("UPDATE lightfast_reprocess_runs SET requested_at = now() - interval '90 days'")
    desk.run(
        "UPDATE lightfast_reprocess_runs SET finished_at = now() - interval '31 days' "
        "WHERE id = (SELECT min(id) FROM lightfast_reprocess_runs)"
    )
    with transaction(engine) as conn:
        assert reprocess_runs.forget(conn, keep_days=30, limit=10) == 1
    assert [row["id"] for row in _runs(desk)] == [ended[1], going_on]


def test_what_is_looked_at_is_read_as_of_one_moment(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chunks of one text beside the hash of another are no damage."""
    desk.end(github, halcyon.issue(1, body="Before"))
    whole, looks = reprocessing.chunks, count(1)

    def chunks(*given: Any) -> Any:
        if next(looks) == 1:
            desk.end(github, halcyon.issue(1, at=2, body="After"))
        return whole(*given)

    monkeypatch.setattr(reprocessing, "chunks", chunks)
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    assert reprocess(engine)["counts"] == {"github": {"looked": 1}}
    assert next(looks) == 3, "it was overtaken, and looked at once more"


def test_what_went_out_of_sight_meanwhile_stays_there(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.end(github, halcyon.issue(1))
    desk.end(github, halcyon.comment(11, body="As #7 says"))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    whole, looks = documents.look, count(1)

    def look(*given: Any, **named: Any) -> Any:
        found = whole(*given, **named)
        if next(looks) == 1:
            desk.end(github, halcyon.issue(1, at=2, action="deleted"))
        return found

    monkeypatch.setattr(documents, "look", look)
    assert reprocess(engine)["counts"] == {"github": {"looked": 1, "rechunked": 1}}
    assert next(looks) == 3
    assert desk.documents() == {}
    assert len(desk.rows("SELECT * FROM lightfast_withheld_documents")) == 1


@pytest.mark.parametrize("is_marked", [False, True])
def test_what_is_brought_back_to_be_written_and_is_not_goes_out_of_sight_again(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch, is_marked: bool
) -> None:
    """It stayed in sight where, under the lock, nothing was left to write of it."""
    desk.end(github, halcyon.issue(1))
    desk.end(github, halcyon.comment(11, body="As #7 says"))
    desk.end(github, halcyon.issue(1, at=2, action="deleted"))
    told = snapshot(engine)
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    read = documents._with_pointers

    def called_otherwise(conn: sa.Connection, ids: Any) -> Any:
        """As if another worker had given it one more name since the look."""
        found = read(conn, ids)
        return {id_: replace(one, names=one.names | {"another"}) for id_, one in found.items()}

    def nothing_left(standing: StandingDocument, _: object, wish: Wish, *__: object) -> Any:
        return _marked(standing, wish) if is_marked else None

    monkeypatch.setattr(revisions, "EXTRACTION", revisions.EXTRACTION + 1)
    monkeypatch.setattr(documents, "_with_pointers", called_otherwise)
    monkeypatch.setattr(documents, "made_of", nothing_left)
    reprocess(engine)
    after = snapshot(engine)
    assert after["withheld"] == told["withheld"]
    assert after["documents"] == after["chunks"] == {}
    (row,) = (one for one in after["ledger"].values() if one["state"] == "live")
    assert (row["revision"] == revisions.revision(source("github").revision)) == is_marked
