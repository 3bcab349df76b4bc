"""A provider in memory that keeps a log of what it delivered, and whoever looks into it.

It stands in another source's place, so that what it sends is verified and processed as that one's.
Whether our receiver is up, and what the provider lets be done, is scripted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.secrets import Keyring, stored_secrets
from ingest.flows.subscriptions.missed import look_into_logs
from ingest.sources import registry
from ingest.sources.contract import Lookup, Sight
from ingest.sources.subscriptions import Missed, MissedPage, Observation, Recovered, Subscribed
from ingest.store import heartbeats, missed
from ingest.store.engine import transaction
from tests.factories import VAULT, connect, make_store, signed

TYPE = "github"
TOKEN = "0123456789abcdefABCDEF01"
REPOSITORY = 101


@dataclass
class Attempt:
    """One line of the log: an attempt at a delivery."""

    number: int
    key: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime
    ok: bool


@dataclass
class Logbook:
    """The provider. `trouble` is asked before each request, by its name and what it is about.

    receive: our receiver, as the provider reaches it; False where it does not.
    """

    receive: Callable[[Mapping[str, str], bytes], bool]
    log: list[Attempt] = field(default_factory=list)
    page_size: int = 2
    sends_again: bool = True
    keeps_bodies: bool = True
    knows_token: bool = True
    trouble: Callable[[str, str], None] = lambda _what, _about: None
    answer: Callable[[str], Subscribed] = lambda _secret: Subscribed("1", "made")
    calls: list[tuple[str, str]] = field(default_factory=list)

    def send(self, number: int, *, minutes_ago: float = 0.0, key: str | None = None) -> str:
        """Something happens, and its webhook is tried once; its delivery key."""
        name = key or f"delivery-{number:04d}"
        body = orjson.dumps(release(number))
        headers = {"x-github-event": "release", "x-github-delivery": name}
        self._try(name, headers, body, datetime.now(UTC) - timedelta(minutes=minutes_ago))
        return name

    def _try(self, key: str, headers: Mapping[str, str], body: bytes, at: datetime) -> None:
        ok = self.receive(signed(TYPE, body, headers=headers), body)
        self.log.append(Attempt(len(self.log), key, headers, body, at, ok))

    def ask(self, what: str, about: str = "") -> None:
        self.calls.append((what, about))
        self.trouble(what, about)

    def count(self, what: str) -> int:
        return sum(one == what for one, _ in self.calls)

    # What a source gives.

    def look(self, _url: str) -> tuple[Observation, ...]:
        self.ask("look")
        return (Observation(True, "it sends to us"),)

    def create(self, url: str, secret: str) -> Subscribed:
        self.ask("create", url)
        return self.answer(secret)

    def mend(self, url: str, secret: str) -> Subscribed | None:
        self.ask("mend", url)
        return None

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Newest first; what is logged meanwhile moves nothing."""
        self.ask("missed", "" if cursor is None else str(cursor))
        before = cursor if isinstance(cursor, int) else len(self.log)
        older = [one for one in reversed(self.log[:before]) if one.at >= since]
        page = older[: self.page_size]
        good = {one.key for one in self.log if one.ok}
        found = tuple(Missed(o.key, str(o.number), o.at) for o in page if o.key not in good)
        more = len(older) > self.page_size
        return MissedPage(found, page[-1].number if more else None)

    def redeliver(self, handle: str) -> bool:
        one = self.log[int(handle)]
        self.ask("redeliver", one.key)
        if self.sends_again:
            self._try(one.key, one.headers, one.body, datetime.now(UTC))
        return self.sends_again

    def read(self, handle: str) -> Recovered | None:
        one = self.log[int(handle)]
        self.ask("read", one.key)
        return Recovered(one.headers, one.body) if self.keeps_bodies else None

    def close(self) -> None:
        pass


@dataclass
class _LogClient:
    logbook: Logbook

    def fetch_one(self, _lookup: Lookup) -> Sight:
        return Sight(None)

    def check(self) -> str:
        self.logbook.ask("check")
        return "knows the token"

    def close(self) -> None:
        pass


def release(number: int) -> dict[str, Any]:
    """A release, which a webhook tells whole."""
    at = "2026-03-02T12:00:00Z"
    owner = {"login": "halcyon", "id": 1, "type": "Organization"}
    repository = {
        "id": REPOSITORY,
        "name": "web",
        "full_name": "halcyon/web",
        "private": False,
        "owner": owner,
        "html_url": "https://github.com/halcyon/web",
        "default_branch": "main",
    }
    told = {
        "id": 9000 + number,
        "node_id": f"RE_{number}",
        "tag_name": f"v{number}",
        "target_commitish": "main",
        "name": f"Version {number}",
        "body": f"What is new in {number}.",
        "draft": False,
        "prerelease": False,
        "html_url": f"https://github.com/halcyon/web/releases/tag/v{number}",
        "author": owner,
        "created_at": at,
        "published_at": at,
        "assets": [],
    }
    return {"action": "published", "release": told, "repository": repository, "sender": owner}


