"""A client on the fake GitHub, and a branch looked up until it has nothing more to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.core.changes import Change, Delete, Upsert, Withdraw
from ingest.core.identity import Identity
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Sight
from ingest.sources.github.client import GitHubClient, connect
from ingest.sources.github.demo.fake import GitHub, make
from ingest.sources.github.files import branch_documents
from ingest.sources.github.subscriptions import subscribe
from ingest.sources.subscriptions import Subscriptions
from ingest.testing.fakes import Fake, serving

ID, NAME, AT = 101, "halcyon/web", "2026-03-02T14:00:00Z"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
METADATA: Mapping[str, Any] = {
    "githubRepoId": str(ID),
    "githubInstallationId": "7",
    "repoFullName": NAME,
    "defaultBranch": "main",
}


def identity(kind: str, id_: object) -> Identity:
    return Identity("github", str(ID), kind, str(id_))


@dataclass
class Looking:
    """A repository at GitHub, a connection to it, and what its look-ups left and told."""

    github: GitHub
    fake: Fake
    metadata: dict[str, Any]
    state: Any = None
    documents: dict[str, Upsert] = field(default_factory=dict)
    told: list[Change] = field(default_factory=list)
    clients: dict[tuple[str, str], GitHubClient] = field(default_factory=dict)
    subscriptions: list[Subscriptions] = field(default_factory=list)

    def client(self, token: str | None = None, suffix: str = "") -> GitHubClient:
        """One for each token and form of the base URL; closed in the end."""
        given = self.github.token if token is None else token
        if (given, suffix) not in self.clients:
            access = Access(self.fake.url + suffix, given, self.metadata, self.github.now)
            self.clients[given, suffix] = connect(access)
        return self.clients[given, suffix]

    def hooks(self, token: str | None = None, **metadata: Any) -> Subscriptions:
        """The connection's webhooks; closed in the end."""
        given = self.github.token if token is None else token
        told = {**self.metadata, **metadata}
        made = subscribe(Access(self.fake.url, given, told, self.github.now))
        self.subscriptions.append(made)
        return made

    def fetch(self, kind: str, id_: object, **hint: Any) -> Any:
        return self.client().fetch_one(Lookup(identity(kind, id_), hint)).raw

    def part(self, name: str = "main", **hint: Any) -> Sight:
        """One sight of the branch, applied."""
        asked = identity("branch", name)
        sight = self.client().fetch_one(Lookup(asked, hint, self.state))
        self.state = sight.state
        self._apply(branch_documents(Lookup(asked, raw=sight.raw, sent_at=NOW)))
        return sight

    def look(self, name: str = "main", **hint: Any) -> list[Change]:
        """The branch, until it has nothing more to say; what that was."""
        self.told.clear()
        for _ in range(200):
            if not self.part(name, **hint).more:
                return list(self.told)
        raise AssertionError("it never ends")

    def commit(self, changes: Mapping[str, Any], branch: str = "main", **told: Any) -> Any:
        return self.github.change(ID, branch, changes, at=AT, **told)

    def asked(self, path: str) -> int:
        """How many requests there were for paths with this in them, since the last question."""
        found = len(self.fake.asked_for(path))
        self.fake.requests.clear()
        return found

    def read(self) -> int:
        """How many contents were asked for, alone or together, since the last question."""
        alone = len(self.fake.asked_for("git/blobs"))
        queries = [asked.body["query"] for asked in self.fake.asked_for("graphql")]
        self.fake.requests.clear()
        return alone + sum(str(query).count("object(oid:") for query in queries)

    def _apply(self, changes: tuple[Change, ...]) -> None:
        self.told += changes
        for change in changes:
            assert change.identity.scope == str(ID)
            if isinstance(change, Upsert):
                self.documents[change.identity.id] = change
            elif isinstance(change, Delete | Withdraw):
                self.documents.pop(change.identity.id, None)


@contextmanager
def looking(**metadata: Any) -> Iterator[Looking]:
    github = make()
    github.add(ID, NAME)
    with serving(github) as fake:
        made = Looking(github, fake, {**METADATA, **metadata})
        try:
            yield made
        finally:
            for client in made.clients.values():
                client.close()
            for hooks in made.subscriptions:
                hooks.close()
