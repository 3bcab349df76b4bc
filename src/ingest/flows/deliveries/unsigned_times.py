"""What is told at a time that nobody signs: one body is said once, when it was said first.

It may be heard again, later or earlier than before. Later, it says nothing. Earlier, it was said
then: what was made of it moves there, and whoever had to yield to it in between is heard again. So
any order of the same deliveries ends in the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.identity import document_id, object_id
from ingest.core.ranks import version_of, with_version
from ingest.flows.documents.apply import StoreStatement
from ingest.store import feeds, ledger, queue_admin, sayings
from ingest.store.sayings import Key, Saying


@dataclass(frozen=True, slots=True)
class Share:
    """One body's words for one store."""

    connection_id: str
    fact: str
    delivery_id: int
    said: Sequence[StoreStatement]

    @property
    def key(self) -> Key:
        return self.connection_id, self.fact

    @property
    def version(self) -> str:
        """When its sender says that it was said."""
        return max(version_of(statement.rank) for _, statement in self.said)

    def saying(self) -> Saying:
        thing = object_id(self.said[0][1].change.identity)
        return Saying(self.connection_id, self.fact, self.version, thing, self.delivery_id)


def repeated(conn: sa.Connection, shares: Sequence[Share]) -> list[bool]:
    """Which of the shares say nothing, for they were said earlier; in the transaction that applies
    the others.
    """
    earliest: dict[Key, Share] = {}
    for share in shares:
        known = earliest.get(share.key)
        if known is None or share.version < known.version:
            earliest[share.key] = share
    before = sayings.tell(conn, [share.saying() for share in earliest.values()])
    for key, known_at in before.items():
        first = earliest[key]
        if first.version < known_at:
            for share in shares:
                if share.key == key and share.version == first.version:
                    _move(conn, share, known_at)
            yielded = sayings.between(conn, first.saying(), before=known_at)
            queue_admin.replay(conn, yielded)
    return [
        share.version > min(earliest[share.key].version, before.get(share.key, share.version))
        for share in shares
    ]


def _move(conn: sa.Connection, share: Share, known_at: str) -> None:
    """Lay what was made of the body where it is now known to belong."""
    moves = [
        (
            document_id(statement.change.identity, store.id),
            with_version(statement.rank, known_at),
            statement.rank,
        )
        for store, statement in share.said
        if version_of(statement.rank) == share.version
    ]
    ledger.move(conn, moves)
    feeds.move(conn, share.connection_id, moves)
