"""Where GitHub's objects are, and what all of their documents share: keys, identities, fields.

Law: nothing of a delivery is known here, and nothing of the order in which things came.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ingest.core.identity import Identity
from ingest.core.references import Reference, ReferenceKind
from ingest.core.slugs import bounded_key
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Message
from ingest.sources.github.payloads import User

_NOBODY = "ghost"


@dataclass(frozen=True, slots=True)
class Place:
    """The repository an object is in: its immutable id as scope, and its present name."""

    scope: str
    repository: str

    def identity(self, kind: str, id_: int) -> Identity:
        return Identity("github", self.scope, kind, str(id_))

    def reference(self, kind: ReferenceKind, key: str, field: str) -> Reference:
        """What a field says of an issue, as `owner/repo#12`; here it is meant by its id."""
        repository, _, number = key.rpartition("#")
        own = repository.lower() == self.repository.lower()
        thing = Identity("github", self.scope, "issue", number) if own else None
        return Reference(kind, "github", bounded_key(key), "field", field, thing=thing)

    def key(self, number: int, child: str = "") -> str:
        """The human key: `owner/repo#123`, or with a child `owner/repo#123/comment/5`."""
        below = f"/{child}" if child else ""
        return bounded_key(f"{self.repository}#{number}{below}")

    def page(self, number: int) -> str:
        """The other key of a discussion: `owner/repo/discussions/123`, as its page is called."""
        return bounded_key(f"{self.repository}/discussions/{number}")

    def tag(self, name: str) -> str:
        """The human key of a release: `owner/repo@v1.2.0`."""
        return bounded_key(f"{self.repository}@{name}")

    def commit_key(self, sha: str) -> str:
        """The key of a commit, which is no document: an alias of what brought it."""
        return bounded_key(f"{self.repository}@{sha.lower()}")


def place_of(message: Message, full_name: str) -> Place:
    """Where a delivery's objects are."""
    return Place(message.scope, name_of(message, full_name))


def name_of(told: Message | Lookup, full_name: str) -> str:
    """A repository's name. One that is another connection's is not believed: the repository then
    goes by the name that its own connection knows.
    """
    own = told.connection.get("repoFullName")
    return own if full_name.lower() in told.taken and isinstance(own, str) else full_name


def wire(kind: str) -> str:
    """The kind as metadata spells it: `pull-request` for `pull_request`."""
    return kind.replace("_", "-")


def login(user: User | None) -> str | None:
    """Who it was. An account that is gone is `ghost` in REST, and null in GraphQL."""
    return None if user is None or user.login == _NOBODY else user.login


def in_order(names: Iterable[str | None]) -> list[JSON]:
    """GitHub lists them in no order that means anything."""
    return [*sorted({name for name in names if name is not None})]


def told(time: datetime | None) -> str | None:
    return iso(time) if time else None


def present(fields: dict[str, JSON]) -> dict[str, JSON]:
    """An absent optional field is left out and never null."""
    return {name: value for name, value in fields.items() if value is not None}
