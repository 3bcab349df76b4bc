"""Where a connection's token is sent: to its provider, or to where an operator says; and what
becomes of a connection whose metadata says something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.errors import Refused, Unavailable
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.flows.connections.connect import connect_source
from ingest.flows.connections.lifecycle import resume_source
from ingest.flows.lookups.clients import Clients, addresses_of
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.contract import Lookup
from ingest.sources.registry import source
from ingest.store import conditions, connections, lookup_admin, lookups
from ingest.store.connections import REFUSED, Connection
from ingest.store.engine import transaction
from tests.factories import METADATA, VAULT, connect, make_store
from tests.flows.asking_notion import Office, event, office

TOKEN = "a-token-of-a-test-that-is-long-enough"
KINDS = {"sentry": ("issue", "5001"), "vercel": ("deployment", "dpl_1"), "zendesk": ("ticket", "5")}


def _connection(name: str, **more: JSON) -> Connection:
    metadata = {**METADATA[name], **more}
    return Connection("c", name, "n", metadata, True, None, "o", None, has_token=True)


class Names:
    """A server of names that remembers what it was asked, and says one thing to everybody."""

    def __init__(self, *addresses: str) -> None:
        self.asked: list[str] = []
        self.addresses = addresses

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self.addresses


def _ask(name: str) -> Lookup:
    return Lookup(Identity(name, "s", *KINDS[name]))


@pytest.mark.parametrize(
    ("name", "more", "field"),
    [
        ("sentry", {"apiHost": "x@127.0.0.1:9200/"}, "apiHost"),
        ("sentry", {"apiHost": "evil.com"}, "apiHost"),
        ("vercel", {"apiHost": "https://evil.com/v9"}, "apiHost"),
        ("zendesk", {"zendeskSubdomain": "evil.com#"}, "zendeskSubdomain"),
        ("sentry", {"sentryOrganizationSlug": ".."}, "sentryOrganizationSlug"),
        ("sentry", {"sentryProjectSlug": "a/b"}, "sentryProjectSlug"),
        ("vercel", {"vercelProjectId": "../user"}, "vercelProjectId"),
        ("vercel", {"vercelTeamId": "a&b=c"}, "vercelTeamId"),
    ],
)
def test_a_client_of_metadata_that_leads_astray_is_never_made(
    name: str, more: dict[str, JSON], field: str
) -> None:
    names = Names("8.8.8.8")
    with pytest.raises(Refused, match=field):
        Clients(VAULT, {}, resolve=names).of(_connection(name, **more), TOKEN)
    assert names.asked == []


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1"])
def test_a_providers_name_that_leads_into_this_network_is_refused(name: str, address: str) -> None:
    names = Names(address)
    clients = Clients(VAULT, {}, resolve=names)
    with pytest.raises(Refused, match="INGEST_ALLOWED_API_HOSTS"):
        clients.of(_connection(name), TOKEN).fetch_one(_ask(name))
    assert len(names.asked) == 1
    clients.close()


def test_what_an_operator_names_is_asked_wherever_it_is() -> None:
    """Nobody resolves, and so nobody judges: the socket itself says that nobody is there."""
    names = Names("8.8.8.8")
    for clients, more in (
        (Clients(VAULT, {"sentry": "http://127.0.0.1:1"}, resolve=names), {}),
        (
            Clients(VAULT, {}, allowed_hosts=("*.halcyon.invalid",), resolve=names),
            {"apiHost": "errors.halcyon.invalid"},
        ),
    ):
        with pytest.raises(Unavailable):
            clients.of(_connection("sentry", **more), TOKEN).fetch_one(_ask("sentry"))
        clients.close()
    assert names.asked == []


def test_a_name_is_resolved_by_the_machine() -> None:
    assert {"127.0.0.1", "::1"} & set(addresses_of("localhost"))
    for host in ("nobody.halcyon.invalid", "a" * 70 + ".example", ""):
        with pytest.raises(Unavailable, match="leads nowhere"):
            addresses_of(host)


# What becomes of the connection.


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Office]:
    with office(engine) as made:
        yield made


@pytest.mark.integration
def test_a_refused_address_pauses_the_connection_and_loses_nothing(desk: Office) -> None:
    desk.write("Lamps", "All lamps are lit.")
    good, names = desk.clients, Names("10.0.0.7")
    desk.clients = Clients(VAULT, {}, resolve=names)
    (waiting,) = desk.deliver(event("page.created", "Lamps"))
    desk.work()
    assert desk.look_up() == {"refused": 1}
    assert names.asked == ["api.notion.com"]
    with transaction(desk.engine) as conn:
        problem = conditions.read(conn, desk.connection)["problem"]
        paused = connections.by_id(conn, [desk.connection])[desk.connection]
    assert "api.notion.com leads to 10.0.0.7, an address that is private" in problem
    assert (paused.status, paused.is_active) == (REFUSED, False)
    assert desk.delivery(waiting)[0] == "pending"
    desk.clients.close()
    desk.clients = good
    resume_source(desk.engine, desk.connection)
    desk.look_up()
    assert desk.delivery(waiting) == ("processed", "looked up")
    assert desk.texts()["Lamps"].endswith("All lamps are lit.")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("sentry", {"apiHost": "127.0.0.1:9200"}),
        ("sentry", {"sentryProjectSlug": ".."}),
        ("vercel", {"apiHost": "evil.com#"}),
        ("zendesk", {"zendeskSubdomain": "evil.com#"}),
    ],
)
def test_metadata_of_old_pauses_its_connection_and_says_which_field(
    engine: sa.Engine, name: str, more: Mapping[str, Any]
) -> None:
    connection = connect(engine, name, more, token=TOKEN)
    kind, id_ = KINDS[name]
    with transaction(engine) as conn:
        wanted = Refresh(Identity(name, "scope", kind, id_))
        lookups.request(conn, [(connection, wanted)], {})
    clients, turns = Clients(VAULT, {}, resolve=Names("8.8.8.8")), iter(range(3))
    ended = drain_lookups(engine, clients, go_on=lambda: next(turns, None) is not None).ended
    assert ended == {"refused": 1}
    with transaction(engine) as conn:
        problem = conditions.read(conn, connection)["problem"]
        assert lookup_admin.unfinished(conn)[0] == 1
    assert next(iter(more)) in problem


def test_a_source_that_asks_nobody_has_no_host_to_be_checked(engine: sa.Engine) -> None:
    descriptor = source("vercel").descriptor
    connect_source(
        engine,
        replace(descriptor, api_hosts=(), api_url=lambda _metadata: ""),
        name="one that only tells",
        metadata=METADATA["vercel"],
        store_ids=[make_store(engine)],
        secrets={},
        vault=None,
    )
