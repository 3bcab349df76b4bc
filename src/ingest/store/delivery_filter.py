"""Deliveries by what a person asks for: listed, counted, replayed in steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.store.queue_admin import AGAIN, LARGEST_ID, REPLAY_ROWS, SHORT


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
        led = told <= set(_LEADS) or "key" in told
        return led or (told == {"status"} and self.status in _UNHAPPY)

    @property
    def lead(self) -> str | None:
        """The column whose index has them in the order of their ids: of the narrowest, if any."""
        told = self._given()
        return next((name for name in _LEADS if name in told and "key" not in told), None)

    def _given(self) -> dict[str, object]:
        told = {name: getattr(self, name) for name in _HOLDS}
        return {name: value for name, value in told.items() if value is not None}

    def where(self, *, besides: str | None = None) -> tuple[str, dict[str, object]]:
        """The condition, and what its names stand for; `besides` one column, which the caller holds
        to what was asked.
        """
        given = self._given()
        return " AND ".join(["true", *(_HOLDS[name] for name in given if name != besides)]), given


_HOLDS = {
    "status": "status = :status",
    "source_type": "source_type = CAST(:source_type AS source_type)",
    "connection_id": "connection_id = :connection_id",
    "reason": "strpos(lower(coalesce(reason, last_error)), lower(:reason)) > 0",
    "since": "received_at >= :since",
    "until": "received_at < :until",
    "key": "delivery_key = :key",
}
_LEADS = {"connection_id": ":connection_id", "source_type": "CAST(:source_type AS source_type)"}
"""Columns that lead an index of ids, the narrowest first, and what is asked of each."""


LOOKED_THROUGH = 50_000
"""Ids that a page is looked for in, where no index has what is asked for."""
_UNHAPPY = ("pending", "skipped", "duplicate", "dead")
_IDS = sa.text("SELECT min(id), max(id) FROM lightfast_webhook_deliveries")


def listing(conn: sa.Connection, wanted: DeliveryFilter, *, limit: int) -> list[dict[str, Any]]:
    """The newest of them, without their bodies."""
    return _newest(conn, wanted, {"limit": limit, "top": LARGEST_ID, "bottom": 0})


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
    rows = _newest(conn, wanted, given)
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1]["id"]
    return rows, bottom if bottom > first else None


def _newest(
    conn: sa.Connection, wanted: DeliveryFilter, bounds: dict[str, int]
) -> list[dict[str, Any]]:
    """Those between two ids, the upper one not included.

    Of a source or a connection as a range of its index: asked to be equal and ordered by the id,
    they would be looked for among all that came since the last of them.
    """
    lead = wanted.lead
    where, given = wanted.where(besides=lead)
    within, order = "id < :top AND id >= :bottom", "id DESC"
    if lead is not None:
        asked = _LEADS[lead]
        within = f"{lead} >= {asked} AND {lead} <= {asked} AND {within}"
        order = f"d.{lead} DESC, {order}"
    query = sa.text(
        f"SELECT {SHORT} FROM lightfast_webhook_deliveries d WHERE {where} AND {within} "
        f"ORDER BY {order} LIMIT :limit"
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
