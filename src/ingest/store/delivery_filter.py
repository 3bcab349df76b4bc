"""Deliveries by what a person asks for: listed, counted, replayed in steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.store.queue_admin import AGAIN, REPLAY_ROWS, SHORT


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; what is None does not matter.

    reason: a part of it, in whichever letters. since, until: of the time of receipt, the second one
    not included. key: the provider's delivery id.
    """

    status: str | None = None
    source_type: str | None = None
    connection_id: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    key: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is asked for."""
        return not self._given()

    @property
    def has_an_index(self) -> bool:
        """Whether the newest of them are found without a look at others."""
        told = self._given().keys()
        return not told or "key" in told or (told == {"status"} and self.status in _UNHAPPY)

    def _given(self) -> dict[str, object]:
        told = {name: getattr(self, name) for name in _HOLDS}
        return {name: value for name, value in told.items() if value is not None}

    def where(self) -> tuple[str, dict[str, object]]:
        """The condition, and what its names stand for."""
        given = self._given()
        return " AND ".join(["true", *(_HOLDS[name] for name in given)]), given


_HOLDS = {
    "status": "status = :status",
    "source_type": "source_type = CAST(:source_type AS source_type)",
    "connection_id": "connection_id = :connection_id",
    "reason": "strpos(lower(coalesce(reason, last_error)), lower(:reason)) > 0",
    "since": "received_at >= :since",
    "until": "received_at < :until",
    "key": "delivery_key = :key",
}


LOOKED_THROUGH = 50_000
"""Ids that a page is looked for in, where no index has what is asked for."""
_UNHAPPY = ("pending", "skipped", "duplicate", "dead")
_IDS = sa.text("SELECT min(id), max(id) FROM lightfast_webhook_deliveries")


def listing(conn: sa.Connection, wanted: DeliveryFilter, *, limit: int) -> list[dict[str, Any]]:
    """The newest of them, without their bodies."""
    return _newest(conn, wanted, "true", {"limit": limit})


def page(
    conn: sa.Connection,
    wanted: DeliveryFilter,
    *,
    limit: int,
    before: int | None = None,
    through: int = LOOKED_THROUGH,
) -> tuple[list[dict[str, Any]], int | None]:
    """The newest with an id below `before`, and the `before` of the next page; None at the end.

    What no index has is looked for among `through` ids: a page may be empty, and more behind it,
    but costs no more than others.
    """
    first, last = conn.execute(_IDS).one()
    if last is None:
        return [], None
    top = last + 1 if before is None else min(before, last + 1)
    bottom = first if wanted.has_an_index else max(first, top - through)
    given = {"limit": limit + 1, "top": top, "bottom": bottom}
    rows = _newest(conn, wanted, "id < :top AND id >= :bottom", given)
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1]["id"]
    return rows, bottom if bottom > first else None


def _newest(
    conn: sa.Connection, wanted: DeliveryFilter, within: str, bounds: dict[str, int]
) -> list[dict[str, Any]]:
    where, given = wanted.where()
    query = sa.text(
        f"SELECT {SHORT} FROM lightfast_webhook_deliveries WHERE {where} AND {within} "
        "ORDER BY id DESC LIMIT :limit"
    )
    return [dict(row) for row in conn.execute(query, {**given, **bounds}).mappings()]


def count(conn: sa.Connection, wanted: DeliveryFilter) -> tuple[int, int]:
    """How many of them are settled, so that they can be replayed, and the highest of their ids."""
    where, given = wanted.where()
    query = sa.text(
        "SELECT count(*), coalesce(max(id), 0) FROM lightfast_webhook_deliveries "
        f"WHERE {where} AND status <> 'pending'"
    )
    rows, last = conn.execute(query, given).one()
    return rows, last


def replay_step(
    conn: sa.Connection, wanted: DeliveryFilter, *, after: int, through: int
) -> tuple[int, int]:
    """One step of replaying them, in the order of ids up to `through`: (how many, the last id).

    Call it with the last id until it says 0: one that ends the same way again a moment later is not
    taken up twice. At most REPLAY_ROWS a step, so that no statement's time-out cuts it.
    """
    where, given = wanted.where()
    query = sa.text(f"""
WITH step AS (
  SELECT id FROM lightfast_webhook_deliveries
  WHERE {where} AND status <> 'pending' AND id > :after AND id <= :through
  ORDER BY id LIMIT :limit FOR NO KEY UPDATE
), done AS (
  UPDATE lightfast_webhook_deliveries SET {AGAIN} WHERE id IN (SELECT id FROM step)
)
SELECT count(*), max(id) FROM step
""")
    told = {**given, "after": after, "through": through, "limit": REPLAY_ROWS}
    replayed, last = conn.execute(query, told).one()
    return replayed, last or after
