"""Which deliveries a worker takes next, under a lease: the oldest first, but of each lane its
share, and what is dear by itself.

A lane is whom a delivery is for. Where more is due than one batch holds, all lanes are looked up,
and the batch is filled from all of them in turn, by bytes, beginning with any: a flood delays
nobody but its sender, and neither do floods of many. A delivery is dear that is large, or that the
database gave up for its cost: those are taken by themselves, and only by a caller that wants them,
so that a process has a hand for the others.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.lean import lean
from ingest.store.dialect import BINARY

LEASE_S = 30.0
LEASE_S_PER_MIB = 5.0
"""A lease grows with the batch's bytes, so that a huge text does not outlive it."""
DEAR_LEASE_S = 120.0
"""So much longer for what is dear: two statements may take all of their time."""
DEAR_BYTES = 2**20
TRIED_TOGETHER = 16
"""Of what the database gave up once, in a batch of such; what it gave up twice stands alone."""
GRACE_S = 4.0
"""How long, at most, a lease that ran out is left to its owner: one who lives, and only could not
reach the database, renews it or gives the rows back as soon as he can."""
LANES = 256
"""So many that have something due are looked at in one claim, from anywhere among them."""
PROBES = 4_096
"""Lanes that are asked at most whether they have: most may wait for a paused connection."""
_ROW_BYTES = 2_048  # what a delivery costs beside its body, in the reckoning of shares


@lean
class ClaimedDelivery:
    """A delivery that this worker holds until its lease runs out; the columns of its row.

    connection_id: None for the app-wide route, where the payload says whose it is.
    body: the raw bytes as they were signed.
    attempts: claims, this one included.
    lone_crashes: claims that ended with their worker, with nothing else in its batch.
    body_hash: SHA-256 of the body without the fields that change on each attempt.
    setbacks, overruns: see `retry`.
    """

    id: int
    source_type: str
    connection_id: str | None
    delivery_key: str
    headers: Mapping[str, str]
    body: bytes
    attempts: int
    lone_crashes: int
    received_at: datetime
    body_hash: bytes = b""
    setbacks: int = 0
    overruns: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim got, and for how many seconds.

    `full` says that more is probably waiting; `suspects` that rows are due which have a crash
    behind them, so that each is to be claimed by one who is alone; `dear` that this one is.
    """

    token: str
    rows: tuple[ClaimedDelivery, ...]
    full: bool = False
    suspects: bool = False
    dear: bool = False
    lease_s: float = LEASE_S


_SHOWN = (
    "id, lane, octet_length(body) AS size, overruns, suspect OR lease_until IS NOT NULL AS suspect,"
    " lease_until IS NOT NULL AND missed_at IS NULL AS missed"
)
_IS_DUE = """
  status = 'pending' AND next_attempt_at <= now() AND (lease_until IS NULL OR (
    lease_until < now()
    AND (missed_at IS NULL OR missed_at < now() - make_interval(secs => :grace_s))))
  AND (:dear OR (octet_length(body) <= :dear_bytes AND overruns = 0))
