"""What a source of another package asks of the program, in a process in which it is installed.

`test_seventh_source` runs it: alone there is no such source, so that nothing here is collected.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.sources.registry import broken, package_of, source_types
from ingest.store import reading
from ingest.store.engine import transaction
from ingest.testing.fakes import serving
from ingest.testing.sample import sample_of
from tests.acceptance.conftest import STORE, enqueue, settle
from tests.acceptance.crowd import Letter
from tests.cli.conftest import Ingest, ingest  # noqa: F401 - a fixture
from tests.databases import empty_databases
from tests.factories import METADATA, OURS, SECRET, VAULT, connect, make_store, signed
from tests.flows.syncing import synced

SEVENTH, KEY = "tern", "TERN-12"
PROJECT = {"id": "pr_1", "name": "Piers"}
TICKET: Mapping[str, JSON] = {
    "id": "tk_12",
    "key": KEY,
    "title": "Trains are shown twice",
    "text": "Since this morning. Perhaps halcyon/web#41 is why.",
    "status": "open",
    "created_at": "2026-02-01T09:00:00Z",
    "updated_at": "2026-02-01T09:00:00Z",
}
ISSUE: Mapping[str, JSON] = {
    "number": 41,
    "title": "A timer runs twice",
    "body": f"It is what {KEY} tells of.",
    "state": "open",
    "user": {"login": "somebody"},
    "created_at": "2026-02-01T08:00:00Z",
    "updated_at": "2026-02-01T08:00:00Z",
}


def _ticket() -> Letter:
    told = {"event": "ticket.created", "occurred_at": TICKET["updated_at"], "project": PROJECT}
    body = orjson.dumps({**told, "ticket": TICKET})
    return Letter(signed(SEVENTH, body), body)


def _issue() -> Letter:
    repository = {"id": 101, "full_name": METADATA["github"]["repoFullName"]}
    body = orjson.dumps({"action": "opened", "issue": ISSUE, "repository": repository})
    return Letter(signed("github", body, headers={"x-github-event": "issues"}), body)


def test_it_is_a_source_like_the_others() -> None:
    assert set(source_types()) == {*OURS, SEVENTH}
    assert broken() == {}
    assert package_of(SEVENTH) == f"ingest_source_{SEVENTH}"


@pytest.mark.parametrize("first", ["ticket", "issue"])
def test_a_delivery_becomes_a_document_that_is_related_both_ways(
    engine: sa.Engine, first: str
) -> None:
    """Verified, normalised, stored, chunked; its key binds in another's text, and theirs in its."""
    make_store(engine, STORE)
    letters = [(SEVENTH, _ticket()), ("github", _issue())]
    for source_type, letter in letters if first == "ticket" else reversed(letters):
        enqueue(engine, connect(engine, source_type, stores=[STORE]), [letter], source_type)
    drain_deliveries(engine, go_on=lambda: True)
    settle(engine)
    with transaction(engine) as conn:
        rows = reading.listing(conn, store_id=STORE, limit=10)
        shown = {row["source_id"]: reading.show(conn, row["id"]) for row in rows}
    ticket, issue = shown[KEY], shown["halcyon/web#41"]
    assert ticket is not None
    assert issue is not None
    assert ticket["source_type"] == SEVENTH
    assert ticket["chunks"] == 1
    assert _bound(ticket) == {("mention", "github", "halcyon/web#41", issue["id"])}
    assert _bound(issue) == {("mention", SEVENTH, KEY, ticket["id"])}


