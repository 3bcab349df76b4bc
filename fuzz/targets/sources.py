"""What each source is fuzzed with: its fixtures, its part in the story, a connection of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ingest.core.values import JSON
from ingest.flows.connections.directory import Directory
from ingest.flows.documents.render import StoreConfig
from ingest.sources.contract import Source
from ingest.sources.registry import all_sources
from ingest.store.connections import Connection
from ingest.testing.laws.fixtures import Suite, read_fixtures
from ingest.testing.sample import sample_of

FOLDER = Path(__file__).parent.parent.parent / "tests" / "sources"
CONNECTION = "c1"
SECRET = "a secret of nobody's"  # noqa: S105 - opens nothing
SIZES = ((512, 50), (64, 16), (8, 3), (4, 0))
"""Of chunks, in tokens, and their overlaps."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A source with deliveries of it, and what its documents are rendered for."""

    source: Source
    suite: Suite

    @property
    def name(self) -> str:
        """Its type."""
        return self.suite.source_type

    @property
    def seeds(self) -> list[dict[str, Any]]:
        """Its deliveries as inputs: headers, body, and whether the connection has a token."""
        told = [*self.suite.fixtures, *self.suite.deliveries]
        return [
            {"headers": dict(one.headers), "body": dict(one.body), "token": has_token}
            for one in told
            for has_token in (True, False)
        ]

    def directory(self, metadata: Mapping[str, JSON], *, has_token: bool) -> Directory:
        """That of an installation with this one connection, whose store owns what is mentioned."""
        connection = Connection(
            CONNECTION, self.name, "fuzzed", metadata, True, None, "org", None, has_token
        )
        return Directory({CONNECTION: connection}, {}, {CONNECTION: [store(0)]})


@cache
def store(size: int) -> StoreConfig:
    """A store that cuts to one of `SIZES`, and owns what the grammar's bare keys begin with."""
    most, overlap = SIZES[size]
    owned = {
        name: frozenset().union(*(_owned(one, subject(name)) for one in connections(name)))
        for name in all_sources()
    }
    return StoreConfig(f"s{size}", "a-model", 1536, most, overlap, owned)


def _owned(metadata: Mapping[str, JSON], of: Subject) -> frozenset[str]:
    return of.source.descriptor.owned_prefixes(metadata) | {"ENG", "WEB", "acme/payments", "a/b"}


def connections(name: str) -> tuple[Mapping[str, JSON], ...]:
    """Metadata of connections: those of the fixtures and of the story."""
    suite = subject(name).suite
    return suite.connection, suite.story_connection


@cache
def subject(name: str) -> Subject:
    """The source of that type."""
    source, sample = all_sources()[name], sample_of(name)
    folder = FOLDER / name
    file = folder / "connection.json"
    own = sample.metadata if sample is not None else {}
    told = json.loads(file.read_text("utf-8")) if file.exists() else own
    fixtures = read_fixtures(source, folder / "fixtures", told)
    return Subject(source, Suite(source, told, fixtures, sample=sample))