"""
# SKIP LOCKED: two workers never wait for one another's claims. A row whose lease ran out a while
# ago has a crash behind it; it comes first because its time is the oldest.
_DUE = sa.text(f"""
SELECT {_SHOWN} FROM lightfast_webhook_deliveries
WHERE {_IS_DUE}
ORDER BY next_attempt_at, id LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED
""")
# One probe of the index for each lane, however many rows it has: the first is due soonest.
_LANES = sa.text("""
WITH RECURSIVE lanes(lane, due_at, place) AS (
  (SELECT lane, next_attempt_at, 1 FROM lightfast_webhook_deliveries
   WHERE status = 'pending' AND lane >= :start ORDER BY lane, next_attempt_at LIMIT 1)
  UNION ALL
  SELECT d.lane, d.next_attempt_at, l.place + 1
  FROM lanes l CROSS JOIN LATERAL (
    SELECT lane, next_attempt_at FROM lightfast_webhook_deliveries
    WHERE status = 'pending' AND lane > l.lane ORDER BY lane, next_attempt_at LIMIT 1
  ) d
  WHERE l.place < :probes
)
SELECT lane FROM lanes WHERE due_at <= now() LIMIT :most
""")
_DUE_OF_LANES = sa.text(f"""
SELECT d.* FROM unnest(CAST(:lanes AS varchar[])) AS l(lane)
CROSS JOIN LATERAL (
  SELECT {_SHOWN} FROM lightfast_webhook_deliveries
  WHERE lane = l.lane AND {_IS_DUE}
  ORDER BY next_attempt_at, id LIMIT :each
  FOR NO KEY UPDATE SKIP LOCKED
) d
""")
_MISS = sa.text("""
UPDATE lightfast_webhook_deliveries SET missed_at = now() WHERE id = ANY(CAST(:ids AS bigint[]))
""")
_CLAIM = sa.text("""
UPDATE lightfast_webhook_deliveries
SET missed_at = NULL, attempts = attempts + 1,
    lone_crashes = lone_crashes + CASE WHEN lone AND lease_until IS NOT NULL THEN 1 ELSE 0 END,
    suspect = suspect OR lease_until IS NOT NULL, lone = :lone, lease_token = :token,
    lease_until = now() + make_interval(secs => :lease_s)
WHERE id = ANY(CAST(:ids AS bigint[]))
RETURNING id, CAST(source_type AS text), connection_id, delivery_key, headers, body, attempts,
          lone_crashes, received_at, body_hash, setbacks, overruns
""")
# SKIP LOCKED: what its own transaction ends in this moment needs no lease any more.
_RENEW = sa.text("""
UPDATE lightfast_webhook_deliveries
SET lease_until = now() + make_interval(secs => :lease_s), missed_at = NULL
WHERE id IN (SELECT id FROM lightfast_webhook_deliveries
             WHERE id = ANY(CAST(:ids AS bigint[])) AND lease_token = :token
             FOR NO KEY UPDATE SKIP LOCKED)
