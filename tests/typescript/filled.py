"""A database that our worker filled: the story of all sources, and what the seed's queries name.

The seed asks for the issue LIN-123, the file docs/api/search.md, an issue in progress, what an
issue mentions on GitHub and the comments on it. They stand at the providers; a resync brings them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ingest.flows.lookups.clients import Clients
from ingest.sources.github.demo.fake import GitHub
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.registry import source
from ingest.testing.fakes import serving
from ingest.testing.sample import all_samples
from tests.factories import VAULT, connect, make_store
from tests.flows.syncing import synced
from tests.flows.test_convergence_of_all import STORY, World

KEY, PATH = "LIN-123", "docs/api/search.md"
MENTIONED = ("brindle-ferries/departures#41", "brindle-ferries/departures#42")
_AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_ISSUE: Mapping[str, Any] = {
    "id": "issue-of-the-seed",
    "createdAt": _AT.isoformat(),
    "updatedAt": _AT.isoformat(),
    "number": 123,
    "identifier": KEY,
    "previousIdentifiers": (),
    "title": "Search finds yesterday's ferries",
    "description": f"As in {MENTIONED[0]}, see also {MENTIONED[1]}.",
    "url": f"https://linear.app/brindle/issue/{KEY}/search-finds-yesterdays-ferries",
    "priority": 2,
    "state": {"id": "state-2", "name": "In Progress", "type": "started"},
    "labels": (),
}


def fill(engine: sa.Engine) -> str:
    """Every source is connected to one store, and worked on to the end; the store's id.

    Deliveries, look-ups and pages go the way that the worker, the fetcher and the syncer go.
    """
    store = make_store(engine)
    samples = all_samples()
    with ExitStack() as running:
        played = {one.source_type: one.provider() for one in samples if one.provider is not None}
        _put(played["linear"], played["github"])
        fakes = {name: running.enter_context(serving(one)) for name, one in played.items()}
        clients = Clients(VAULT, {name: fake.url for name, fake in fakes.items()})
        running.callback(clients.close)
        world = World(engine, clients)
        for sample in samples:
            fake = fakes.get(sample.source_type)
            world.connections[sample.source_type] = connect(
                engine,
                sample.source_type,
                sample.connection,
                stores=[store],
                token=fake.provider.token if fake is not None else None,
            )
        world.tell(STORY)
        world.process()
        listed = [own for name, own in world.connections.items() if source(name).listing]
        for run in synced(engine, clients, listed):
            assert (run["state"], run["errors"]) == ("done", 0), run
        world.finish()
    return store


def _put(linear: Any, github: Any) -> None:
    assert isinstance(linear, Linear)
    assert isinstance(github, GitHub)
    linear.put("team", id="team-of-the-seed", key="LIN", name="Search", createdAt=_AT.isoformat())
    issue = linear.put("issue", **_ISSUE, team={"id": "team-of-the-seed", "key": "LIN"})
    for number, minute in ((2, 30), (1, 10), (3, 45)):
        at = _AT.replace(minute=minute).isoformat()
        linear.put(
            "comment",
            id=f"comment-{number}-of-the-seed",
            createdAt=at,
            updatedAt=at,
            body=f"Seen at pier {number}.",
            url=f"{_ISSUE['url']}#comment-{number}",
            issue={"id": issue["id"]},
            user={"id": "user-1", "name": "Otto Lindqvist"},
        )
    (repository,) = github.repositories
    text = "# Search\n\nHow to search the boards.\n"
    github.change(repository, "main", {PATH: text}, at=_AT.isoformat())
