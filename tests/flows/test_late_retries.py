"""Linear's signed time may be hours old: a retry comes in, and whoever repeats a body wins nothing.

docs/decisions/0029. The clock is the time of receipt, which is passed in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from ingest.core.answers import Delivery
from ingest.core.errors import TooLate
from ingest.core.times import to_micros
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.secrets import ConnectionSecrets, Keyring, Secrets
from tests.factories import SECRET, connect, make_store, signed
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import ORGANIZATION, Sent, linear_comment, linear_issue

__all__ = ["desk"]

pytestmark = pytest.mark.integration

SENT_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_METADATA = {"linearOrganizationId": ORGANIZATION}


class Linear:
    """Linear sends to one connection, which has no token: what is told is all that is known."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        store = make_store(desk.engine, "store-1")
        self.connection = connect(desk.engine, "linear", _METADATA, stores=[store])
        secrets = {self.connection: ConnectionSecrets("linear", Secrets((SECRET,), shakes=False))}
        keyring = Keyring(lambda _ids: secrets, {}, now=lambda: 0.0)
        self.intake = Intake(keyring, insert_into(desk.engine), lambda: None, 10**6)

    def sends(
        self,
        sent: Sent,
        key: str = "first",
        *,
        signed_at: datetime = SENT_AT,
        after: timedelta = timedelta(0),
    ) -> Delivery:
        """The body, signed then and come in so long after SENT_AT; then it is worked off."""
        told = {**sent.body, "webhookTimestamp": to_micros(signed_at) // 1000}
        body = orjson.dumps(told)
        headers = signed("linear", body, headers={"Linear-Delivery": key})
        came = Incoming("linear", self.connection, headers, body, SENT_AT + after)
        delivery = self.intake.take(came)
        self.desk.work()
        return delivery

    def status(self, of: Delivery) -> str:
        assert of.id is not None
        return str(self.desk.delivery(of.id)["status"])


@pytest.fixture
def linear(desk: Desk) -> Linear:
    return Linear(desk)


def documents(desk: Desk) -> dict[str, str]:
    return {key: row["content_hash"] for key, row in desk.documents().items()}


LAST_RETRY = timedelta(hours=7, minutes=2)


def test_the_last_retry_of_what_never_came_in_is_a_document(desk: Desk, linear: Linear) -> None:
    """Bug: of an outage of an hour nothing came in later, and the webhook was given up."""
    assert linear.status(linear.sends(linear_issue(1), after=LAST_RETRY)) == "processed"
    assert list(desk.documents()) == ["ENG-1"]


@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=1)])
def test_a_retry_of_what_came_in_is_the_same_delivery(linear: Linear, later: timedelta) -> None:
    """Whether it repeats the first body or has a time of its own."""
    first, minute = linear.sends(linear_issue(1)), timedelta(minutes=1)
    retried = linear.sends(linear_issue(1), signed_at=SENT_AT + later, after=minute)
    assert retried == Delivery(first.id, "duplicate")


@pytest.mark.parametrize("key", ["first", "made up"])
def test_a_body_that_is_repeated_undoes_nothing(desk: Desk, linear: Linear, key: str) -> None:
    """Under its own id it is no other delivery; under another one no other fact, and no newer."""
    linear.sends(linear_issue(1, at=1, title="Old"))
    linear.sends(linear_issue(1, at=2, title="New"), "second")
    linear.sends(linear_comment("comment-1", at=3), "third")
    linear.sends(linear_comment("comment-1", at=3, action="remove"), "fourth")
    before = documents(desk)
    events = desk.rows("SELECT event_key FROM lightfast_ingestion_events ORDER BY 1")
    for body in (linear_issue(1, at=1, title="Old"), linear_comment("comment-1", at=3)):
        repeated = linear.sends(body, key, after=LAST_RETRY)
        assert repeated.status == "duplicate" or linear.status(repeated) == "duplicate"
    assert documents(desk) == before
    assert list(before) == ["ENG-1"]
    assert desk.rows("SELECT event_key FROM lightfast_ingestion_events ORDER BY 1") == events


def test_a_captured_removal_takes_nothing_that_came_back(desk: Desk, linear: Linear) -> None:
    linear.sends(linear_issue(1, at=1, action="remove", trashed=True))
    linear.sends(linear_issue(1, at=2, title="Restored"), "second")
    linear.sends(linear_issue(1, at=1, action="remove", trashed=True), "other", after=LAST_RETRY)
    assert list(desk.documents()) == ["ENG-1"]


def test_what_is_older_is_dropped(desk: Desk, linear: Linear) -> None:
    with pytest.raises(TooLate, match="28800 s before receipt"):
        linear.sends(linear_issue(1), after=timedelta(hours=8, seconds=1))
    assert desk.documents() == {}
