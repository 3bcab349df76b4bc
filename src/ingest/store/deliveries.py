"""The queue's SQL: raw deliveries are inserted, settled, given back; `claiming` takes them.

A claim commits before the work starts, so attempts are counted even if the worker dies. A row is
settled under its own lease token only, in the transaction that holds its effects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import LeaseLost
from ingest.store.dialect import BytesArray


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified delivery on its way into the queue.

    connection_id: whose route it came by; None for the app-wide one.
    delivery_key: the provider's id, or a hash of the body; with `body_hash` the idempotency key.
    body_hash: SHA-256 of the body without the fields that change on each attempt.
    headers: the kept ones, as the text of a JSON object with names in lower case.
    received_at: by the receiver's clock; freshness and order are judged by it.
    lane: whose share of the queue it is taken from.
    """

    source_type: str
    connection_id: str | None
    delivery_key: str
    body_hash: bytes
    headers: str
    body: bytes
    received_at: datetime
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """A delivery that is due again after `delay_s` seconds."""

    id: int
    delay_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A delivery's end: its terminal status and the reason."""

    id: int
    status: str
    reason: str


# Two receivers may insert the same delivery at once: the unique index decides, not a SELECT.
# DO NOTHING, since DO UPDATE would lock, and so write, every row that is merely sent again.
# Due is never later than now: the receiver's clock may be ahead of the database's.
_INSERT = sa.text("""
INSERT INTO lightfast_webhook_deliveries
  (source_type, connection_id, delivery_key, body_hash, headers, body, received_at,
   lane, next_attempt_at, conflicting)
SELECT a.source_type, a.connection_id, a.delivery_key, a.body_hash, a.headers, a.body,
       a.received_at, a.lane, least(a.received_at, now()),
       a.doubled OR
       EXISTS (SELECT FROM lightfast_webhook_deliveries o
               WHERE o.delivery_key = a.delivery_key AND o.source_type = a.source_type
                 AND o.connection_id IS NOT DISTINCT FROM a.connection_id
                 AND o.body_hash <> a.body_hash)
FROM unnest(CAST(:source_types AS source_type[]), CAST(:connection_ids AS varchar[]),
            CAST(:delivery_keys AS varchar[]), CAST(:body_hashes AS bytea[]),
            CAST(:headers AS jsonb[]), CAST(:bodies AS bytea[]),
            CAST(:received_ats AS timestamptz[]), CAST(:lanes AS varchar[]),
            CAST(:doubled AS boolean[]))
  AS a(source_type, connection_id, delivery_key, body_hash, headers, body, received_at, lane,
       doubled)
ON CONFLICT (delivery_key, connection_id, source_type, body_hash) DO NOTHING
RETURNING id, source_type, connection_id, delivery_key, body_hash
""")

_FIND = sa.text("""
SELECT d.id, d.source_type, d.connection_id, d.delivery_key, d.body_hash,
       d.status IN ('dead', 'skipped') AS ended_badly
FROM unnest(CAST(:source_types AS source_type[]), CAST(:connection_ids AS varchar[]),
            CAST(:delivery_keys AS varchar[]), CAST(:body_hashes AS bytea[]))
  AS a(source_type, connection_id, delivery_key, body_hash)
JOIN lightfast_webhook_deliveries d
  ON d.delivery_key = a.delivery_key AND d.source_type = a.source_type
 AND d.connection_id IS NOT DISTINCT FROM a.connection_id AND d.body_hash = a.body_hash
""")

# A redelivery of a dead or skipped one makes it pending again; of two at once, one does.
_REVIVE = sa.text("""
UPDATE lightfast_webhook_deliveries
SET status = 'pending', attempts = 0, setbacks = 0, overruns = 0, suspect = false,
    lone = false, lone_crashes = 0, reason = NULL, last_error = NULL, settled_at = NULL,
    next_attempt_at = now(), received_at = :received_at
WHERE id = ANY(CAST(:ids AS bigint[])) AND status IN ('dead', 'skipped')
RETURNING id
""")

# A token is taken for rare by the planner, who then joins row by row: 145 ms for a batch, not 16.
# Behind `coalesce` he does not guess.
_SETTLE = sa.text("""
UPDATE lightfast_webhook_deliveries d
SET status = v.status, reason = v.reason, settled_at = now(), lease_until = NULL,
    lease_token = NULL, suspect = false, lone = false,
    last_error = CASE WHEN v.status = 'dead' THEN v.reason ELSE d.last_error END
FROM unnest(CAST(:ids AS bigint[]), CAST(:statuses AS varchar[]), CAST(:reasons AS text[]))
  AS v(id, status, reason)
WHERE d.id = v.id AND coalesce(d.lease_token = :token, false)
""")

# The attempt that the claim counted is taken back: no row is to blame for what the database says.
_GIVE_BACK = sa.text("""
UPDATE lightfast_webhook_deliveries d
SET attempts = greatest(d.attempts - 1, 0),
    setbacks = d.setbacks + CASE WHEN :setback THEN 1 ELSE 0 END,
    overruns = d.overruns + CASE WHEN :overrun THEN 1 ELSE 0 END,
    lease_until = NULL, lease_token = NULL, lone = false,
    next_attempt_at = now() + make_interval(secs => r.delay_s), last_error = :error
FROM unnest(CAST(:ids AS bigint[]), CAST(:delays AS double precision[])) AS r(id, delay_s)
WHERE d.id = r.id AND coalesce(d.lease_token = :token, false)
""")

