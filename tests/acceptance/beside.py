"""What a source of another package asks of the program, in a process in which it is installed.

`test_seventh_source` runs it: alone there is no such source, so that nothing here is collected.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.sources.registry import broken, package_of, source_types
from ingest.store import reading
from ingest.store.engine import transaction
from tests.acceptance.conftest import STORE, enqueue, settle
from tests.acceptance.crowd import Letter
from tests.cli.conftest import Ingest, ingest  # noqa: F401 - a fixture
from tests.databases import empty_databases
from tests.factories import METADATA, OURS, SECRET, connect, make_store, signed

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
    for name in ("TernTicketMetadata", "TernCommentMetadata", "TernEventMetadata"):
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