def _bound(document: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    names = ("kind", "target_source", "target_key", "target_document_id")
    return {tuple(one[name] for name in names) for one in document["references"] if one["bound"]}


def test_sync_runs_bring_what_is_there_and_take_what_is_gone(engine: sa.Engine) -> None:
    """Backfilled, kept current and pruned, as it is written: nothing was ever sent to it."""
    make_store(engine, STORE)
    api = _provider()
    with ExitStack() as running:
        clients = Clients(VAULT, {SEVENTH: running.enter_context(serving(api)).url})
        running.callback(clients.close)
        connection = connect(engine, SEVENTH, stores=[STORE], token=api.token)
        (backfill,) = synced(engine, clients, [connection], "backfill")
        assert (backfill["state"], backfill["errors"]) == ("done", 0), backfill
        assert _stored(engine) == _there(api)
        assert backfill["changed"] == len(_there(api)) > 2
        now = datetime.now(UTC).isoformat()
        api.put_ticket("pr_1", {**api.tickets["tk_1"], "title": "Once more", "updated_at": now})
        (incremental,) = synced(engine, clients, [connection], "incremental")
        assert (incremental["seen"], incremental["changed"]) == (1, 1)
        api.delete_ticket("tk_2")
        (full,) = synced(engine, clients, [connection])
        assert full["state"] == "done", full
        assert _stored(engine) == _there(api)


def _provider() -> Any:
    """Its own fake, with what its story has."""
    sample = sample_of(SEVENTH)
    assert sample is not None
    assert sample.provider is not None
    return sample.provider()


def _there(api: Any) -> set[str]:
    """The keys of all that stands at the provider."""
    return {one["key"] for one in api.tickets.values()} | {*api.comments}


def _stored(engine: sa.Engine) -> set[str]:
    with transaction(engine) as conn:
        return {row["source_id"] for row in reading.listing(conn, store_id=STORE, limit=100)}


def test_the_command_line_connects_and_shows_it(
    ingest: Ingest,  # noqa: F811 - the fixture
    engine: sa.Engine,
    tmp_path: Path,
) -> None:
    store = ingest("store", "create", "piers", "--json").json["id"]
    told = ("--name", "Piers", "--metadata", json.dumps(METADATA[SEVENTH]), "--json")
    secret = ("--webhook-secret-env", "HOOK")
    made = ingest("source", "connect", SEVENTH, "--store", store, *told, *secret, HOOK=SECRET).json
    assert made["route"] == f"/webhooks/{SEVENTH}/{made['id']}"
    (row,) = ingest("source", "list", "--json").json
    assert (row["source_type"], row["name"]) == (SEVENTH, "Piers")
    letter = _ticket()
    (tmp_path / "headers").write_bytes(orjson.dumps(letter.headers))
    (tmp_path / "body").write_bytes(letter.body)
    files = ("--headers", f"@{tmp_path}/headers", "--body", f"@{tmp_path}/body")
    sent = ingest("enqueue", SEVENTH, *files, "--connection", made["id"], "--json").json
    assert sent["status"] == "accepted"
    drain_deliveries(engine, go_on=lambda: True)
    (row,) = ingest("docs", "list", "--source", SEVENTH, "--json").json
    assert (row["kind"], row["source_id"]) == ("ticket", KEY)
    assert [found["id"] for found in ingest("docs", "find", KEY, "--json").json] == [row["id"]]


def test_its_types_are_published_beside_the_seed_s(ingest: Ingest) -> None:  # noqa: F811
    told = ingest("types").out
    kinds = ("Ticket", "Comment", "Event", "ResyncEvent")
    for name in (f"Tern{kind}Metadata" for kind in kinds):
        assert f"export interface {name} " in told
        assert f"export function is{name}(" in told
    schema = ingest("types", "--format", "jsonschema").json
    assert "TernSourceMetadata" in schema["$defs"]


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    with empty_databases(postgres_url) as make:
        yield make()


def test_an_upgrade_adds_its_type(ingest: Ingest, empty_url: str) -> None:  # noqa: F811
    told = ingest("db", "upgrade", "--json", DATABASE_URL=empty_url).json
    assert SEVENTH in told["added_source_types"]
    with psycopg.connect(empty_url) as connection:
        rows = connection.execute("SELECT unnest(enum_range(NULL::source_type))::text").fetchall()
    assert SEVENTH in {value for (value,) in rows}
