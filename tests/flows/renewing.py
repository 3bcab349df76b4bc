"""A connection that keeps an OAuth client, its provider, and processes that share its tokens.

As a program it is one such process, which checks its token once and says what the client says.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.identity import Identity
from ingest.flows.connections.connect import connect_source
from ingest.flows.connections.renewal import StoredTokens
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.discreet import Discreet
from ingest.sources.linear.demo import fake as fake_linear
from ingest.sources.registry import source
from ingest.sources.zendesk.demo import fake as fake_zendesk
from ingest.store import conditions, connections, credentials, lookups
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import connect as engine_of
from ingest.store.engine import transaction
from ingest.testing.fake_tokens import FakeTokens
from ingest.testing.fakes import Fake, serving
from tests.embedded.watching import REPOSITORY
from tests.factories import METADATA, VAULT, make_store

CLIENT = {"clientId": "client-of-a-test", "clientSecret": "a-secret-of-a-client-of-a-test"}
REFRESH = "the-first-refresh-token-of-a-test"
TOKEN_PATH = "/oauth/token"
KINDS = {"zendesk": ("ticket", "5"), "linear": ("issue", "4a02d522-1133-560b-b70c-7a6dcd1077f3")}


def given(**more: str) -> str:
    """What a person gives."""
    return json.dumps({**CLIENT, **more})


@dataclass
class Renewing:
    """One connection; each of `processes` has clients of its own."""

    engine: sa.Engine
    name: str
    fake: Fake
    tokens: FakeTokens
    connection: str = ""
    processes: list[Clients] = field(default_factory=list)

    def process(self) -> Clients:
        """One more process."""
        clients = Clients(VAULT, {self.name: self.fake.url}, engine=self.engine)
        self.processes.append(clients)
        return clients

    def start(self, database_url: str) -> subprocess.Popen[str]:
        """A process of its own, which checks its token."""
        argv = [database_url, self.name, self.fake.url, self.connection]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.flows.renewing", *argv],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )

    def client(self, clients: Clients | None = None) -> Discreet:
        """A client of the connection, of one more process where none is named."""
        clients = clients or self.process()
        with transaction(self.engine) as conn:
            (found,) = connections.by_id(conn, [self.connection]).values()
            token = clients.tokens(conn, [self.connection]).get(self.connection)
        return clients.of(found, token)

    def stored_tokens(self) -> StoredTokens:
        """The tokens of one more process."""
        made = self.client().client.api.tokens  # type: ignore[attr-defined]
        assert isinstance(made, StoredTokens)
        return made

    def keeps(self) -> dict[str, Any]:
        """What a person gave, as it is stored by now."""
        with transaction(self.engine) as conn:
            (kept,) = credentials.read(conn, VAULT, self.connection, API_TOKEN)
        told: dict[str, Any] = json.loads(kept)
        return told

    def rows(self, kind: str) -> list[Mapping[str, Any]]:
        query = """
            SELECT id, secret, expires_at, extract(epoch FROM expires_at - now()) AS left_s
            FROM lightfast_source_credentials WHERE kind = :kind ORDER BY id
        """
        with transaction(self.engine) as conn:
            return [*conn.execute(sa.text(query), {"kind": kind}).mappings()]

    def pass_time(self, seconds: float) -> None:
        """For all that is stored."""
        ages = """
            UPDATE lightfast_source_credentials SET
              created_at = created_at - make_interval(secs => :seconds),
              expires_at = expires_at - make_interval(secs => :seconds)
        """
        with transaction(self.engine) as conn:
            conn.execute(sa.text(ages), {"seconds": seconds})

    def look_up(self, clients: Clients) -> dict[str, int]:
        """One look-up, now; what became of it."""
        wanted = Refresh(Identity(self.name, "scope", *KINDS[self.name]))
        with transaction(self.engine) as conn:
            lookups.request(conn, [(self.connection, wanted)], {})
            conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
        turns = iter(range(3))
        return drain_lookups(
            self.engine, clients, go_on=lambda: next(turns, None) is not None
        ).ended

    def rows_of_look_ups(self) -> list[Mapping[str, Any]]:
        with transaction(self.engine) as conn:
            return [*conn.execute(sa.text("SELECT last_error FROM lightfast_lookups")).mappings()]

    def problem(self) -> str:
        with transaction(self.engine) as conn:
            return str(conditions.read(conn, self.connection).get("problem"))


@contextmanager
def renewing(engine: sa.Engine, name: str, token: str | None = None) -> Iterator[Renewing]:
    """A connection of this source whose tokens are bought, by a refresh token for Linear."""
    refresh = REFRESH if name == "linear" else None
    tokens = FakeTokens(CLIENT["clientId"], CLIENT["clientSecret"], refresh)
    provider: Any = {"zendesk": fake_zendesk, "linear": fake_linear}[name].make()
    provider.tokens = tokens
    metadata = dict(METADATA[name])
    if name == "linear":
        provider.organization["id"] = metadata["linearOrganizationId"]
    more = {"refreshToken": REFRESH} if refresh else {}
    with serving(provider) as fake:
        made = Renewing(engine, name, fake, tokens)
        made.connection = connect_source(
            engine,
            source(name).descriptor,
            name=f"{name} that renews",
            metadata=metadata,
            store_ids=[make_store(engine)],
            secrets={API_TOKEN: token or given(**more)},
            vault=VAULT,
        )
        try:
            yield made
        finally:
            for clients in made.processes:
                clients.close()


def main(database_url: str, name: str, api_url: str, connection: str) -> None:
    """One process: what its client's check says, on stdout."""
    engine = engine_of(database_url)
    clients = Clients(VAULT, {name: api_url}, engine=engine)
    with transaction(engine) as conn:
        (found,) = connections.by_id(conn, [connection]).values()
        token = clients.tokens(conn, [connection])[connection]
    sys.stdout.write(clients.of(found, token).check())
    clients.close()
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
