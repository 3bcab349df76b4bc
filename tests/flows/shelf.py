"""A provider in memory that is listed: books, and notes on them, which move no book's time.

It stands in another source's place, so that the database knows its type. Faults are scripted: what
a page raises, or what happens at the provider while it is listed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
import sqlalchemy as sa

from ingest.core.changes import Change, Delete, Refresh, Upsert, Withdraw
from ingest.core.errors import Refused
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.syncs.drain import Paged, drain_pages
from ingest.flows.syncs.request import Kind, request_sync
from ingest.sources import registry
from ingest.sources.access import Access
from ingest.sources.contract import Client, Lookup, Sight, Source
from ingest.sources.listing import Concluded, Listed, Listing, Page, PageRequest, Resource, Unlisted
from ingest.sources.metadata import ResyncedMetadata
from ingest.sources.wire import mapping, text
from ingest.store import connections, sync_runs
from ingest.store.engine import transaction
from tests.factories import METADATA, VAULT, connect, make_store

TYPE = "vercel"
SCOPE = "shelf"
EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


class ShelfEvent(ResyncedMetadata):
    type: Literal["vercel"] = "vercel"


@dataclass
class Thing:
    """A book or a note as the provider has it. `wing` is what a connection filters by."""

    kind: str
    id: str
    words: str
    at: datetime
    wing: str = "east"
    on: str | None = None

    def raw(self) -> dict[str, JSON]:
        return {
            "kind": self.kind,
            "id": self.id,
            "words": self.words,
            "at": self.at.isoformat(),
            "wing": self.wing,
            "on": self.on,
        }


def _absent(absent: Unlisted) -> Concluded | None:
    wing = absent.connection.get("projectName")
    if wing not in (absent.metadata.get("wing"), "all"):
        return Withdraw(absent.identity, version=None)
    return Refresh(absent.identity)


@dataclass
class Shelf:
    """The provider. `trouble` is asked before each page, `meanwhile` told after it.

    judge: what its source does about what is not listed. one_alone: a refusal is of what was asked
    for; else the token is let in nowhere.
    """

    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    page_size: int = 3
    clock: datetime = EPOCH
    calls: list[str] = field(default_factory=list)
    trouble: Callable[[PageRequest], None] = lambda _request: None
    meanwhile: Callable[[PageRequest], None] = lambda _request: None
    readable: bool = True
    gap: str | None = None
    broken: set[str] = field(default_factory=set)
    whole: bool = True
    judge: Callable[[Unlisted], Concluded | None] = _absent
    one_alone: bool = False

    def tick(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def put(self, kind: str, id_: str, words: str = "", **more: Any) -> Thing:
        thing = Thing(kind, id_, words or f"{kind} {id_} of {self.clock}", self.tick(), **more)
        self.things[kind, id_] = thing
        return thing

    def drop(self, kind: str, id_: str) -> None:
        del self.things[kind, id_]

    def listed(self, request: PageRequest) -> Page:
        """Pages by id: what is made or dropped meanwhile moves nothing."""
        self.calls.append(f"list {request.resource}")
        self.trouble(request)
        kind, wing = request.resource.removesuffix("s"), request.connection.get("projectName")
        after = request.cursor if isinstance(request.cursor, str) else ""
        there = sorted(
            (t for t in self.things.values() if t.kind == kind and t.id > after),
            key=lambda t: t.id,
        )
        if request.since is not None:
            there = [t for t in there if t.at >= request.since]
        there = [t for t in there if wing in (t.wing, "all")]
        page, more = there[: self.page_size], len(there) > self.page_size
        made = Page(
            listed=tuple(Listed(_identity(t), t.raw()) for t in page) if self.whole else (),
            wanted=() if self.whole else tuple(Refresh(_identity(t)) for t in page),
            cursor=page[-1].id if more else None,
            kept={"through": self.clock.isoformat()},
            expected=sum(t.kind == kind for t in self.things.values()),
            gap=self.gap,
        )
        self.meanwhile(request)
        return made

    def absent(self, absent: Unlisted) -> Concluded | None:
        return self.judge(absent)

    def looked_up(self, lookup: Lookup) -> Sight:
        self.calls.append(f"get {lookup.identity.kind} {lookup.identity.id}")
        if not self.readable:
            raise Refused("the shelf is closed to this token")
        found = self.things.get((lookup.identity.kind, lookup.identity.id))
        return Sight(found.raw() if found is not None else None)


def _identity(thing: Thing) -> Identity:
    return Identity(TYPE, SCOPE, thing.kind, thing.id)


@dataclass
class _ShelfClient:
    shelf: Shelf

    def list_page(self, request: PageRequest) -> Page:
        return self.shelf.listed(request)

    def fetch_one(self, lookup: Lookup) -> Sight:
        return self.shelf.looked_up(lookup)

    def check(self) -> str:
        """Asked only where something was refused."""
        if not self.shelf.one_alone:
            raise Refused("this token is let in nowhere")
        return "reads the shelf"

    def close(self) -> None:
        pass


def _documents(shelf: Shelf, lookup: Lookup) -> tuple[Change | Refresh, ...]:
    raw = mapping(lookup.raw)
    if text(raw, "id") in shelf.broken:
        raise KeyError("words")
    if raw.get("gone"):
        return (Delete(lookup.identity, version=None),)
    at = datetime.fromisoformat(str(raw["at"]))
    on = text(raw, "on")
    return (
        Upsert(
            lookup.identity,
            version=int(at.timestamp() * 1_000_000),
            source_id=f"{raw['kind']}-{raw['id']}",
            title=f"The {raw['kind']} {raw['id']}",
            body=str(raw["words"]),
            metadata={"type": TYPE, "wing": raw["wing"], "id": raw["id"]},
            created_at=EPOCH,
            parent=Identity(TYPE, SCOPE, "book", on) if on else None,
        ),
    )


RESOURCES = (
    Resource("books", frozenset({"book"}), overlap_s=0.0),
    Resource("notes", frozenset({"note"}), narrows=False, sweep_s=3600.0),
)


def shelf_source(shelf: Shelf) -> Source:
    """The source that is put in the other one's place."""

    def connect_(_access: Access) -> Client:
        return _ShelfClient(shelf)

    return replace(
        registry.source(TYPE),
        connect=connect_,
        documents=lambda lookup: _documents(shelf, lookup),
        again=lambda told: Refresh(told.identity),
        event_types=(ShelfEvent,),
        listing=Listing(RESOURCES, ShelfEvent, shelf.absent),
    )


