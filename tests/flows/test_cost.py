"""What is dear: bounded, cut in sight, rendered outside of transactions, in the end given up."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.bounds import MAX_BODY_CHARS, MAX_REFERENCES
from ingest.core.references import extract
from ingest.core.retry import MAX_OVERRUNS
from ingest.flows.deliveries import normalise, route
from ingest.flows.deliveries import settle as settle_room
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.documents import prerender, render
from ingest.flows.documents.apply import apply
from ingest.flows.lookups import outcome
from ingest.flows.lookups import settle as look_up_room
from ingest.store import claiming
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.asking_github import Works, works
from tests.flows.asking_notion import Office, event, office
from tests.flows.desk import Desk, desk
from tests.flows.snapshot import difference, snapshot

__all__ = ["desk"]

pytestmark = pytest.mark.integration

CUT = f"cut: the text after {MAX_BODY_CHARS:,} of {MAX_BODY_CHARS + 7:,} characters"
MORE = "[… cut here: 7 more characters]"


@pytest.fixture
def github(engine: sa.Engine) -> str:
    return connect(engine, "github", stores=[make_store(engine, "store-1")])


@pytest.fixture
def notion(engine: sa.Engine) -> Iterator[Office]:
    with office(engine) as made:
        yield made


@pytest.fixture
def branch(engine: sa.Engine) -> Iterator[Works]:
    with works(engine) as made:
        yield made


@pytest.fixture
def rendered(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something was rendered; it fails where its thread holds a connection."""
    held: Counter[int] = Counter()
    counted: Counter[str] = Counter()

    def watch(name: str) -> None:
        real: Callable[..., Any] = getattr(render, name)

        def watched(*given: Any, **more: Any) -> Any:
            assert not held[threading.get_ident()], "rendered while a transaction is open"
            counted[name] += 1
            return real(*given, **more)

        monkeypatch.setattr(render, name, watched)

    @sa.event.listens_for(engine, "checkout")
    def _(*_: object) -> None:
        held[threading.get_ident()] += 1

    @sa.event.listens_for(engine, "checkin")
    def _(*_: object) -> None:
        held[threading.get_ident()] -= 1

    for name in ("extract", "split", "content_hash", "canonical_text"):
        watch(name)
    return counted


def due(desk: Desk) -> None:
    desk.run("UPDATE lightfast_webhook_deliveries SET next_attempt_at = now()")
    desk.run("UPDATE lightfast_lookups SET next_attempt_at = now()")


def dear(desk: Desk, key: str, error: str = "query_canceled") -> None:
    """Whatever writes this document is given up."""
    desk.run(f"""
        CREATE FUNCTION dear() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          IF NEW.source_id = '{key}' THEN
            RAISE EXCEPTION 'too long' USING ERRCODE = '{error}';
          END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER dear BEFORE INSERT ON lightfast_docs_documents
        FOR EACH ROW EXECUTE FUNCTION dear();
    """)


# Nothing dear in a transaction.


def test_deliveries_are_rendered_while_no_transaction_is_open(
    desk: Desk, github: str, rendered: Counter[str]
) -> None:
    desk.deliver(github, *(halcyon.issue(n, body="Fixes #9. " * 999) for n in (1, 2, 3)))
    desk.work()
    assert len(desk.documents()) == 3
    assert rendered["split"] == 3


def test_look_ups_are_rendered_while_no_transaction_is_open(
    notion: Office, rendered: Counter[str]
) -> None:
    notion.write("Runbook", "See ENG-1. " * 99)
    assert notion.end(event("page.created", "Runbook")) == [("processed", "looked up")]
    assert rendered["split"] == 1


