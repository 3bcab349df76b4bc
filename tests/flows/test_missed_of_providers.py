"""A receiver that was down, and providers that keep a log: what they failed to send comes in."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from ingest.core.times import iso
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.secrets import Keyring, stored_secrets
from ingest.flows.subscriptions.missed import look_into_logs
from ingest.flows.subscriptions.subscribe import create_subscription
from ingest.sources.github.demo import fake_hooks
from ingest.sources.github.demo.fake import GitHub
from ingest.sources.registry import source
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.store import credentials
from ingest.store.engine import transaction
from ingest.testing import signing
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from ingest.testing.sample import Sample, SampleDelivery, sample_of
from tests.factories import VAULT, connect

pytestmark = pytest.mark.integration

PUBLIC = "https://ingest.example.test"
EARLIER = timedelta(minutes=4)


@dataclass
class Line:
    """A connection whose webhook was made by API, and what its provider sends there.

    end: how each delivery of the story ended, by its key.
    """

    engine: sa.Engine
    fake: Fake
    sample: Sample
    clients: Clients = field(init=False)
    connection: str = ""
    hook: str = ""
    is_up: bool = True

    def __post_init__(self) -> None:
        type_ = self.sample.source_type
        self.clients = Clients(VAULT, {type_: self.fake.url}, engine=self.engine)
        token = self.fake.provider.token
        told = self.sample.connection
        self.connection = connect(self.engine, type_, told, secret=None, token=token)
        self.hook = create_subscription(self.engine, self.clients, self.connection, PUBLIC).id
        self.keyring = Keyring(stored_secrets(self.engine, VAULT), {})
        self.intake = Intake(self.keyring, insert_into(self.engine), lambda: None, 2**20)

    def send(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """As the provider signs and sends it; whether it was taken."""
        if not self.is_up:
            return False
        type_ = self.sample.source_type
        scheme = source(type_).descriptor.scheme
        told = signing.signed(scheme, {"content-type": "application/json", **headers}, body, secret)
        self.intake.take(Incoming(type_, self.connection, told, body, datetime.now(UTC)))
        return True

    def look(self) -> Counter[str]:
        self.run("UPDATE lightfast_missed_checks SET due_at = now()")
        self.run("UPDATE lightfast_missed_deliveries SET due_at = now() WHERE due_at IS NOT NULL")
        rung: list[str] = []
        return look_into_logs(self.engine, self.clients, rung.append, go_on=lambda: True)

    def work(self) -> None:
        """Until nothing is left to do."""
        for _ in range(40):
            self.run("UPDATE lightfast_lookups SET next_attempt_at = now()")
            drain_deliveries(self.engine, go_on=lambda: True)
            drain_lookups(self.engine, self.clients, go_on=lambda: True)
            if not self.rows("SELECT FROM lightfast_lookups"):
                return

    def statuses(self) -> Counter[str]:
        return Counter(
            row["status"] for row in self.rows("SELECT status FROM lightfast_webhook_deliveries")
        )

    def queue(self) -> Counter[tuple[str, bool]]:
        """Keys, and whether nobody signed it."""
        query = """SELECT delivery_key, headers ? 'x-ingest-recovered' AS marked
                   FROM lightfast_webhook_deliveries"""
        return Counter((row["delivery_key"], row["marked"]) for row in self.rows(query))

    def documents(self) -> dict[str, str]:
        query = "SELECT source_id, content_hash FROM lightfast_docs_documents"
        return {row["source_id"]: row["content_hash"] for row in self.rows(query)}

    def secrets(self) -> list[str]:
        with transaction(self.engine) as conn:
            kind = credentials.WEBHOOK_SECRET
            return [*credentials.read(conn, VAULT, self.connection, kind)]

    def rows(self, query: str) -> list[dict[str, Any]]:
        with transaction(self.engine) as conn:
            return [dict(row) for row in conn.execute(sa.text(query)).mappings()]

    def run(self, statement: str) -> None:
        with transaction(self.engine) as conn:
            conn.execute(sa.text(statement))


@contextmanager
def _line(engine: sa.Engine, type_: str) -> Iterator[Line]:
    sample = sample_of(type_)
    assert sample is not None
    assert sample.provider is not None
    with serving(sample.provider()) as fake:
        made = Line(engine, fake, sample)
        yield made
        made.clients.close()


# One that sends again.


@dataclass
class GitHubLog:
    """GitHub's repository, its one hook, and the log of that."""

    line: Line

    @property
    def github(self) -> GitHub:
        provider = self.line.fake.provider
        assert isinstance(provider, GitHub)
        return provider

    @property
    def hook(self) -> dict[str, Any]:
        return next(repo.hooks[int(self.line.hook)] for repo in self._repositories())

    @property
    def log(self) -> list[dict[str, Any]]:
        return next(repo.deliveries[int(self.line.hook)] for repo in self._repositories())

    def _repositories(self) -> list[Any]:
        every = self.github.repositories.values()
        return [repo for repo in every if int(self.line.hook) in repo.hooks]

    def send(self, delivery: SampleDelivery) -> str:
        """Tried once, and logged as it went; its GUID."""
        guid = str(uuid.uuid4())
        ok = self._try(delivery.headers["x-github-event"], guid, delivery.payload)
        fake_hooks.record(
            self.log,
            delivery.headers["x-github-event"],
            delivery.payload,
            guid=guid,
            at=iso(datetime.now(UTC) - EARLIER),
            status="OK" if ok else "failed to connect to host",
            code=200 if ok else 502,
        )
        return guid

    def send_again(self) -> int:
        """Make what GitHub was asked to send once more; how many that were."""
        again = [one for one in self.log if one["redelivery"]]
        for one in again:
            assert self._try(one["event"], one["guid"], one["request"]["payload"])
        return len(again)

    def _try(self, event: str, guid: str, payload: Mapping[str, Any]) -> bool:
        headers = {"x-github-event": event, "x-github-delivery": guid}
        return self.line.send(headers, orjson.dumps(payload), self.hook["config"]["secret"])


