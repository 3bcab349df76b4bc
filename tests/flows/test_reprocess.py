"""What is stored is made anew: what a run concerns and nothing else, whoever works beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core import revisions
from ingest.core.canonical import config_hash
from ingest.core.errors import BadInput, LeaseLost, Unavailable
from ingest.core.queues import REPROCESS_BELL
from ingest.core.references import extract
from ingest.flows.connections.connect import connect_source
from ingest.flows.deliveries import drain as claimed
from ingest.flows.deliveries.settle import settle_deliveries
from ingest.flows.documents import render
from ingest.flows.reprocess import deliveries, documents, drain, steps
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.flows.reprocess.configure import change_store
from ingest.flows.reprocess.drain import Drain
from ingest.flows.reprocess.remake import remake
from ingest.flows.reprocess.request import cancel_run, request_run
from ingest.flows.reprocess.stored import REASONS
from ingest.flows.reprocess.trial import try_out
from ingest.flows.sweep import sweep
from ingest.sources.registry import source
from ingest.store import reprocess_runs
from ingest.store.engine import transaction
from ingest.store.reprocess_runs import DONE
from ingest.store.reprocessing import Within
from tests.factories import METADATA, VAULT, connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.reprocessing import drained, reprocess, worked_off
from tests.flows.snapshot import difference, snapshot

__all__ = ["desk"]

pytestmark = pytest.mark.integration

LONG = "\n\n".join(f"The paragraph number {n} says nothing of interest." for n in range(60))
STORE = "docs"
WHOLE = "SELECT to_jsonb(t) AS row FROM {} t ORDER BY 1"
WRITTEN = (
    "lightfast_docs_documents",
    "lightfast_document_chunks",
    "lightfast_document_references",
    "lightfast_document_ledger",
    "lightfast_withheld_documents",
    "lightfast_ingestion_events",
    "lightfast_document_feeds",
)


@pytest.fixture
def github(engine: sa.Engine) -> str:
    make_store(engine, STORE)
    return connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)}, stores=[STORE])


@pytest.fixture
def linear(engine: sa.Engine, github: str) -> str:
    return connect(engine, "linear", stores=[STORE])


def _all(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    """Every row, `updated_at` too."""
    return {table: desk.rows(WHOLE.format(table)) for table in WRITTEN}


def _texts(desk: Desk) -> dict[str, list[str]]:
    query = """
        SELECT d.source_id, c.text FROM lightfast_document_chunks c
        JOIN lightfast_docs_documents d ON d.id = c.document_id ORDER BY 1, c.position
    """
    found: dict[str, list[str]] = {}
    for row in desk.rows(query):
        found.setdefault(row["source_id"], []).append(row["text"])
    return found


def _counted(found: dict[str, Any]) -> dict[str, int]:
    """What a run came to, of all sources."""
    summed: dict[str, int] = {}
    for told in found["counts"].values():
        for name, count in told.items():
            summed[name] = summed.get(name, 0) + count
    return summed


@contextmanager
def newer_extraction(*, misses: str = "") -> Iterator[None]:
    """Code that is newer, and finds no reference with these words."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(revisions, "EXTRACTION", revisions.EXTRACTION + 1)
        if misses:
            patched.setattr(
                render,
                "extract",
                lambda *given: tuple(r for r in extract(*given) if misses not in r.key),
            )
        yield


