"""Where Zendesk's objects stand, and how their times become versions. Performs no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.identity import Identity
from ingest.sources import wire
from ingest.sources.contract import Payload

TICKET, COMMENT, ARTICLE, TRANSLATION = "ticket", "comment", "article", "translation"
"""The kinds of our identities; a translation's id is its article's and its locale: `5:fr`."""
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands: its account, and what the connection says of it."""

    account: str
    subdomain: str
    private_notes: bool = False

    @staticmethod
    def of(account: str, connection: Payload) -> Place:
        subdomain = connection.get("zendeskSubdomain")
        return Place(
            account=account,
            subdomain=subdomain if isinstance(subdomain, str) and subdomain else account,
            private_notes=connection.get("includePrivateNotes") is True,
        )

    @property
    def site(self) -> str:
        return f"https://{self.subdomain}.zendesk.com"

    def identity(self, kind: str, id_: int | str) -> Identity:
        return Identity("zendesk", self.account, kind, str(id_))


def version(told: str, path: str = "ticket.updated_at") -> int:
    """Whole seconds, in microseconds since the epoch: the grain that the API has.

    Were an event's digits below a second kept, a look-up of the same state would seem older.
    """
    micros = wire.version(told, path)
    return micros - micros % _MICROS


def iso(told: str) -> str:
    """A time of Zendesk's as the metadata has it, without what is below a second."""
    return wire.time(told, "updated_at").replace(microsecond=0, tzinfo=None).isoformat() + "Z"