""")


def claim(
    conn: sa.Connection,
    *,
    limit: int,
    max_bytes: int,
    lease_s: float = LEASE_S,
    alone: bool = False,
    dear: bool = True,
    dear_first: bool = False,
) -> Claim:
    """Take due deliveries under a lease, up to `limit` rows and `max_bytes`, and count the attempt.

    Where a row is due that has a crash behind it, nothing is taken but by a caller that is `alone`
    in its process: that one takes this row. Without `dear` what is dear is left to others;
    `dear_first` is for a caller that had something else the last time: of two floods, one of what
    is dear and one of what is not, neither holds up the other.

    The rows are locked FOR NO KEY UPDATE SKIP LOCKED, so two claims never wait for one another; the
    claim counts once its transaction commits, which has to be before the work starts.
    """
    given = {
        "limit": limit,
        "dear": dear,
        "dear_bytes": DEAR_BYTES,
        "grace_s": min(GRACE_S, max(lease_s, 0.0)),
    }
    due: Sequence[sa.Row[Any]] = _not_missed(conn, conn.execute(_DUE, given).all())
    token = str(uuid.uuid4())
    suspects = [row for row in due if row.suspect]
    if suspects and not alone:
        return Claim(token, (), full=True, suspects=True)
    if alone:
        chosen = suspects[:1]
    else:
        is_crowded = len(due) >= limit or _bytes(due) > max_bytes
        if len(due) >= limit:
            due = _with_other_lanes(conn, due, given)
        in_turn = _in_turn(due, is_crowded=is_crowded)
        chosen = _chosen(in_turn, limit, max_bytes, dear_first=dear_first)
    if not chosen:
        return Claim(token, ())
    is_dear = any(map(_is_dear, chosen))
    held_s = _held_s(chosen, lease_s, is_dear=is_dear)
    ids = [row.id for row in chosen]
    taken = {"ids": ids, "token": token, "lone": alone, "lease_s": held_s}
    rows = conn.execute(_CLAIM, taken, execution_options=BINARY)
    claimed = tuple(ClaimedDelivery(*row) for row in sorted(rows))
    full = len(due) >= limit or len(chosen) < len(due)
    return Claim(token, claimed, full, dear=is_dear, lease_s=held_s)


def renew(conn: sa.Connection, token: str, ids: Collection[int], lease_s: float) -> None:
    """Let the lease of what is still worked on last `lease_s` seconds from now.

    What another worker took over by now is left to him, and so is what is just being settled (SKIP
    LOCKED).
    """
    conn.execute(_RENEW, {"ids": list(ids), "token": token, "lease_s": lease_s})


def _not_missed(conn: sa.Connection, due: Sequence[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """Those that may be taken: where a lease has just been found to have run out, it is noted, and
    the row left alone for a while.
    """
    missed = [row.id for row in due if row.missed]
    if missed:
        conn.execute(_MISS, {"ids": missed})
    return [row for row in due if not row.missed]


def _with_other_lanes(
    conn: sa.Connection, due: Sequence[sa.Row[Any]], given: Mapping[str, Any]
) -> Sequence[sa.Row[Any]]:
    start = f"{random.randrange(16**4):04x}"
    bounds = {"start": start, "most": LANES, "probes": PROBES}
    found = conn.execute(_LANES, bounds).scalars().all()
    if len(found) < LANES:
        bounds |= {"start": "", "most": LANES - len(found)}
        first = conn.execute(_LANES, bounds).scalars()
        found = [*dict.fromkeys([*found, *first])]
    if len(found) < 2:
        return due
    each = -(-given["limit"] // len(found))
    others = conn.execute(_DUE_OF_LANES, {**given, "lanes": found, "each": each}).all()
    free = [row for row in others if not row.suspect and not row.missed]
    return [*{row.id: row for row in (*due, *free)}.values()]


def _in_turn(due: Sequence[sa.Row[Any]], *, is_crowded: bool) -> list[sa.Row[Any]]:
    """The rows of all lanes in turn: whoever has had the fewest bytes comes next.

    Where not all find room, any of those who have had as many: were it always the one that waits
    longest, a few with long queues of old rows would be the only ones.
    """
    had: Counter[str] = Counter()
    order = {row.lane: random.random() if is_crowded else 0.0 for row in due}
    placed: list[tuple[int, float, int, sa.Row[Any]]] = []
    for place, row in enumerate(due):
        placed.append((had[row.lane], order[row.lane], place, row))
        had[row.lane] += row.size + _ROW_BYTES
    return [one[-1] for one in sorted(placed, key=lambda one: one[:-1])]


def _held_s(rows: Sequence[sa.Row[Any]], lease_s: float, *, is_dear: bool) -> float:
    """How long the lease of these rows is: by their bytes, and by what may be dear in them."""
    by_bytes_s = LEASE_S_PER_MIB * _bytes(rows) / 2**20
    return lease_s + by_bytes_s + (DEAR_LEASE_S if is_dear else 0.0)


def _bytes(rows: Sequence[sa.Row[Any]]) -> int:
    return sum(row.size for row in rows)


def _is_dear(row: sa.Row[Any]) -> bool:
    return bool(row.size > DEAR_BYTES or row.overruns)


def _stands_alone(row: sa.Row[Any]) -> bool:
    """Of what is dear: whether it is taken with nothing beside it."""
    return bool(row.size > DEAR_BYTES or row.overruns > 1)


def _chosen(
    rows: Sequence[sa.Row[Any]], limit: int, max_bytes: int, *, dear_first: bool
) -> list[sa.Row[Any]]:
    """What is dear where that is first, or wanted first, and else all that is not."""
    head = next((row for row in rows if not dear_first or _is_dear(row)), None)
    if head is None or not _is_dear(head):
        return _within([row for row in rows if not _is_dear(row)], limit, max_bytes)
    if _stands_alone(head):
        return [head]
    alike = [row for row in rows if _is_dear(row) and not _stands_alone(row)]
    return _within(alike, min(limit, TRIED_TOGETHER), max_bytes)


def _within(rows: Sequence[sa.Row[Any]], limit: int, max_bytes: int) -> list[sa.Row[Any]]:
    chosen: list[sa.Row[Any]] = []
    total = 0
    for row in rows[:limit]:
        total += row.size
        if chosen and total > max_bytes:
            break
        chosen.append(row)
    return chosen
