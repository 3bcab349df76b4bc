"""One object's refusal is not the connection's: the token is proven first, and once for all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadPayload, Denied, PermanentError, Refused, Unavailable
from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.connections.lifecycle import resume_source
from ingest.flows.lookups.proofs import KNOWN_FOR, Proof
from ingest.sources.answers import Absent
from ingest.store import connections, flags
from ingest.store.connections import CONFIGURED, REFUSED
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import transaction
from ingest.store.reasons import DENIED
from ingest.testing.fakes import Answer, Trouble
from tests.factories import VAULT
from tests.flows.asking_notion import Office, event, office, page_id
from tests.flows.syncing import synced

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
FORBIDDEN = Answer(
    403,
    {"object": "error", "status": 403, "code": "restricted_resource", "message": "Insufficient"},
)


class Check:
    """A client's check, and how often it was made."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.made = error, 0

    def __call__(self) -> str:
        self.made += 1
        if self.error is not None:
            raise self.error
        return "it reads"


def test_a_refusal_is_the_objects_where_the_token_is_let_in() -> None:
    check = Check()
    proof = Proof(check, lambda: NOW)
    told = [str(proof.denied(Refused(f"page {n}: 403"))) for n in range(5)]
    assert check.made == 1, "one proof for all of a moment"
    assert "page 4: 403" in told[4]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (Refused("the bot is unknown"), Refused),
        (Absent("the project", 404), Refused),
        (BadPayload("$", "no JSON"), Refused),
        (PermanentError("422"), Refused),
        (Unavailable("away"), Unavailable),
    ],
)
def test_it_stands_where_nothing_proves_the_token(
    error: Exception, meaning: type[Exception]
) -> None:
    check = Check(error)
    proof = Proof(check, lambda: NOW)
    for _ in range(2):
        with pytest.raises(meaning):
            proof.denied(Refused("403"))
    assert check.made == 2, "what is not proven is not known"


def test_a_proof_counts_for_a_while_and_never_for_an_unknown_token() -> None:
    clock = [NOW]
    check = Check()
    proof = Proof(check, lambda: clock[0])
    for later_s, stale, made in ((0, False, 1), (29, False, 1), (31, False, 2), (32, True, 3)):
        clock[0] = NOW + timedelta(seconds=later_s)
        assert isinstance(proof.denied(Refused("no", stale=stale)), Denied)
        assert check.made == made, later_s
    assert timedelta(minutes=1) > KNOWN_FOR


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Office]:
    with office(engine) as made:
        yield made


def _status(desk: Office) -> str | None:
    with transaction(desk.engine) as conn:
        return connections.by_id(conn, [desk.connection])[desk.connection].status


def _flags(desk: Office) -> list[str]:
    with transaction(desk.engine) as conn:
        return [row["subject"] for row in flags.read(conn, desk.connection)]


@pytest.mark.integration
def test_a_page_that_is_refused_ends_alone_and_comes_with_the_right(desk: Office) -> None:
    """Bug: it paused the connection, and so did resuming it, while all else was readable."""
    for name in ("Secret", "Runbook", "Plan"):
        desk.write(name, "A text.")
    desk.fake.troubles.append(Trouble(FORBIDDEN, page_id("Secret"), times=2))
    secret, other, third = desk.end(
        *(event("page.created", name) for name in ("Secret", "Runbook", "Plan"))
    )
    assert secret[0] == "skipped"
    assert str(secret[1]).startswith(DENIED)
    assert "403" in str(secret[1])
    assert other == third == ("processed", "looked up")
    assert (_status(desk), set(desk.texts())) == (CONFIGURED, {"Runbook", "Plan"})
    assert _flags(desk) == [f"page {page_id('Secret')}"]
    (recorded,) = desk.rows("SELECT status FROM lightfast_ingestion_events WHERE status='skipped'")
    assert recorded == {"status": "skipped"}

    assert resume_source(desk.engine, desk.connection) == 1
    desk.work()
    assert desk.look_up() == {"denied": 1}, "it is asked for once more, and ends as it did"
    assert replace_credentials(desk.engine, desk.connection, {API_TOKEN: desk.notion.token}, VAULT)
    desk.work()
    desk.look_up()
    assert set(desk.texts()) == {"Secret", "Runbook", "Plan"}
    assert _flags(desk) == []


@pytest.mark.integration
def test_many_refusals_are_one_proof(desk: Office) -> None:
    names = [f"Secret {number}" for number in range(6)]
    for name in names:
        desk.write(name, "A text.")
    desk.fake.troubles.append(Trouble(FORBIDDEN, "/pages/", times=6))
    ids = desk.deliver(*(event("page.created", name) for name in names))
    desk.work()
    while desk.look_up():
        pass
    assert {desk.delivery(id_)[0] for id_ in ids} == {"skipped"}
    assert len(desk.fake.asked_for("/users/me")) == 1


@pytest.mark.integration
def test_a_token_that_is_let_in_nowhere_pauses_the_connection(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    desk.fake.troubles.append(Trouble(FORBIDDEN, times=9))
    (ended,) = desk.end(event("page.created", "Runbook"))
    assert ended[0] == "pending"
    assert _status(desk) == REFUSED


@pytest.mark.integration
def test_a_list_that_is_refused_ends_with_a_gap_and_deletes_nothing(desk: Office) -> None:
    """Bug: it paused the connection."""
    desk.write("Runbook", "A text.")
    desk.end(event("page.created", "Runbook"))
    desk.fake.troubles.append(Trouble(FORBIDDEN, "/search", times=50))
    (run,) = synced(desk.engine, desk.clients, [desk.connection])
    assert run["state"] == "done"
    gaps = [part["gap"] for part in run["parts"] if part["gap"]]
    assert any("403" in gap for gap in gaps)
    assert (_status(desk), set(desk.texts())) == (CONFIGURED, {"Runbook"})