@pytest.fixture
def hub(engine: sa.Engine) -> Iterator[GitHubLog]:
    with _line(engine, "github") as line:
        yield GitHubLog(line)


def _wanted(hub: GitHubLog) -> list[SampleDelivery]:
    events = set(hub.hook["events"])
    return [d for d in hub.line.sample.deliveries if d.headers["x-github-event"] in events]


def test_github_sends_again_what_a_receiver_missed_and_it_is_verified(hub: GitHubLog) -> None:
    line = hub.line
    assert line.secrets() == [hub.hook["config"]["secret"]]
    story = _wanted(hub)
    assert len(story) > 8
    line.is_up = False
    lost = [hub.send(delivery) for delivery in story[:-2]]
    line.is_up = True
    came = [hub.send(delivery) for delivery in story[-2:]]
    assert line.look()["redelivered"] == len(lost)
    assert hub.send_again() == len(lost)
    assert line.queue() == {(guid, False): 1 for guid in [*lost, *came]}
    assert line.look()["redelivered"] == 0
    line.work()
    assert line.statuses().keys() <= {"processed", "skipped"}
    assert len(line.documents()) > 5


def test_what_github_may_not_send_again_is_read_and_makes_the_same_documents(
    hub: GitHubLog, engine: sa.Engine
) -> None:
    line, story = hub.line, _wanted(hub)
    line.is_up = False
    lost = [hub.send(delivery) for delivery in story]
    refused = Answer(403, {"message": "Resource not accessible by personal access token"})
    line.fake.troubles = [Trouble(refused, "/attempts", times=10_000, method="POST")]
    line.is_up = True
    assert line.look()["recovered"] == len(lost)
    assert line.queue() == {(guid, True): 1 for guid in lost}
    line.work()
    read = line.documents()
    for guid, delivery in zip(lost, story, strict=True):
        assert hub._try(delivery.headers["x-github-event"], guid, delivery.payload)
    line.work()
    assert len(read) > 5
    assert line.documents() == read
    events = line.rows("SELECT event_key FROM lightfast_ingestion_events")
    assert len(events) == len({event["event_key"] for event in events})


def test_a_hook_that_a_person_made_is_found_by_where_it_sends_to(hub: GitHubLog) -> None:
    line = hub.line
    hub.line.run(
        "UPDATE lightfast_connected_sources SET source_metadata = source_metadata - 'githubHookId'"
    )
    line.is_up = False
    hub.send(_wanted(hub)[0])
    assert line.look()["redelivered"] == 1


# One that can only be read.


def test_zendesks_log_is_read_and_marked_and_its_own_secret_is_kept(engine: sa.Engine) -> None:
    with _line(engine, "zendesk") as line:
        account = line.fake.provider
        assert isinstance(account, Zendesk)
        secret = account.hooks.secrets[line.hook]
        assert line.secrets() == [secret]
        story = [d for d in line.sample.deliveries if str(d.payload.get("type")).startswith("zen:")]
        assert len(story) > 3
        ids = []
        for number, delivery in enumerate(story):
            line.is_up = number == 0
            at = iso(datetime.now(UTC) - EARLIER)
            headers = {
                **delivery.headers,
                "x-zendesk-webhook-invocation-id": f"invocation-{number}",
                "x-zendesk-webhook-signature-timestamp": at,
            }
            took = line.send(headers, orjson.dumps(delivery.payload), secret)
            account.hooks.sent(
                line.hook,
                delivery.payload,
                at=at,
                status="success" if took else "failed",
                code=200 if took else 502,
                account=str(line.sample.connection["zendeskAccountId"]),
            )
            ids.append(str(delivery.payload["id"]))
        line.is_up = True
        done = line.look()
        wanted = {key for key, _ in line.queue()}
        assert done["recovered"] == len(wanted) - 1 > 2
        assert line.queue() == {(key, key != ids[0]): 1 for key in wanted}
        assert wanted <= set(ids)
        line.work()
        assert line.statuses().keys() <= {"processed", "skipped"}
        assert line.documents()
        assert not line.look()["recovered"]