@dataclass
class Watch:
    """A store, a connection, its provider's log, and who looks into that."""

    engine: sa.Engine
    logbook: Logbook = field(init=False)
    store: str = ""
    connection: str = ""
    clients: Clients = field(init=False)
    is_up: bool = True
    rung: list[str] = field(default_factory=list)
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(VAULT, {TYPE: "http://127.0.0.1:9"})
        self.store = make_store(self.engine)
        self.connection = self.connect()
        keyring = Keyring(stored_secrets(self.engine, VAULT), {})
        self.intake = Intake(keyring, insert_into(self.engine), lambda: None, 2**20)
        self.logbook = Logbook(self.receive)

    def connect(self) -> str:
        metadata: dict[str, JSON] = {
            "githubRepoId": str(REPOSITORY),
            "repoFullName": "halcyon/web",
            "owner": "halcyon",
        }
        return connect(self.engine, TYPE, metadata, stores=[self.store], token=TOKEN)

    def receive(self, headers: Mapping[str, str], body: bytes, to: str | None = None) -> bool:
        """As the receiver takes it, where it is up."""
        if self.is_up:
            now = datetime.now(UTC)
            self.intake.take(Incoming(TYPE, to or self.connection, headers, body, now))
        return self.is_up

    def look(self, requests: int = 10_000) -> Counter[str]:
        """Look into the log now, with so many requests at most; then others would go on."""
        self.make_due()
        return self.look_now(requests)

    def look_now(self, requests: int = 10_000) -> Counter[str]:
        """The same of what is due by itself."""
        before = len(self.logbook.calls)
        return look_into_logs(
            self.engine,
            self.clients,
            self.rung.append,
            go_on=lambda: len(self.logbook.calls) - before < requests,
        )

    def work(self) -> set[str]:
        """Work off the queue; the releases that are to be looked up by that."""
        drain_deliveries(self.engine, go_on=lambda: True)
        rows = self.rows("SELECT external_id FROM lightfast_lookups WHERE kind = 'release'")
        return {row["external_id"] for row in rows}

    def make_due(self) -> None:
        """As if a quarter of an hour had passed."""
        self.run("UPDATE lightfast_missed_checks SET due_at = now()")
        self.run("UPDATE lightfast_missed_deliveries SET due_at = now() WHERE due_at IS NOT NULL")
        self.run("UPDATE lightfast_connection_conditions SET held_until = NULL")

    def queue(self) -> Counter[str]:
        """The keys in the queue."""
        query = "SELECT delivery_key FROM lightfast_webhook_deliveries"
        return Counter(row["delivery_key"] for row in self.rows(query))

    def marked(self) -> set[str]:
        """Those of them that nobody signed."""
        query = """SELECT delivery_key FROM lightfast_webhook_deliveries
                   WHERE headers ->> 'x-ingest-recovered' = 'api'"""
        return {row["delivery_key"] for row in self.rows(query)}

    def waiting(self) -> set[str]:
        query = "SELECT delivery_key FROM lightfast_missed_deliveries WHERE due_at IS NOT NULL"
        return {row["delivery_key"] for row in self.rows(query)}

    def shown(self) -> dict[str, Any]:
        with transaction(self.engine) as conn:
            found = missed.of_connection(conn, self.connection)
        assert found is not None
        return found

    def beat(self, seconds_ago: float = 0.0) -> None:
        """A receiver says that it is there, or did so long ago."""
        with transaction(self.engine) as conn:
            heartbeats.beat(conn, silent_s=120.0)
            ago = {"s": seconds_ago}
            query = "UPDATE lightfast_heartbeats SET beat_at = now() - make_interval(secs => :s)"
            conn.execute(sa.text(query), ago)

    def rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        with transaction(self.engine) as conn:
            return [dict(row) for row in conn.execute(sa.text(query), given).mappings()]

    def run(self, statement: str, **given: object) -> None:
        with transaction(self.engine) as conn:
            conn.execute(sa.text(statement), given)


@contextmanager
def watched(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """The log's provider is a source of this process until the end of the block."""
    loaded, usual = registry._loaded, registry.source(TYPE)
    watch = Watch(engine)
    made = replace(
        usual,
        connect=lambda _access: _LogClient(watch.logbook),
        subscribe=lambda _access: watch.logbook,
        renewal=None,
    )
    with monkeypatch.context() as patch:
        found = {TYPE: made}
        patch.setattr(registry, "_loaded", lambda name: found.get(name) or loaded(name))
        registry.all_sources.cache_clear()
        try:
            yield watch
        finally:
            patch.undo()
            registry.all_sources.cache_clear()