def test_of_many_versions_in_a_batch_one_is_rendered_and_of_an_old_one_none(
    desk: Desk, github: str, rendered: Counter[str]
) -> None:
    desk.deliver(github, *(halcyon.issue(1, at=at, body=f"As of {at}.") for at in range(1, 9)))
    desk.work()
    assert (rendered["content_hash"], rendered["split"]) == (1, 1)
    desk.deliver(github, halcyon.issue(1, at=3, action="labeled"))
    desk.work()
    assert rendered["content_hash"] == 1


def test_the_same_text_is_cut_into_chunks_once(
    desk: Desk, github: str, rendered: Counter[str]
) -> None:
    for at in (1, 2):
        desk.end(github, halcyon.issue(1, at=at, body="The same."))
    assert (rendered["content_hash"], rendered["split"]) == (2, 1)


def test_what_changes_between_the_look_ahead_and_the_transaction_is_rendered_then(
    desk: Desk, github: str, rendered: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look ahead sees nothing of it, so the transaction finds nothing rendered."""
    monkeypatch.setattr(prerender, "look_ahead", lambda *_: [])
    desk.deliver(github, *(halcyon.issue(n) for n in range(1, 9)))
    desk.work()
    assert len(desk.documents()) == 8
    assert rendered["split"] == 8


def test_a_batch_that_writes_very_much_is_several_transactions(
    desk: Desk, github: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = apply

    def watched(conn: sa.Connection, work: Any, *more: Any) -> Any:
        sizes.append(len(work))
        return real(conn, work, *more)

    monkeypatch.setattr(settle_room, "apply", watched)
    monkeypatch.setattr(prerender, "MAX_ROWS", 6)
    desk.deliver(github, *(halcyon.issue(n, body=f"#{n + 1} and #{n + 2}") for n in range(1, 6)))
    desk.work()
    assert sizes == [2, 2, 1]  # two mentions and a chunk each
    assert len(desk.documents()) == 5


def test_a_look_up_that_says_very_much_is_applied_in_steps(
    branch: Works, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"docs/{n}.md": f"Text {n}" for n in range(7)}
    branch.open()
    branch.end(branch.push(files))
    branch.end(branch.push(dict.fromkeys(files) | {"docs/new.md": "New"}))
    at_once = snapshot(engine)
    monkeypatch.setattr(look_up_room, "MOST_STATEMENTS", 2)
    branch.end(branch.push(files))
    assert branch.paths() == {*files, "docs/new.md"}
    assert branch.end(branch.push(dict.fromkeys(files))) == [("processed", "looked up")]
    assert branch.paths() == {"docs/new.md"}
    assert at_once["documents"] == snapshot(engine)["documents"]


def test_a_look_up_that_says_more_than_any_may_ends_with_the_reason(
    notion: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: hundreds of thousands of comments in an answer held up whoever was landed after it."""
    monkeypatch.setattr(outcome, "MAX_SEEN", 0)
    notion.write("Runbook", "A text.")
    assert notion.end(event("page.created", "Runbook")) == [
        ("dead", "the provider's answer speaks of more than 0 things")
    ]


def test_a_lease_is_kept_while_rendering_takes_its_time(
    desk: Desk, github: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[list[int]] = []
    real = claiming.renew

    def watched(conn: sa.Connection, token: str, ids: Any, lease_s: float) -> None:
        renewed.append(sorted(ids))
        real(conn, token, ids, lease_s)

    def slow(*given: Any) -> Any:
        time.sleep(0.5)
        return extract(*given)

    monkeypatch.setattr(claiming, "renew", watched)
    monkeypatch.setattr(render, "extract", slow)
    ids = desk.deliver(github, *(halcyon.issue(n) for n in range(1, 4)))
    drain_deliveries(engine, go_on=lambda: True, threads=1, lease_s=0.9)
    assert len(renewed) >= 3
    assert renewed[0] == sorted(ids)
    assert {desk.delivery(id_)["status"] for id_ in ids} == {"processed"}
    assert {desk.delivery(id_)["attempts"] for id_ in ids} == {1}


# Bounds.


def test_a_longer_text_is_cut_and_the_reason_says_so(desk: Desk, github: str) -> None:
    body = "x" * (MAX_BODY_CHARS + 7)
    assert desk.end(github, halcyon.issue(1, body=body)) == ("processed", f"applied; {CUT}")
    (last,) = desk.rows("SELECT text FROM lightfast_document_chunks ORDER BY position DESC LIMIT 1")
    assert last["text"].endswith(MORE)


def test_a_longer_text_that_is_looked_up_is_cut_too(notion: Office) -> None:
    notion.write("Runbook", "x" * (MAX_BODY_CHARS + 7))
    assert notion.end(event("page.created", "Runbook")) == [("processed", f"looked up; {CUT}")]


def test_of_too_many_references_the_clearest_stay(desk: Desk, github: str) -> None:
    many = " ".join(f"#{n}" for n in range(2, MAX_REFERENCES + 5))
    ended = desk.end(github, halcyon.issue(1, body=f"{many}\n\nFixes #99999."))
    assert ended == ("processed", "applied; cut: 5 of 10,005 references")
    (row,) = desk.documents().values()
    assert row["relationships"]["graph"] == {"resolves": ["github:halcyon/web#99999"]}
    rows = desk.rows("SELECT count(*) AS n FROM lightfast_document_references")
    assert rows == [{"n": MAX_REFERENCES}]


def test_of_too_many_chunks_the_last_says_that_there_is_more(
    desk: Desk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "MAX_CHUNKS", 3)
    small = make_store(engine, chunk_max_tokens=8, chunk_overlap=0)
    to = connect(engine, "github", stores=[small])
    ended = desk.end(to, halcyon.issue(1, title="T", body="some words of a text " * 20))
    assert ended == ("processed", "applied; cut: the chunks after 3")
    rows = desk.rows("SELECT position, text FROM lightfast_document_chunks ORDER BY position")
    assert [row["position"] for row in rows] == [0, 1, 2]
    assert rows[2]["text"].startswith("[… cut here: ")
    (row,) = desk.documents().values()
    assert row["chunk_count"] == 3


def test_a_payload_that_speaks_of_too_many_things_is_dead(
    desk: Desk, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = connect(engine, "github", token="a token")
    monkeypatch.setattr(normalise, "MAX_CHANGES", 1)
    ended = desk.end(asking, halcyon.issue(1, action="deleted"))  # the deletion, and its look-up
    assert ended == ("dead", "payload field $: speaks of more than 1 things")
    monkeypatch.setattr(route, "MAX_CHANGES", 0)
    assert desk.end(None, halcyon.issue(1)) == (
        "dead",
        "payload field $: names more than 0 tenants",
    )


# What the database gives up.


@pytest.mark.parametrize("error", ["query_canceled", "out_of_memory", "25P03"])
def test_what_is_given_up_for_its_cost_is_tried_with_less_beside_it_then_alone_then_dead(
    desk: Desk, github: str, error: str
) -> None:
    dear(desk, "halcyon/web#2", error)
    ids = desk.deliver(github, *(halcyon.issue(n) for n in (1, 2, 3)))
    waits: list[float] = []
    for overruns in range(1, MAX_OVERRUNS):
        desk.work()
        row = desk.delivery(ids[1])
        assert (row["status"], row["attempts"], row["suspect"]) == ("pending", 0, False)
        assert (row["overruns"], row["setbacks"]) == (overruns, overruns)
        assert "for its cost" in row["last_error"]
        waits.append((row["next_attempt_at"] - _now(desk)).total_seconds())
        assert len(desk.documents()) == (0 if overruns <= 2 else 2)  # alone from the third time on
        due(desk)
    assert waits == pytest.approx([5, 30, 180, 1080, 3600], abs=4)
    desk.work()
    row = desk.delivery(ids[1])
    assert row["status"] == "dead"
    assert row["reason"].startswith("given up 6 times for its cost")
    desk.run("DROP TRIGGER dear ON lightfast_docs_documents")
    desk.replay(ids[1])
    assert {desk.delivery(id_)["status"] for id_ in ids} == {"processed"}
    assert desk.delivery(ids[1])["overruns"] == 0


def test_what_no_row_is_to_blame_for_waits_longer_each_time_and_is_never_dead(
    desk: Desk, github: str
) -> None:
    dear(desk, "halcyon/web#2", "deadlock_detected")
    (id_,) = desk.deliver(github, halcyon.issue(2))
    waits: list[float] = []
    for setbacks in range(1, 12):
        desk.work()
        row = desk.delivery(id_)
        assert (row["status"], row["attempts"]) == ("pending", 0)
        assert (row["setbacks"], row["overruns"]) == (setbacks, 0)
        waits.append((row["next_attempt_at"] - _now(desk)).total_seconds())
        due(desk)
    whole = [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert all(w / 2 - 2 <= waited <= w + 2 for waited, w in zip(waits, whole, strict=True))


def test_a_look_up_whose_landing_is_given_up_again_and_again_ends_with_its_deliveries(
    notion: Office, engine: sa.Engine
) -> None:
    desk = Desk(engine)
    for page in ("Runbook", "Other"):
        notion.write(page, "A text.")
    runbook, other = notion.deliver(*(event("page.created", p) for p in ("Runbook", "Other")))
    notion.work()
    desk.run("""
        CREATE FUNCTION dear() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          IF NEW.source_metadata ->> 'title' = 'Runbook' THEN
            RAISE EXCEPTION 'too long' USING ERRCODE = 'query_canceled';
          END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER dear BEFORE INSERT ON lightfast_docs_documents
        FOR EACH ROW EXECUTE FUNCTION dear();
    """)
    for _ in range(MAX_OVERRUNS + 1):
        notion.look_up()
    assert notion.delivery(other) == ("processed", "looked up")
    status, reason = notion.delivery(runbook)
    assert (status, str(reason)[:31]) == ("dead", "given up 6 times for its cost (")
    assert desk.rows("SELECT * FROM lightfast_lookups") == []


def test_a_look_up_that_a_deadlock_gives_back_is_counted_and_goes_on(
    notion: Office, engine: sa.Engine
) -> None:
    desk = Desk(engine)
    notion.write("Runbook", "A text.")
    (id_,) = notion.deliver(event("page.created", "Runbook"))
    notion.work()
    desk.run("""
        CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$;
        CREATE TRIGGER trouble BEFORE INSERT ON lightfast_docs_documents
        FOR EACH ROW EXECUTE FUNCTION trouble();
    """)
    for _ in range(3):
        notion.look_up()
    (row,) = desk.rows("SELECT setbacks, overruns, attempts, last_error FROM lightfast_lookups")
    assert (row["setbacks"], row["overruns"], row["attempts"]) == (3, 0, 0)
    assert "gave up a transaction" in row["last_error"]
    desk.run("DROP TRIGGER trouble ON lightfast_docs_documents")
    notion.look_up()
    assert notion.delivery(id_) == ("processed", "looked up")


def _now(desk: Desk) -> Any:
    (row,) = desk.rows("SELECT now() AS now")
    return row["now"]


def test_the_same_rows_stand_whatever_the_transactions_are(
    desk: Desk, github: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [halcyon.issue(n % 5 + 1, at=n, body=f"#{n} of #{n + 1}") for n in range(1, 30)]
    keys = [f"key-{n}" for n in range(len(told))]
    for key, one in zip(keys, told, strict=True):
        desk.deliver(github, one, key=key)
    desk.work()
    before = snapshot(engine)
    monkeypatch.setattr(prerender, "MAX_ROWS", 1)
    desk.run("UPDATE lightfast_webhook_deliveries SET status = 'pending', settled_at = NULL")
    desk.work()
    assert difference(before, snapshot(engine)) == ""