@contextmanager
def shelved(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, made_so: Source | None = None
) -> Iterator[Source]:
    """The shelf is a source of this process until the end of the block; as `made_so`, or as is."""
    made, loaded = made_so or shelf_source(shelf), registry._loaded
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_loaded", lambda name: made if name == TYPE else loaded(name))
        registry.all_sources.cache_clear()
        try:
            yield made
        finally:
            patch.undo()
            registry.all_sources.cache_clear()


@dataclass
class Library:
    """A store, a connection to the shelf, and who does the work."""

    engine: sa.Engine
    shelf: Shelf
    store: str = ""
    connection: str = ""
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(VAULT, {TYPE: "http://127.0.0.1:9"})
        self.store = self.store or make_store(self.engine)
        self.connection = self.connection or connect(
            self.engine,
            TYPE,
            {**METADATA[TYPE], "projectName": "all"},
            stores=[self.store],
            token="0123456789abcdefABCDEF01",
        )

    def request(self, kind: Kind = "full", by: str = "a test") -> int:
        with transaction(self.engine) as conn:
            found = connections.by_id(conn, [self.connection])[self.connection]
            return request_sync(conn, found, kind=kind, asked_by=by)

    def pages(self, most_share: float = 0.2) -> Paged:
        """Make what is due; what is put off is due at once."""
        self.hurry()
        return drain_pages(self.engine, self.clients, go_on=lambda: True, most_share=most_share)

    def hurry(self) -> None:
        with transaction(self.engine) as conn:
            conn.execute(sa.text("UPDATE lightfast_sync_parts SET next_attempt_at = now()"))
            conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
            conn.execute(sa.text("UPDATE lightfast_connection_conditions SET held_until = NULL"))

    def look_up(self) -> None:
        self.hurry()
        drain_lookups(self.engine, self.clients, go_on=lambda: True)

    def sync(self, kind: Kind = "full", most_share: float = 0.2) -> dict[str, Any]:
        """A whole run, its look-ups included; how it ended."""
        run = self.request(kind)
        return self.finish(run, most_share)

    def finish(self, run: int, most_share: float = 0.2, turns: int = 200) -> dict[str, Any]:
        for _ in range(turns):
            self.pages(most_share)
            self.look_up()
            shown = self.show(run)
            if shown["state"] not in ("waiting", "running"):
                return shown
        raise AssertionError(f"the run does not end: {self.show(run)}")

    def show(self, run: int) -> dict[str, Any]:
        with transaction(self.engine) as conn:
            found = sync_runs.show(conn, run)
        assert found is not None
        return found

    def rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        with transaction(self.engine) as conn:
            return [dict(row) for row in conn.execute(sa.text(query), given).mappings()]

    def documents(self) -> dict[str, str]:
        """Those in sight: the body's hash by key."""
        query = "SELECT source_id, content_hash FROM lightfast_docs_documents"
        return {row["source_id"]: row["content_hash"] for row in self.rows(query)}

    def sight(self) -> set[str]:
        return set(self.documents())


def keys_of(shelf: Shelf) -> set[str]:
    return {f"{thing.kind}-{thing.id}" for thing in shelf.things.values()}


def fill(shelf: Shelf, books: int, notes: int = 0, *, seed: int = 1) -> None:
    """So many books, and notes on them."""
    drawn = random.Random(seed)
    for number in range(books):
        shelf.put("book", f"{number:04d}")
    for number in range(notes):
        shelf.put("note", f"{number:04d}", on=f"{drawn.randrange(books):04d}")
