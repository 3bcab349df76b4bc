"""Orders bodies whose time nobody signs: each counts once, at the earliest time that it came with.

The same body may come again, with a later or an earlier time. Later, it says nothing. Earlier, it
was said then: what was made of it moves there, and the deliveries that had to yield to it in
between are processed again. So any order of the same deliveries ends in the same rows
(docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.identity import document_id, object_id
from ingest.core.ranks import version_of, with_version
from ingest.flows.documents.subjects import StoreStatement
from ingest.store import feeds, ledger, queue_admin, unsigned_times
from ingest.store.unsigned_times import Key, UnsignedTime


@dataclass(frozen=True, slots=True)
class Share:
    """What one body says in one store, told by one connection.

    `fact` is a UUID of the body's digest; `said` is never empty.
    """

    connection_id: str
    fact: str
    delivery_id: int
    said: Sequence[StoreStatement]

    @property
    def key(self) -> Key:
        """What repetitions of one body have in common: connection and fact."""
        return self.connection_id, self.fact

    @property
    def version(self) -> str:
        """When its sender says that it was said: the first part of its newest rank."""
        return max(version_of(statement.rank) for _, statement in self.said)

    def row(self) -> UnsignedTime:
        """As the table of unsigned times holds it."""
        thing = object_id(self.said[0][1].change.identity)
        return UnsignedTime(self.connection_id, self.fact, self.version, thing, self.delivery_id)


def repeated(conn: sa.Connection, shares: Sequence[Share]) -> list[bool]:
    """Which of the shares say nothing, for they were said earlier; one answer for each share.

    To be called in the transaction that applies the others, before it does: it locks what is known
    of these bodies until the commit, moves what was made of one that is now known to be earlier,
    and makes the deliveries pending that have to be processed again.
    """
    earliest: dict[Key, Share] = {}
    for share in shares:
        known = earliest.get(share.key)
        if known is None or share.version < known.version:
            earliest[share.key] = share
    before = unsigned_times.tell(conn, [share.row() for share in earliest.values()])
    for key, known_at in before.items():
        first = earliest[key]
        if first.version < known_at:
            for share in shares:
                if share.key == key and share.version == first.version:
                    _move(conn, share, known_at)
            yielded = unsigned_times.between(conn, first.row(), before=known_at)
            queue_admin.replay(conn, yielded)
    return [
        share.version > min(earliest[share.key].version, before.get(share.key, share.version))
        for share in shares
    ]


def _move(conn: sa.Connection, share: Share, known_at: str) -> None:
    """Give what was made of the body the rank of its earlier time, in the ledger and in feeds."""
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
