"""A desk with a repository beside it: pushes, GitHub's API, and who looks branches up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.github.demo.fake import Change, GitHub, make
from ingest.store import deliveries
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake, serving
from tests.factories import VAULT, connect, make_store
from tests.flows.halcyon import Sent

ID, NAME, AT = 101, "halcyon/web", "2026-03-02T14:00:00Z"

_NOW = sa.text("""
UPDATE lightfast_lookups SET next_attempt_at = now() WHERE lease_until IS NULL
""")
_RELEASED = sa.text("UPDATE lightfast_connection_conditions SET held_until = NULL")


def told(event: str, body: Mapping[str, Any]) -> Sent:
    """What GitHub sends of it."""
    return Sent("github", body, {"x-github-event": event})


@dataclass
class Works:
    """A store, connections with a token to one repository, and those who do the work."""

    engine: sa.Engine
    github: GitHub
    fake: Fake
    store: str = ""
    connections: list[str] = field(default_factory=list)
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(VAULT, {"github": self.fake.url})
        self.store = make_store(self.engine)

    def open(self, *, token: str | None = None, **metadata: Any) -> str:
        """One more connection of the store to the repository; without a token where it is empty."""
        given = self.github.token if token is None else token or None
        made = connect(self.engine, "github", metadata, stores=[self.store], token=given)
        self.connections.append(made)
        return made

    def push(self, changes: Mapping[str, Change], branch: str = "main", **told_: Any) -> Sent:
        """A commit on top of the branch; what GitHub sends of it."""
        return told("push", self.github.change(ID, branch, changes, at=AT, **told_))

    def force(self, files: Mapping[str, Change], branch: str = "main") -> Sent:
        """The branch is one new commit with these files; what GitHub sends of it."""
        return told("push", self.github.force_push(ID, branch, files, at=AT))

    def about(self, action: str, **more: Any) -> Sent:
        """The event `repository`, as the repository stands now."""
        of = self.github.repositories[ID]
        here = {"id": of.id, "full_name": of.full_name, "default_branch": of.default_branch}
        return told("repository", {"action": action, "repository": here, **more})

    def deliver(self, *sent: Sent) -> list[int]:
        """The deliveries' ids, one for each connection, as they wait for a worker."""
        with transaction(self.engine) as conn:
            arrivals = [one.arrival(to) for one in sent for to in self.connections]
            return [id_ for id_, _ in deliveries.insert(conn, arrivals)]

    def work(self) -> None:
        """Process what is due; what has to be looked up waits."""
        drain_deliveries(self.engine, go_on=lambda: True, threads=1)

    def look_up(self, *, rounds: int = 60) -> Counter[str]:
        """Look up everything now, without waiting for more events; what became of it."""
        with transaction(self.engine) as conn:
            conn.execute(_RELEASED)
            conn.execute(_NOW)
        return drain_lookups(self.engine, self.clients, go_on=_Times(rounds)).ended

    def end(self, *sent: Sent) -> list[tuple[str, str | None]]:
        """Deliver, work, look up; each delivery's status and reason."""
        ids = self.deliver(*sent)
        self.work()
        self.look_up()
        return [self.delivery(id_) for id_ in ids]

    def delivery(self, id_: int) -> tuple[str, str | None]:
        (row,) = self.rows(
            "SELECT status, coalesce(reason, last_error) AS why"
            " FROM lightfast_webhook_deliveries WHERE id = :id",
            id=id_,
        )
        return row["status"], row["why"]

    def files(self) -> dict[str, str]:
        """The text of each file that stands, by its path: its chunks, after the title."""
        rows = self.rows(
            "SELECT d.source_metadata ->> 'path' AS path,"
            " string_agg(c.text, '' ORDER BY c.position) AS text"
            " FROM lightfast_docs_documents d"
            " JOIN lightfast_document_chunks c ON c.document_id = d.id"
            " WHERE d.source_metadata ? 'path' AND NOT d.source_metadata ? 'kind' GROUP BY d.id"
        )
        return {row["path"]: row["text"].partition("\n\n")[2].strip() for row in rows}

    def paths(self) -> set[str]:
        return set(self.files())

    def document(self, source_id: str) -> dict[str, Any]:
        (row,) = self.rows(
            "SELECT * FROM lightfast_docs_documents WHERE source_id = :id", id=source_id
        )
        return row

    def asked(self, path: str) -> int:
        """How many requests there were for paths with this in them."""
        return len(self.fake.asked_for(path))

    def rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        with transaction(self.engine) as conn:
            return [dict(row) for row in conn.execute(sa.text(query), given).mappings()]


class _Times:
    """Goes on for so many rounds."""

    def __init__(self, rounds: int) -> None:
        self._left = rounds

    def __call__(self) -> bool:
        self._left -= 1
        return self._left >= 0


@contextmanager
def works(engine: sa.Engine) -> Iterator[Works]:
    """Works with the repository and no connection yet."""
    github = make()
    github.add(ID, NAME)
    with serving(github) as fake:
        made = Works(engine, github, fake)
        yield made
        made.clients.close()
