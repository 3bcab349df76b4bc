"""What becomes of deliveries: each ends, for a reason, and does what it says and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.connections.lifecycle import disconnect_source, pause_source, resume_source
from ingest.flows.deliveries import drain
from ingest.flows.deliveries.drain import drain_deliveries, process
from ingest.flows.deliveries.settle import settle_deliveries
from ingest.store import claiming
from ingest.store.claiming import Claim
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import TWIN_REPOSITORY, Sent
from tests.flows.snapshot import difference, snapshot
from tests.leases import run_out

__all__ = ["desk"]

pytestmark = pytest.mark.integration


@pytest.fixture
def github(engine: sa.Engine) -> str:
    """A connection to the repository, which feeds one store."""
    return connect(engine, "github", stores=[make_store(engine, "store-1")])


@pytest.fixture
def linear(engine: sa.Engine) -> str:
    """A connection to the whole organization."""
    metadata: dict[str, Any] = {"teamKeys": list(halcyon.TEAMS.values())}
    return connect(engine, "linear", metadata, stores=[make_store(engine, "store-2")])


# Every delivery ends.


def claimed(engine: sa.Engine) -> Claim:
    """As a worker does that goes down at once: a batch, or one suspect when alone."""
    with transaction(engine) as conn:
        found = claiming.claim(conn, limit=5, max_bytes=10**6)
    if found.suspects:
        with transaction(engine) as conn:
            found = claiming.claim(conn, limit=5, max_bytes=10**6, alone=True)
    run_out(engine)
    return found


def without(sent: Sent, *path: str) -> Sent:
    """The delivery with one field taken out of its body."""
    holder: Any = sent.body
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return sent


def test_a_change_is_processed_into_a_document_an_event_and_chunks(desk: Desk, github: str) -> None:
    assert desk.end(github, halcyon.issue(1, title="A title", body="A text"))[0] == "processed"
    assert desk.documents()["halcyon/web#1"]["source_metadata"]["title"] == "A title"
    (chunk,) = desk.rows("SELECT * FROM lightfast_document_chunks")
    assert chunk["text"] == "A title\n\nA text"
    (event,) = desk.rows("SELECT * FROM lightfast_ingestion_events")
    assert (event["status"], event["store_id"]) == ("processed", "store-1")


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (without(halcyon.issue(), "issue", "title"), "issue.title"),
        (without(halcyon.issue(), "issue", "updated_at"), "issue.updated_at"),
        (without(halcyon.comment(), "comment", "id"), "comment.id"),
        (without(halcyon.issue(), "action"), "action"),
    ],
)
def test_a_missing_required_field_is_dead_at_once_with_its_path(
    desk: Desk, github: str, sent: Sent, path: str
) -> None:
    (id_,) = desk.deliver(github, sent)
    desk.work()
    row = desk.delivery(id_)
    assert (row["status"], row["attempts"]) == ("dead", 1)
    assert path in row["reason"]
    assert desk.rows("SELECT * FROM lightfast_ingestion_events") == []


def test_a_body_that_is_not_an_object_is_dead(desk: Desk, github: str) -> None:
    for body in ([1, 2], "text", None):
        status, reason = desk.end(github, Sent("github", body))  # type: ignore[arg-type]
        assert (status, reason is not None) == ("dead", True)


def test_an_unknown_event_is_skipped_and_recorded(desk: Desk, github: str) -> None:
    sent = Sent("github", halcyon.issue().body, {"x-github-event": "sculpture"})
    status, reason = desk.end(github, sent)
    assert status == "skipped"
    assert "sculpture" in str(reason)
    (event,) = desk.rows("SELECT * FROM lightfast_ingestion_events")
    assert event["status"] == "skipped"


def test_nobody_is_waited_for_after_an_end(desk: Desk, github: str, linear: str) -> None:
    ends = [
        desk.end(github, halcyon.issue(1)),
        desk.end(github, without(halcyon.issue(1), "issue", "title")),
        desk.end(github, halcyon.issue(1, repository_id=TWIN_REPOSITORY)),
        desk.end(None, halcyon.issue(1, repository_id=999)),
        desk.end(linear, halcyon.linear_issue(1, at=2)),
        desk.end(linear, halcyon.linear_issue(1, at=1)),
    ]
    assert [status for status, _ in ends] == [
        "processed",
        "dead",
        "skipped",
        "skipped",
        "processed",
        "processed",
    ]
    assert all(reason for _, reason in ends)
    assert ends[-1][1] == "stale: a newer change is known"
    held = desk.rows(
        "SELECT * FROM lightfast_webhook_deliveries WHERE status = 'pending'"
        " OR settled_at IS NULL OR lease_until IS NOT NULL OR lease_token IS NOT NULL"
    )
    assert held == []


# For whom.


@pytest.mark.parametrize("twin_first", [True, False])
def test_a_delivery_for_another_tenant_touches_nobody(
    desk: Desk, engine: sa.Engine, github: str, *, twin_first: bool
) -> None:
    twin = connect(engine, "github", {"githubRepoId": str(TWIN_REPOSITORY)})
    sent = [
        (twin, halcyon.issue(1, title="theirs", repository_id=TWIN_REPOSITORY)),
        (github, halcyon.issue(1, title="ours")),
    ]
    for to, one in sent if twin_first else sent[::-1]:
        assert desk.end(to, one)[0] == "processed"
    before = snapshot(engine)
    stranger = halcyon.issue(1, at=9, title="stolen", repository_id=TWIN_REPOSITORY)
    assert desk.end(github, stranger) == ("skipped", "outside connection")
    assert difference(before, snapshot(engine)) == ""


def test_the_app_wide_route_reaches_the_tenant_that_the_payload_names_and_no_other(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    connect(engine, "github", {"githubRepoId": str(TWIN_REPOSITORY)})
    assert desk.end(None, halcyon.issue(1))[0] == "processed"
    assert [row["store_id"] for row in desk.documents().values()] == ["store-1"]
    assert desk.counts([github]) == [1]


def test_without_a_connection_it_is_skipped_and_replayed_once_there_is_one(
    desk: Desk, engine: sa.Engine
) -> None:
    (id_,) = desk.deliver(None, halcyon.issue(1))
    desk.work()
    assert desk.delivery(id_)["status"] == "skipped"
    assert "no connection for 101" in desk.delivery(id_)["reason"]
    connect(engine, "github")
    desk.replay(id_)
    assert desk.delivery(id_)["status"] == "processed"
    assert set(desk.documents()) == {"halcyon/web#1"}


def test_a_redelivery_of_a_skipped_one_is_work_again(desk: Desk, engine: sa.Engine) -> None:
    assert desk.end(None, halcyon.issue(1), key="k")[0] == "skipped"
    connect(engine, "github")
    assert desk.end(None, halcyon.issue(1), key="k")[0] == "processed"


def test_a_payload_that_names_no_tenant_is_skipped(desk: Desk, github: str) -> None:
    assert desk.end(None, without(halcyon.issue(1), "repository"))[0] == "skipped"


def test_a_paused_connections_deliveries_wait_uncounted_and_go_on_when_it_is_resumed(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    pause_source(engine, github)
    (id_,) = desk.deliver(github, halcyon.issue(1))
    desk.work()
    waiting = desk.delivery(id_)
    assert (waiting["status"], waiting["attempts"]) == ("pending", 0)
    assert "paused" in waiting["last_error"]
    resume_source(engine, github)
    desk.work()
    assert desk.delivery(id_)["status"] == "processed"


@pytest.mark.parametrize("mend", [resume_source, disconnect_source])
def test_who_mends_a_connection_while_its_deliveries_are_in_hand_is_heard_at_once(
    desk: Desk,
    engine: sa.Engine,
    github: str,
    monkeypatch: pytest.MonkeyPatch,
    mend: Callable[[sa.Engine, str], object],
) -> None:
    """Bug: one that was claimed just before waited for fifteen minutes."""
    pause_source(engine, github)
    other = connect(engine, "github")
    (own,) = desk.deliver(github, halcyon.issue(1))
    (everybodys,) = desk.deliver(None, halcyon.issue(2))

    def mended_first(*told: Any) -> Any:
        monkeypatch.setattr(drain, "settle_deliveries", settle_deliveries)
        mend(engine, github)
        return settle_deliveries(*told)

    monkeypatch.setattr(drain, "settle_deliveries", mended_first)
    desk.work()
    statuses = [
        row["status"]
        for row in desk.rows(
            "SELECT status FROM lightfast_webhook_deliveries WHERE id IN (:own, :all) ORDER BY id",
            own=own,
            all=everybodys,
        )
    ]
    assert "pending" not in statuses
    assert desk.counts([other]) == [1]


def test_one_that_the_application_paused_waits_too(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    """Bug: with no status, as the seed allows, its deliveries were due again at once, for ever."""
    with transaction(engine) as conn:
        conn.exec_driver_sql(
            "UPDATE lightfast_connected_sources SET is_active = false, config_status = NULL"
        )
    (id_,) = desk.deliver(github, halcyon.issue(1))
    rounds = iter([True] * 3 + [False])
    drain_deliveries(engine, go_on=lambda: next(rounds), threads=1)
    (waits,) = desk.rows(
        "SELECT next_attempt_at > now() + interval '10 min' AS long"
        " FROM lightfast_webhook_deliveries WHERE id = :id",
        id=id_,
    )
    assert waits["long"]


def test_a_paused_connection_holds_nobody_else_up(desk: Desk, engine: sa.Engine) -> None:
    """A bug once: on the app-wide route one organization's pause stopped another's documents."""
    paused, active = connect(engine, "github"), connect(engine, "github")
    pause_source(engine, paused)
    (sent,) = desk.deliver(None, halcyon.issue(1))
    desk.work()
    assert desk.delivery(sent)["status"] == "pending"
    assert desk.counts([paused, active]) == [0, 1]
    resume_source(engine, paused)
    desk.work()
    assert desk.delivery(sent)["status"] == "processed"
    assert desk.counts([paused, active]) == [1, 1]


def test_a_connection_that_is_purged_meanwhile_gives_the_others_back(
    desk: Desk, engine: sa.Engine
) -> None:
    """A bug once: its rows were gone, so the batch lost its lease and all were suspects."""
    purged, other = connect(engine, "github"), connect(engine, "github")
    desk.deliver(purged, halcyon.issue(1))
    (sent,) = desk.deliver(other, halcyon.issue(2))
    with transaction(engine) as conn:
        claim = claiming.claim(conn, limit=5, max_bytes=10**6)
        conn.execute(_PURGE, {"id": purged})
    assert process(engine, claim) == {}
    row = desk.delivery(sent)
    assert (row["status"], row["attempts"], row["lease_until"]) == ("pending", 0, None)


_PURGE = sa.text("DELETE FROM lightfast_connected_sources WHERE id = :id")


def test_a_disconnected_connections_deliveries_are_skipped(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    disconnect_source(engine, github)
    status, reason = desk.end(github, halcyon.issue(1))
    assert (status, "disconnected" in str(reason)) == ("skipped", True)
    assert desk.documents() == {}


def test_one_delivery_feeds_every_store_of_its_connection(desk: Desk, engine: sa.Engine) -> None:
    stores = [make_store(engine), make_store(engine)]
    both = connect(engine, "github", stores=stores)
    assert desk.end(both, halcyon.issue(1))[0] == "processed"
    assert [set(desk.documents(store)) for store in stores] == [{"halcyon/web#1"}] * 2
    events = desk.rows("SELECT store_id FROM lightfast_ingestion_events")
    assert {row["store_id"] for row in events} == set(stores)


def test_of_several_stores_one_that_is_new_makes_it_processed(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    both = connect(engine, "github", stores=["store-1", make_store(engine)])
    assert desk.end(github, halcyon.issue(1), key="k")[0] == "processed"
    assert desk.end(both, halcyon.issue(1), key="k")[0] == "processed"
    third = connect(engine, "github", stores=["store-1"])
    assert desk.end(third, halcyon.issue(1), key="k")[0] == "duplicate"


# Once, and the newest.


def test_a_fact_that_is_recorded_already_is_a_quiet_duplicate(desk: Desk, github: str) -> None:
    (id_,) = desk.deliver(github, halcyon.issue(1))
    desk.work()
    desk.replay(id_)
    assert desk.delivery(id_)["status"] == "duplicate"
    assert len(desk.rows("SELECT * FROM lightfast_ingestion_events")) == 1


def test_a_replay_mends_what_was_written_wrong(desk: Desk, github: str) -> None:
    """A duplicate writes no second event, but passes through `apply` all the same."""
    (id_,) = desk.deliver(github, halcyon.issue(1))
    desk.work()
    desk.run("UPDATE lightfast_document_ledger SET rank = '0'")
    desk.run("UPDATE lightfast_docs_documents SET source_metadata = '{}'")
    desk.replay(id_)
    assert desk.documents()["halcyon/web#1"]["source_metadata"]["number"] == 1


def test_the_same_key_with_another_body_is_kept_counted_and_applied(
    desk: Desk, github: str
) -> None:
    assert desk.end(github, halcyon.issue(1, at=1, title="one"), key="k")[0] == "processed"
    assert desk.end(github, halcyon.issue(1, at=2, title="two"), key="k")[0] == "duplicate"
    assert desk.documents()["halcyon/web#1"]["source_metadata"]["title"] == "two"
    marked = desk.rows("SELECT conflicting FROM lightfast_webhook_deliveries ORDER BY id")
    assert [row["conflicting"] for row in marked] == [False, True]


def test_equal_content_writes_nothing_but_the_ledger_and_a_stale_third_loses(
    desk: Desk, github: str
) -> None:
    """Forgetting to advance the ledger would let the third win."""
    written = """
        SELECT 'document' AS kind, CAST(xmin AS text) FROM lightfast_docs_documents
        UNION ALL SELECT 'chunk', CAST(xmin AS text) FROM lightfast_document_chunks
        UNION ALL SELECT 'source', CAST(xmin AS text) FROM lightfast_connected_sources
    """
    desk.end(github, halcyon.issue(1, title="one"))
    before = desk.rows(written)
    (known,) = desk.rows("SELECT rank FROM lightfast_document_ledger")
    desk.end(github, halcyon.issue(1, title="one", updated_at="2026-03-01T10:00:01.000900Z"))
    assert desk.rows(written) == before
    (advanced,) = desk.rows("SELECT rank FROM lightfast_document_ledger")
    assert advanced["rank"] > known["rank"]
    stale = halcyon.issue(1, title="stale", updated_at="2026-03-01T10:00:01.000500Z")
    assert desk.end(github, stale) == ("processed", "stale: a newer change is known")
    assert desk.rows(written) == before


def test_a_change_of_metadata_alone_leaves_the_chunks_alone(desk: Desk, github: str) -> None:
    chunks = "SELECT position, text, updated_at, CAST(xmin AS text) FROM lightfast_document_chunks"
    desk.end(github, halcyon.issue(1, at=1))
    before, moment = desk.rows(chunks), desk.documents()["halcyon/web#1"]["updated_at"]
    desk.end(github, halcyon.issue(1, at=2, labels=[{"name": "bug"}]))
    after = desk.documents()["halcyon/web#1"]
    assert after["source_metadata"]["labels"] == ["bug"]
    assert after["updated_at"] > moment
    assert desk.rows(chunks) == before


def test_of_a_long_text_only_the_chunks_that_changed_are_written(desk: Desk, github: str) -> None:
    chunks = "SELECT position, updated_at FROM lightfast_document_chunks ORDER BY position"
    paragraphs = [f"Paragraph {n}. " + "All work and no play. " * 60 for n in range(12)]
    desk.end(github, halcyon.issue(1, at=1, body="\n\n".join(paragraphs)))
    before = desk.rows(chunks)
    desk.end(github, halcyon.issue(1, at=2, body="\n\n".join([*paragraphs[:-1], "The end."])))
    after = desk.rows(chunks)
    assert len(before) > 4
    assert after[:2] == before[:2]
    assert after[-1] not in before
    counted = desk.documents()["halcyon/web#1"]["chunk_count"]
    assert counted == len(after)


# Faults.

REFUSE = """
ALTER TABLE lightfast_docs_documents ADD CONSTRAINT refuse CHECK (source_id <> 'halcyon/web#13')
"""


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_row_that_postgresql_refuses_is_dead_alone(desk: Desk, github: str, place: int) -> None:
    desk.run(REFUSE)
    numbers = [1, 2, 3, 4, 5, 6]
    numbers.insert(place, 13)
    ids = desk.deliver(github, *(halcyon.issue(number) for number in numbers))
    desk.work()
    ends = {number: desk.delivery(id_) for number, id_ in zip(numbers, ids, strict=True)}
    assert [number for number, row in ends.items() if row["status"] == "dead"] == [13]
    assert "refuse" in ends[13]["reason"]
    assert {row["attempts"] for row in ends.values()} == {1}
    assert len(desk.documents()) == 6
    events = desk.rows("SELECT * FROM lightfast_ingestion_events")
    assert len(events) == 6


def test_a_dead_one_goes_through_once_its_fault_is_mended(desk: Desk, github: str) -> None:
    desk.run(REFUSE)
    (id_,) = desk.deliver(github, halcyon.issue(13))
    desk.work()
    desk.run("ALTER TABLE lightfast_docs_documents DROP CONSTRAINT refuse")
    desk.replay(id_)
    assert desk.delivery(id_)["status"] == "processed"


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'", "gave up"),
        ("RAISE EXCEPTION USING ERRCODE = 'lock_not_available'", "gave up"),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", "PostgreSQL"),
    ],
    ids=["a deadlock", "a lock's time-out", "a lost connection"],
)
def test_what_is_nobodys_fault_gives_the_batch_back_uncounted(
    desk: Desk, github: str, trouble: str, told: str
) -> None:
    desk.run(f"""
        CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN {trouble}; RETURN NEW; END $$;
        CREATE TRIGGER trouble BEFORE INSERT ON lightfast_docs_documents
        FOR EACH ROW EXECUTE FUNCTION trouble();
    """)
    ids = desk.deliver(github, halcyon.issue(1), halcyon.issue(2))
    desk.work()
    for id_ in ids:
        row = desk.delivery(id_)
        assert (row["status"], row["attempts"], row["suspect"]) == ("pending", 0, False)
        assert told in row["last_error"]
    assert desk.rows("SELECT * FROM lightfast_ingestion_events") == []
    desk.run("DROP TRIGGER trouble ON lightfast_docs_documents")
    desk.run("UPDATE lightfast_webhook_deliveries SET next_attempt_at = now()")
    desk.work()
    assert {desk.delivery(id_)["status"] for id_ in ids} == {"processed"}


def test_a_worker_whose_lease_was_taken_over_writes_nothing(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    desk.deliver(github, halcyon.issue(1))
    late, owner = claimed(engine), claimed(engine)
    assert process(engine, late) == {}
    assert desk.documents() == {}
    assert process(engine, owner) == {"processed": 1}
    before = snapshot(engine)
    assert process(engine, late) == {}
    assert difference(before, snapshot(engine)) == ""


def test_a_payload_that_takes_its_worker_down_is_dead_and_takes_nobody_with_it(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    """Crashes are claims that nobody settles: together once, then each alone."""
    killer, innocent = desk.deliver(github, halcyon.issue(1), halcyon.issue(2))
    for _ in range(12):
        claim = claimed(engine)
        alone = [row.id for row in claim.rows]
        if alone == [innocent] or any(row.lone_crashes >= 3 for row in claim.rows):
            process(engine, claim)
    assert desk.delivery(innocent)["status"] == "processed"
    assert desk.delivery(killer)["status"] == "dead"
    assert "worker down" in desk.delivery(killer)["reason"]


# Parents and children, keys and references, counts.


def test_deleting_a_parent_hides_its_children_and_restoring_it_brings_them_back_as_they_were(
    desk: Desk, engine: sa.Engine, linear: str
) -> None:
    desk.deliver(linear, halcyon.linear_issue(1), halcyon.linear_comment("comment-1"))
    reply = halcyon.linear_comment("comment-2", parentId="comment-1", body="As ENG-2 says.")
    desk.deliver(linear, reply, halcyon.linear_issue(2))
    desk.work()
    whole = desk.documents()
    assert set(whole) == {"ENG-1", "ENG-2", "comment-1", "comment-2"}
    assert desk.targets("comment-2") == {"ENG-2": True}
    desk.end(linear, halcyon.linear_issue(1, at=2, action="remove"))
    assert set(desk.documents()) == {"ENG-2"}
    chunks = desk.rows("SELECT document_id FROM lightfast_document_chunks")
    assert {row["document_id"] for row in chunks} == {whole["ENG-2"]["id"]}
    desk.end(linear, halcyon.linear_issue(1, at=3, action="restore"))
    back = desk.documents()
    assert set(back) == set(whole)
    assert back["comment-1"] == whole["comment-1"]
    assert back["comment-2"] == whole["comment-2"]
    assert desk.targets("comment-2") == {"ENG-2": True}
    counted = [row["chunk_count"] for row in back.values()]
    assert len(desk.rows("SELECT * FROM lightfast_document_chunks")) == sum(counted)


def test_a_child_that_was_deleted_itself_does_not_come_back_with_its_parent(
    desk: Desk, linear: str
) -> None:
    desk.deliver(linear, halcyon.linear_issue(1), halcyon.linear_comment("comment-1"))
    desk.work()
    desk.end(linear, halcyon.linear_issue(1, at=2, action="remove"))
    desk.end(linear, halcyon.linear_comment("comment-1", at=2, action="remove"))
    desk.end(linear, halcyon.linear_issue(1, at=3, action="restore"))
    assert set(desk.documents()) == {"ENG-1"}


def test_a_child_that_comes_or_changes_under_a_deleted_parent_stays_hidden_until_it_is_back(
    desk: Desk, linear: str
) -> None:
    desk.end(linear, halcyon.linear_issue(1, at=2, action="remove"))
    desk.end(linear, halcyon.linear_comment("comment-1", at=1, body="one"))
    desk.end(linear, halcyon.linear_comment("comment-1", at=3, body="two"))
    assert desk.documents() == {}
    desk.end(linear, halcyon.linear_issue(1, at=3, action="restore"))
    chunks = desk.rows("SELECT text FROM lightfast_document_chunks")
    assert any(row["text"].endswith("two") for row in chunks)


def test_a_child_before_its_parent_points_at_it_once_it_is_there(desk: Desk, github: str) -> None:
    desk.end(github, halcyon.comment(11, on=1))
    desk.end(github, halcyon.issue(1))
    documents = desk.documents()
    child = documents["halcyon/web#1/comment/11"]
    assert child["parent_doc_id"] == documents["halcyon/web#1"]["id"]


def test_a_former_key_still_finds_the_document_also_when_its_word_came_late(
    desk: Desk, linear: str
) -> None:
    desk.end(linear, halcyon.linear_issue(1, at=2, team="team-2", previousIdentifiers=[]))
    assert desk.found("ENG-1") == []
    desk.end(linear, halcyon.linear_issue(1, at=1, team="team-1"))
    assert desk.found("ENG-1") == ["OPS-1"]
    assert desk.found("OPS-1") == ["OPS-1"]


def test_a_late_target_is_bound_and_one_that_goes_is_let_go(desk: Desk, linear: str) -> None:
    parent = {"id": "issue-2", "identifier": "ENG-2"}
    desk.end(linear, halcyon.linear_issue(1, parent=parent, description=""))
    assert desk.targets("ENG-1") == {"ENG-2": False}
    desk.end(linear, halcyon.linear_issue(2, description=""))
    assert desk.targets("ENG-1") == {"ENG-2": True}
    desk.end(linear, halcyon.linear_issue(2, at=2, action="remove"))
    assert desk.targets("ENG-1") == {"ENG-2": False}
    desk.end(linear, halcyon.linear_issue(2, at=3, team="team-2", description=""))
    assert desk.targets("ENG-1") == {"ENG-2": True}


def test_a_key_that_two_documents_know_falls_to_the_second_when_the_first_goes(
    desk: Desk, linear: str
) -> None:
    """A bug once: only the key of the moment was bound again, not the former ones."""
    page = "https://linear.app/halcyon/issue/OLD-7/a-title"
    desk.end(linear, halcyon.linear_issue(1, description=page))
    for number in (2, 3):
        desk.end(linear, halcyon.linear_issue(number, previousIdentifiers=["OLD-7"]))
    (bound,) = desk.rows(
        "SELECT d.source_id FROM lightfast_document_references r"
        " JOIN lightfast_docs_documents d ON d.id = r.target_document_id"
        " WHERE r.target_key = 'OLD-7'"
    )
    first = int(bound["source_id"].removeprefix("ENG-"))
    desk.end(linear, halcyon.linear_issue(first, at=2, action="remove"))
    assert desk.targets("ENG-1")["OLD-7"]


def test_an_edit_retracts_the_reference_that_it_removed(desk: Desk, github: str) -> None:
    desk.deliver(github, halcyon.issue(2), halcyon.issue(1, at=1, body="Fixes #2 and see #3."))
    desk.work()
    assert desk.targets("halcyon/web#1") == {"halcyon/web#2": True, "halcyon/web#3": False}
    desk.end(github, halcyon.issue(1, at=2, body="See #3."))
    assert desk.targets("halcyon/web#1") == {"halcyon/web#3": False}
    shown = desk.documents()["halcyon/web#1"]["relationships"]
    assert "halcyon/web#2" not in str(shown)
    desk.end(github, halcyon.issue(1, at=3, body="Nothing."))
    assert desk.targets("halcyon/web#1") == {}
    assert desk.documents()["halcyon/web#1"]["relationships"] is None


def test_a_document_is_counted_by_each_connection_that_feeds_it_while_it_is_in_sight(
    desk: Desk, engine: sa.Engine, linear: str
) -> None:
    """A bug once: what one connection's delivery deleted still counted for the other."""
    eng = connect(engine, "linear", {"onlyTeamIds": ["team-1"]}, stores=["store-2"])
    for to in (linear, eng):
        desk.end(to, halcyon.linear_issue(1))
        desk.end(to, halcyon.linear_comment("comment-1"))
    assert desk.counts([linear, eng]) == [2, 2]
    desk.end(linear, halcyon.linear_issue(1, at=2, action="remove"))
    assert desk.counts([linear, eng]) == [0, 0]
    desk.end(linear, halcyon.linear_issue(1, at=3, action="restore"))
    assert desk.counts([linear, eng]) == [2, 2]
    desk.end(eng, halcyon.linear_issue(1, at=4, team="team-2"))
    assert desk.counts([linear, eng]) == [2, 1]


def test_what_leaves_the_filter_of_its_only_connection_is_withdrawn_and_comes_back(
    desk: Desk, engine: sa.Engine
) -> None:
    eng = connect(engine, "linear", {"onlyTeamIds": ["team-1"]})
    desk.end(eng, halcyon.linear_issue(1, at=1))
    desk.end(eng, halcyon.linear_issue(1, at=2, team="team-2"))
    assert desk.documents() == {}
    desk.end(eng, halcyon.linear_issue(1, at=3, team="team-1"))
    assert set(desk.documents()) == {"ENG-1"}


def test_a_field_that_nobody_knows_is_kept_and_reported_once(desk: Desk, github: str) -> None:
    for number in (1, 2):
        assert desk.end(github, halcyon.issue(number, telepathy="strong"))[0] == "processed"
    (row,) = desk.rows("SELECT field, seen FROM lightfast_payload_drift")
    assert (row["field"], row["seen"]) == ("issue.telepathy", 2)