# Nobody holds what waits for a look-up; one that a worker took up anew will ask again.
_END_WAITING = sa.text("""
UPDATE lightfast_webhook_deliveries d
SET status = v.status, reason = v.reason, settled_at = now(),
    last_error = CASE WHEN v.status = 'dead' THEN v.reason END
FROM unnest(CAST(:ids AS bigint[]), CAST(:statuses AS varchar[]), CAST(:reasons AS text[]))
  AS v(id, status, reason)
WHERE d.id = v.id AND d.status = 'pending' AND d.lease_token IS NULL
""")

_ANYTHING_DUE = sa.text("""
SELECT EXISTS (
  SELECT FROM lightfast_webhook_deliveries
  WHERE status = 'pending' AND next_attempt_at <= now()
    AND (lease_until IS NULL OR lease_until < now()))
""")


def insert(conn: sa.Connection, arrivals: Sequence[Arrival]) -> list[tuple[int, bool]]:
    """Store deliveries in one statement; for each, in the order given: (its id, is it accepted).

    Not accepted is what is known already: another one of the same source, connection, delivery key
    and body hash, in the table or earlier in this call. The unique index decides between two
    receivers at once, never a SELECT; rows go in one order, so that they do not wait in a circle.
    One that ended `dead` or `skipped` is made pending again, and is accepted. The same key with
    another body is kept, and marked as a conflict.
    """
    unique: dict[_Key, Arrival] = {}
    for arrival in sorted(arrivals, key=_order):
        unique.setdefault(_key(arrival), arrival)
    columns = _columns(list(unique.values())) | {"doubled": _doubled(list(unique))}
    ids = {_key(row): row.id for row in conn.execute(_INSERT, columns)}
    accepted = set(ids)
    known = [arrival for key, arrival in unique.items() if key not in ids]
    if known:
        found = conn.execute(_FIND, _columns(known)).all()
        ids.update({_key(row): row.id for row in found})
        accepted |= _revive(conn, [_key(row) for row in found if row.ended_badly], ids, unique)
    answers: list[tuple[int, bool]] = []
    for arrival in arrivals:
        key = _key(arrival)
        answers.append((ids[key], key in accepted))
        accepted.discard(key)
    return answers


def _revive(
    conn: sa.Connection, keys: Sequence[_Key], ids: Mapping[_Key, int], sent: Mapping[_Key, Arrival]
) -> set[_Key]:
    """Make deliveries that ended badly pending again; those that this call made so."""
    if not keys:
        return set()
    given = {"ids": [ids[key] for key in keys], "received_at": sent[keys[0]].received_at}
    revived = set(conn.execute(_REVIVE, given).scalars())
    return {key for key in keys if ids[key] in revived}


def settle(conn: sa.Connection, token: str, verdicts: Sequence[Verdict]) -> None:
    """End deliveries that are held under this lease, with their verdicts.

    Part of the transaction that holds their effects. Raises `LeaseLost` where another worker has
    one of them by now; everything of this attempt has to be rolled back then.
    """
    result = conn.execute(_SETTLE, {**_ends(verdicts), "token": token})
    if result.rowcount != len(verdicts):
        raise LeaseLost(f"{len(verdicts) - result.rowcount} of the batch's leases were taken over")


def end_waiting(conn: sa.Connection, verdicts: Sequence[Verdict]) -> None:
    """Settle deliveries that waited for look-ups, in the transaction that ends the last of those.

    One that a worker holds again is left to him, as he will ask again; so is one that has ended.
    """
    if verdicts:
        conn.execute(_END_WAITING, _ends(verdicts))


def _ends(verdicts: Sequence[Verdict]) -> dict[str, list[int] | list[str]]:
    return {
        "ids": [v.id for v in verdicts],
        "statuses": [v.status for v in verdicts],
        "reasons": [v.reason for v in verdicts],
    }


def give_back(
    conn: sa.Connection,
    token: str,
    rows: Sequence[Later],
    *,
    error: str,
    setback: bool = False,
    overrun: bool = False,
) -> None:
    """Return deliveries that are held under this lease, as if they had not been claimed.

    The attempt is taken back. `error` is what people are shown, at most 2,000 characters of it.
    Where the rows wait for nobody it is counted as a `setback`, and as an `overrun` too where the
    database gave them up for their cost. What another worker has by now is left to him.
    """
    given = {"ids": [row.id for row in rows], "delays": [row.delay_s for row in rows]}
    given |= {"token": token, "error": error[:2000], "setback": setback, "overrun": overrun}
    conn.execute(_GIVE_BACK, given)


def anything_due(conn: sa.Connection) -> bool:
    """Whether a claim would find a row now."""
    return bool(conn.execute(_ANYTHING_DUE).scalar_one())


_Key = tuple[str, str | None, str, bytes]


def _key(row: Arrival | sa.Row[Any]) -> _Key:
    return row.source_type, row.connection_id, row.delivery_key, bytes(row.body_hash)


def _order(arrival: Arrival) -> tuple[str, str, str, bytes]:
    """One order for all receivers: two that insert the same deliveries never wait in a circle."""
    return arrival.delivery_key, arrival.connection_id or "", arrival.source_type, arrival.body_hash


def _doubled(keys: Sequence[_Key]) -> list[bool]:
    """Whether the one before has the same delivery key, and so another body; keys are in order."""
    return [place > 0 and key[:3] == keys[place - 1][:3] for place, key in enumerate(keys)]


def _columns(arrivals: Sequence[Arrival]) -> dict[str, Sequence[object]]:
    return {
        "source_types": [a.source_type for a in arrivals],
        "connection_ids": [a.connection_id for a in arrivals],
        "delivery_keys": [a.delivery_key for a in arrivals],
        "body_hashes": BytesArray(a.body_hash for a in arrivals),
        "headers": [a.headers for a in arrivals],
        "bodies": BytesArray(a.body for a in arrivals),
        "received_ats": [a.received_at for a in arrivals],
        "lanes": [a.lane for a in arrivals],
    }