def test_a_new_chunk_size_cuts_what_it_concerns_and_nothing_else(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    other = make_store(engine, "other")
    elsewhere = connect(engine, "linear", stores=[other])
    desk.end(github, halcyon.issue(1, body=LONG))
    desk.end(github, halcyon.issue(2, body="short"))
    desk.end(elsewhere, halcyon.linear_issue(1, description=LONG))
    before = desk.documents()
    row, run = change_store(engine, STORE, {"chunk_max_tokens": 64, "chunk_overlap": 0})
    assert (row["chunk_max_tokens"], row["chunk_overlap"]) == (64, 0)
    assert run is not None
    counts = drained(engine, run)["counts"]
    assert counts == {"github": {"looked": 2, "rechunked": 2}}
    after = desk.documents()
    assert after["halcyon/web#1"]["chunk_count"] > 2 * before["halcyon/web#1"]["chunk_count"]
    assert len(_texts(desk)["halcyon/web#1"]) == after["halcyon/web#1"]["chunk_count"]
    for key in before:
        assert after[key]["content_hash"] == before[key]["content_hash"]
    changed = {key for key in before if after[key] != before[key]}
    assert changed == {"halcyon/web#1", "halcyon/web#2"}


def test_a_sources_own_overlap_stays(desk: Desk, engine: sa.Engine, linear: str) -> None:
    desk.end(linear, halcyon.linear_comment(body=LONG))
    told = snapshot(engine)
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64, chunk_overlap = 7")
    reprocess(engine)
    (row,) = desk.documents().values()
    assert row["config_hash"] == config_hash("char-hash-1536", 1536, 64, 7, sourceChunkOverlap=25)
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 512, chunk_overlap = 50")
    reprocess(engine)
    assert not difference(told, snapshot(engine))


def test_what_is_out_of_sight_comes_back_in_the_new_form(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    desk.end(github, halcyon.issue(1))
    desk.end(github, halcyon.comment(11, body=f"{LONG} As #7 says"))
    desk.end(github, halcyon.issue(1, at=2, action="deleted"))
    (aside,) = desk.rows("SELECT * FROM lightfast_withheld_documents")
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64, chunk_overlap = 0")
    assert _counted(reprocess(engine)) == {"looked": 1, "rechunked": 1}
    (made,) = desk.rows("SELECT * FROM lightfast_withheld_documents")
    assert len(made["chunks"]) > len(aside["chunks"])
    assert made["document"]["chunk_count"] == len(made["chunks"])
    assert made["refs"] == aside["refs"]
    assert desk.rows("SELECT * FROM lightfast_document_chunks") == []


def test_a_prefix_that_is_owned_by_now_is_read_out_of_what_is_stored(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    desk.end(github, halcyon.issue(1, body="Fixes ENG-7. See #2"))
    desk.end(github, halcyon.comment(11, body="Of nothing"))
    desk.run("DELETE FROM lightfast_webhook_deliveries")
    connect_source(
        engine,
        source("linear").descriptor,
        name="linear",
        metadata={**METADATA["linear"], "linearTeamKey": "ENG"},
        store_ids=[STORE],
        secrets={},
        vault=VAULT,
    )
    assert desk.targets("halcyon/web#1") == {"halcyon/web#2": False}
    (run,) = worked_off(engine)
    with transaction(engine) as conn:
        found = reprocess_runs.show(conn, run)
    assert found is not None
    assert found["counts"] == {"github": {"looked": 2, "reread": 1}}
    assert desk.targets("halcyon/web#1") == {"ENG-7": False, "halcyon/web#2": False}
    shown = desk.documents()["halcyon/web#1"]["relationships"]
    assert shown["mentions"] == {"github": ["halcyon/web#2"], "linear": ["ENG-7"]}


def test_what_fields_state_is_not_lost_and_counts_once_it_is_owned(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    desk.end(github, halcyon.pull_request(3, body="Closes #1"))
    told = desk.rows("SELECT * FROM lightfast_document_references ORDER BY target_key")
    with newer_extraction():
        found = reprocess(engine)
    assert _counted(found) == {"looked": 1}
    assert desk.rows("SELECT * FROM lightfast_document_references ORDER BY target_key") == told
    (ledger,) = desk.rows("SELECT * FROM lightfast_document_ledger WHERE rank IS NOT NULL")
    made = revisions.parts_of(ledger["revision"])
    assert made.extraction == revisions.EXTRACTION + 1


def test_a_newer_extraction_takes_back_and_an_older_worker_does_not_undo_it(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    (id_,) = desk.deliver(github, halcyon.issue(1, body="See #2 and #3"))
    desk.work()
    with newer_extraction(misses="#3"):
        assert _counted(reprocess(engine)) == {"looked": 1, "reread": 1}
    assert desk.targets("halcyon/web#1") == {"halcyon/web#2": False}
    desk.replay(id_)
    assert desk.targets("halcyon/web#1") == {"halcyon/web#2": False}


def test_what_is_as_it_should_be_is_not_written(
    desk: Desk, engine: sa.Engine, github: str, linear: str
) -> None:
    desk.end(github, halcyon.issue(1, body=f"{LONG} See #2 and ENG-1"))
    desk.end(github, halcyon.comment(11, body="As https://github.com/halcyon/web/issues/1"))
    desk.end(linear, halcyon.linear_comment(body=LONG))
    before = _all(desk)
    assert _counted(reprocess(engine)) == {"looked": 3}
    assert _all(desk) == before


def test_chunks_that_stay_are_not_touched(desk: Desk, engine: sa.Engine, github: str) -> None:
    """Another model is another configuration, and the same chunks."""
    desk.end(github, halcyon.issue(1, body=LONG))
    before = desk.rows("SELECT * FROM lightfast_document_chunks ORDER BY position")
    change_store(engine, STORE, {"embedding_model": "another", "embedding_dim": 8})
    worked_off(engine)
    assert desk.rows("SELECT * FROM lightfast_document_chunks ORDER BY position") == before
    (row,) = desk.documents().values()
    assert row["config_hash"] == config_hash("another", 8, 512, 50)


def test_references_alone_leave_chunks_alone(desk: Desk, engine: sa.Engine, github: str) -> None:
    desk.end(github, halcyon.issue(1, body=f"{LONG} See #2"))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    before = _texts(desk)
    with newer_extraction(misses="#2"):
        assert _counted(reprocess(engine, ["references"])) == {"looked": 1, "reread": 1}
    assert _texts(desk) == before
    assert desk.targets("halcyon/web#1") == {}


def test_a_trial_says_what_would_change_and_writes_nothing(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    desk.end(github, halcyon.issue(1, body=f"{LONG} See #2"))
    desk.end(github, halcyon.issue(5, body="short"))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64, chunk_overlap = 0")
    before = _all(desk)
    with newer_extraction(misses="#2"):
        found = try_out(
            engine, ReprocessRequest(("chunks", "references", "deliveries")), api_urls={}
        )
    assert found.deliveries == {"github": {"processed": 2}}
    assert found.documents == {"github": {"looked": 2, "rechunked": 2, "reread": 1}}
    one = next(change for change in found.changes if change["source_id"] == "halcyon/web#1")
    assert "mention:github:halcyon/web#2" in one["removes"]
    assert one["new_chunks"] > one["chunks"]
    assert _all(desk) == before
    assert desk.rows("SELECT * FROM lightfast_reprocess_runs") == []


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ("UPDATE lightfast_document_chunks SET text = 'else' WHERE position = 0", "damaged"),
        ("DELETE FROM lightfast_document_chunks", "nothing"),
        ("UPDATE lightfast_document_ledger SET reading = NULL", "older"),
        ("UPDATE lightfast_document_ledger SET rank = '1' || substr(rank, 2, 60)", "older"),
    ],
)
def test_what_cannot_be_made_is_left_alone_and_told(
    desk: Desk, engine: sa.Engine, github: str, spoilt: str, reason: str
) -> None:
    desk.end(github, halcyon.issue(1, body=f"{LONG} See #2"))
    desk.run(spoilt)
    before = _all(desk)
    with newer_extraction(misses="#2"):
        found = reprocess(engine)
    assert _counted(found) == {"looked": 1, reason: 1}
    (sample,) = found["samples"]
    assert sample["source_id"] == "halcyon/web#1"
    assert _all(desk) == before


def test_a_run_that_is_due_is_rung_for(engine: sa.Engine) -> None:
    rung: list[str] = []
    request_run(engine, ReprocessRequest())
    assert sweep(engine, rung.append)
    assert rung == [REPROCESS_BELL]


def test_what_an_older_version_stored_is_cut_anew_all_the_same(
    desk: Desk, engine: sa.Engine, linear: str
) -> None:
    desk.end(linear, halcyon.linear_comment(body=LONG))
    desk.run("UPDATE lightfast_document_ledger SET reading = NULL")
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64, chunk_overlap = 7")
    found = reprocess(engine)
    assert _counted(found) == {"looked": 1, "rechunked": 1, "older": 1}
    assert [one["reason"] for one in found["samples"]] == [REASONS["older"]]
    assert _counted(reprocess(engine, ["chunks"])) == {"looked": 1}
    (row,) = desk.documents().values()
    overridden = config_hash("char-hash-1536", 1536, 64, 7, sourceChunkOverlap=25)
    assert row["config_hash"] == overridden


def test_whoever_writes_meanwhile_has_the_last_word(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.end(github, halcyon.issue(1, body="Before"))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    whole, looks = documents.look, [0]

    def look(*given: Any, **named: Any) -> Any:
        found = whole(*given, **named)
        looks[0] += 1
        if looks[0] == 1:
            desk.end(github, halcyon.issue(1, at=9, body="After"))
        return found

    monkeypatch.setattr(documents, "look", look)
    found = reprocess(engine)
    assert looks == [2]
    assert _texts(desk)["halcyon/web#1"][0].endswith("After")
    assert _counted(found) == {"looked": 1}


def test_whoever_is_killed_between_two_parts_leaves_the_run_at_its_cursor(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 8):
        desk.end(github, halcyon.issue(number, body=f"{LONG} {number}"))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    monkeypatch.setattr(steps, "STEP_DOCUMENTS", 2)
    run = request_run(engine, ReprocessRequest())
    whole, calls = documents.write_part, [0]

    class Killed(BaseException):
        """As by a signal: nothing is caught, nothing is let go."""

    def write_part(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] % 2 == 0:
            raise Killed
        return whole(*given)

    monkeypatch.setattr(documents, "write_part", write_part)
    found: dict[str, Any] = {}
    for _ in range(12):
        try:
            found = drained(engine, run, lease_s=0.0)
        except Killed:
            continue
        break
    assert found["state"] == DONE
    assert found["counts"] == {"github": {"looked": 7, "rechunked": 7}}


def test_a_run_is_one_processs_at_a_time(desk: Desk, engine: sa.Engine, github: str) -> None:
    desk.end(github, halcyon.issue(1, body=LONG))
    run = request_run(engine, ReprocessRequest())
    with transaction(engine) as conn:
        held = reprocess_runs.claim(conn)
        assert held is not None
        assert reprocess_runs.claim(conn, only=run) is None
    with transaction(engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_reprocess_runs SET lease_until = now()"))
    assert drained(engine, run)["state"] == DONE
    moved = reprocess_runs.Moved({}, {}, ())
    with pytest.raises(LeaseLost), transaction(engine) as conn:
        reprocess_runs.move(conn, held, moved)


def test_what_fails_again_and_again_is_passed_over(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        desk.end(github, halcyon.issue(number, body=f"{LONG} {number}"))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    whole = remake

    def fails(standing: Any, *given: Any) -> Any:
        if standing.stored.source_id == "halcyon/web#2":
            raise BadInput("nobody can read this")
        return whole(standing, *given)

    monkeypatch.setattr(documents, "remake", fails)
    monkeypatch.setattr(drain, "AGAIN_S", 0.0)
    found = reprocess(engine)
    assert _counted(found) == {"looked": 2, "rechunked": 2, "failed": 1}
    (sample,) = found["samples"]
    standing = desk.documents()[sample["source_id"]]
    assert (sample["document"], sample["source_id"]) == (standing["id"], "halcyon/web#2")


def test_a_database_that_is_away_passes_nothing_over(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.end(github, halcyon.issue(1, body=LONG))
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64")
    whole, left = documents.write_part, iter(range(12))

    def write_part(*given: Any) -> Any:
        if next(left, None) is not None:
            raise Unavailable("for a moment")
        return whole(*given)

    monkeypatch.setattr(documents, "write_part", write_part)
    monkeypatch.setattr(drain, "AGAIN_S", 0.0)
    assert _counted(reprocess(engine)) == {"looked": 1, "rechunked": 1}


def test_a_batch_that_was_rendered_for_another_wish_of_its_store_is_given_back(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would write by the former one, behind a run that has gone by."""
    whole, told = settle_deliveries, [True]

    def settle(*given: Any) -> Any:
        if told.pop() if told else False:
            change_store(engine, STORE, {"chunk_max_tokens": 64, "chunk_overlap": 0})
        return whole(*given)

    monkeypatch.setattr(claimed, "settle_deliveries", settle)
    (id_,) = desk.deliver(github, halcyon.issue(1, body=LONG))
    desk.work()
    assert desk.delivery(id_)["status"] == "pending"
    assert desk.documents() == {}
    desk.run("UPDATE lightfast_webhook_deliveries SET next_attempt_at = now()")
    desk.work()
    (row,) = desk.documents().values()
    assert row["config_hash"] == config_hash("char-hash-1536", 1536, 64, 0)


def test_raw_deliveries_are_processed_once_more_a_few_at_a_time(
    desk: Desk, engine: sa.Engine, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.deliver(github, *(halcyon.issue(n, body=f"body {n}") for n in range(1, 6)))
    desk.work()
    told = snapshot(engine)
    desk.run("UPDATE lightfast_docs_documents SET content_hash = 'x', source_metadata = '{}'")
    desk.run("UPDATE lightfast_document_ledger SET revision = revision - 1")
    monkeypatch.setattr(
        deliveries, "replay_some", _few(deliveries.replay_some, most=2), raising=True
    )
    monkeypatch.setattr(steps, "replay_some", deliveries.replay_some)
    run = request_run(engine, ReprocessRequest(("deliveries",), Within(source="github")))
    waiting = []

    def work() -> None:
        query = "SELECT count(*) AS n FROM lightfast_webhook_deliveries WHERE status = 'pending'"
        waiting.append(desk.rows(query)[0]["n"])
        desk.work()

    Drain(engine, lambda: _state(engine, run) != DONE, on_replayed=work, pause=int).run(only=run)
    assert waiting == [2, 2, 1]
    assert not difference({**told, "events": {}}, {**snapshot(engine), "events": {}})
    found = drained(engine, run)
    assert found["counts"] == {"github": {"replayed": 5, "duplicate": 5}}


def _few(whole: Callable[..., Any], *, most: int) -> Callable[..., Any]:
    return lambda *given: whole(*given, limit=most)


def _state(engine: sa.Engine, run: int) -> str:
    with transaction(engine) as conn:
        found = reprocess_runs.show(conn, run)
    assert found is not None
    return str(found["state"])


def test_what_is_asked_for_twice_before_it_begins_is_one_run(
    engine: sa.Engine, desk: Desk, github: str
) -> None:
    asked = ReprocessRequest(("chunks",), Within(store=STORE))
    first = request_run(engine, asked)
    assert request_run(engine, asked) == first
    assert request_run(engine, replace(asked, what=("references",))) != first
    drained(engine, first)
    assert request_run(engine, asked) != first


def test_a_run_that_is_cancelled_goes_on_no_more(
    engine: sa.Engine, desk: Desk, github: str
) -> None:
    run = request_run(engine, ReprocessRequest())
    with transaction(engine) as conn:
        held = reprocess_runs.claim(conn)
    cancel_run(engine, run)
    assert held is not None
    with pytest.raises(LeaseLost), transaction(engine) as conn:
        reprocess_runs.move(conn, held, reprocess_runs.Moved({}, {}, ()))
    with pytest.raises(BadInput, match="it is cancelled"):
        cancel_run(engine, run)
    assert drained(engine, run)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"chunk_max_tokens": 3}, "below 4"),
        ({"chunk_max_tokens": 0}, "below 4"),
        ({"chunk_max_tokens": 40, "chunk_overlap": 40}, "overlap 40"),
        ({"chunk_overlap": -1}, "overlap -1"),
        ({"chunk_max_tokens": 100_000}, "at most 8,192"),
        ({"embedding_dim": 0}, "dimensions"),
        ({"embedding_model": " "}, "is no model"),
    ],
)
def test_what_no_store_can_want_is_refused(
    engine: sa.Engine, told: dict[str, Any], said: str
) -> None:
    make_store(engine, STORE)
    with pytest.raises(BadInput, match=said):
        change_store(engine, STORE, told)
