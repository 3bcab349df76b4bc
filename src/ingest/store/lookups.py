"""The SQL of look-ups: asked for, claimed under a lease, put off, finished.

One row for each object and connection. A request that comes while its look-up runs is counted, and
looked up once more: what runs may have read before that event. Lock order: documents, look-ups (by
connection and object), deliveries.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.changes import Refresh
from ingest.core.errors import LeaseLost
from ingest.core.identity import object_id
from ingest.core.values import JSON
from ingest.store.claiming import LEASE_S
from ingest.store.rows import as_json

GRACE_S = 4.0
"""How long a lease that ran out is left to its owner."""
EACH = 4
"""Of one connection at a time, however many workers: a slow provider leaves room for the others."""
EACH_BACKGROUND = 2
"""Of these, look-ups that nobody waits for."""

FIRST_S = 0.2
"""How long a look-up waits for further events where its connection was quiet: those of one doing
come so close together."""
RECENT_S = 2.0
"""A connection is quiet that has asked its provider for nothing for so long."""

Wanted = tuple[str, Refresh]
"""A connection's id, and what it has to look up."""


@dataclass(frozen=True, slots=True)
class Urgency:
    """For whom something is looked up.

    background: nobody waits for it. run_id: the sync run that asks, if one does.
    """

    background: bool = False
    run_id: int | None = None


LIVE = Urgency()


@dataclass(frozen=True, slots=True)
class ClaimedLookup:
    """A look-up that a worker holds until its lease runs out.

    object: the identity's hash. fence, sent_at: the database's, from before the first request.
    patient: a 404 is the provider's lag as yet. state: what the last look-up left.
    background: nobody waits for it. run_id: the sync run that asked for it, if one did.
    """

    id: int
    connection_id: str
    object: str
    scope: str
    kind: str
    external_id: str
    hint: Mapping[str, JSON]
    attempts: int
    crashes: int
    fence: int
    sent_at: datetime
    patient: bool
    state: JSON
    told_gone: bool = False
    setbacks: int = 0
    overruns: int = 0
    suspect: bool = False
    background: bool = False
    run_id: int | None = None


# Where somebody waits by now for what nobody waited for, it is due as if nobody else had asked; and
# so it is where it was asked for later on and has not begun: what failed waits as it was told to.
_REQUEST = sa.text("""
INSERT INTO lightfast_lookups AS l
  (connection_id, object, scope, kind, external_id, hint, next_attempt_at, patient_until,
   told_gone, background, run_id)
SELECT r.connection_id, r.object, r.scope, r.kind, r.external_id, r.hint,
       now() + make_interval(secs => CASE WHEN last.at > now() - make_interval(secs => :recent_s)
                                          THEN r.gather_s ELSE r.first_s END),
       now() + make_interval(secs => r.patience_s), r.told_gone, r.background, r.run_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  connection_id varchar, object uuid, scope text, kind varchar, external_id text, hint jsonb,
  first_s double precision, gather_s double precision, patience_s double precision,
  told_gone boolean, background boolean, run_id bigint)
LEFT JOIN LATERAL (
  SELECT a.at FROM lightfast_lookup_attempts a WHERE a.connection_id = r.connection_id
  ORDER BY a.id DESC LIMIT 1
) last ON true
ORDER BY r.connection_id, r.object
ON CONFLICT (connection_id, object) DO UPDATE
  SET asked = l.asked + 1, hint = l.hint || excluded.hint,
      patient_until = greatest(l.patient_until, excluded.patient_until),
      told_gone = l.told_gone OR excluded.told_gone,
      background = l.background AND excluded.background,
      run_id = coalesce(excluded.run_id, l.run_id),
      next_attempt_at = CASE WHEN (l.background AND NOT excluded.background)
                               OR (l.attempts = 0 AND l.last_error IS NULL)
                             THEN least(l.next_attempt_at, excluded.next_attempt_at)
                             ELSE l.next_attempt_at END
RETURNING id, connection_id, CAST(object AS text) AS object, asked
""")
_WAIT = sa.text("""
INSERT INTO lightfast_lookup_waiters AS w (lookup_id, delivery_id, asked, events, tellers)
SELECT r.lookup_id, r.delivery_id, r.asked, r.events, r.tellers
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  lookup_id bigint, delivery_id bigint, asked bigint, events jsonb, tellers jsonb)
ON CONFLICT (lookup_id, delivery_id) DO UPDATE
  SET asked = excluded.asked, events = excluded.events, tellers = excluded.tellers
""")
# Due, of connections that are active and that their provider has not asked to wait; of each as many
# as are not running yet, first those that somebody waits for. Two claims at once may go over that
# by what they both see free. Connection by connection, so that a hundred thousand look-ups of one
# cost no more than four. First come those of whom the fewest run, and of as few any: by age alone,
# a few with long queues are the only ones.
_CLAIM = sa.text("""
WITH running AS (
  SELECT connection_id, count(*) AS held, count(*) FILTER (WHERE background) AS behind
  FROM lightfast_lookups
  WHERE lease_until IS NOT NULL AND lease_until >= now() GROUP BY connection_id
), room AS (
  SELECT s.id, coalesce(r.held, 0) AS held, greatest(:each - coalesce(r.held, 0), 0) AS live,
         CASE WHEN c.rests_until > now() THEN 0
              ELSE greatest(:each_background - coalesce(r.behind, 0), 0) END AS background
  FROM lightfast_connected_sources s
  LEFT JOIN running r ON r.connection_id = s.id
  LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id
  WHERE s.is_active AND (c.held_until IS NULL OR c.held_until <= now())
), due AS (
  SELECT d.id, d.background, room.held + row_number() OVER (
    PARTITION BY room.id ORDER BY d.background, d.next_attempt_at, d.id) AS place
  FROM room CROSS JOIN LATERAL (
    (SELECT l.id, l.background, l.next_attempt_at FROM lightfast_lookups l
     WHERE l.connection_id = room.id AND NOT l.background AND l.next_attempt_at <= now()
       AND (l.lease_until IS NULL OR l.missed_at < now() - make_interval(secs => :grace_s))
     ORDER BY l.next_attempt_at, l.id LIMIT room.live)
    UNION ALL
    (SELECT l.id, l.background, l.next_attempt_at FROM lightfast_lookups l
     WHERE l.connection_id = room.id AND l.background AND l.next_attempt_at <= now()
       AND (l.lease_until IS NULL OR l.missed_at < now() - make_interval(secs => :grace_s))
     ORDER BY l.next_attempt_at, l.id LIMIT least(room.background, room.live))
  ) d
), placed AS (
  SELECT id, background, row_number() OVER (
    PARTITION BY background ORDER BY place, random()) AS nth
  FROM due WHERE place <= :each
), chosen AS (
  SELECT l.id FROM lightfast_lookups l
  WHERE l.id IN (SELECT id FROM placed WHERE NOT background OR nth <= :background
                 ORDER BY background, nth LIMIT :limit)
    AND (l.lease_until IS NULL OR l.missed_at < now() - make_interval(secs => :grace_s))
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE lightfast_lookups l
SET taken = asked, attempts = attempts + 1, missed_at = NULL, lone = false,
    crashes = crashes + CASE WHEN lone AND lease_until IS NOT NULL THEN 1 ELSE 0 END,
    suspect = suspect OR lease_until IS NOT NULL, lease_token = :token,
    lease_until = now() + make_interval(secs => :lease_s)
FROM chosen WHERE l.id = chosen.id
RETURNING l.id, l.connection_id, CAST(l.object AS text), l.scope, l.kind, l.external_id, l.hint,
          l.attempts, l.crashes, nextval('lightfast_fences'), clock_timestamp(),
          l.patient_until > now(),
          (SELECT s.state FROM lightfast_lookup_states s
           WHERE s.connection_id = l.connection_id AND s.object = l.object),
          l.told_gone, l.setbacks, l.overruns, l.suspect, l.background, l.run_id
""")
_MISS = sa.text("""
UPDATE lightfast_lookups SET missed_at = now()
WHERE id IN (SELECT id FROM lightfast_lookups
             WHERE lease_until IS NOT NULL AND lease_until < now() AND missed_at IS NULL
             ORDER BY connection_id, object FOR NO KEY UPDATE SKIP LOCKED)
""")
_ALONE = sa.text("UPDATE lightfast_lookups SET lone = true WHERE id = :id AND lease_token = :token")
_RENEW = sa.text("""
UPDATE lightfast_lookups
SET lease_until = now() + make_interval(secs => :lease_s), missed_at = NULL
WHERE id IN (SELECT id FROM lightfast_lookups
             WHERE id = ANY(CAST(:ids AS bigint[])) AND lease_token = :token
             ORDER BY connection_id, object FOR NO KEY UPDATE)
""")
# As if it had not been claimed; that it took a worker down stays known.
_RELEASE = sa.text("""
UPDATE lightfast_lookups
SET attempts = greatest(attempts - 1, 0), lease_until = NULL, lease_token = NULL
WHERE id = ANY(CAST(:ids AS bigint[])) AND lease_token = :token
""")
# By the trace that the request of a waiting delivery began (`core.tracing`).
_TRACES = sa.text("""
SELECT w.lookup_id, d.headers->>'traceparent' FROM lightfast_lookup_waiters w
JOIN lightfast_webhook_deliveries d ON d.id = w.delivery_id
WHERE w.lookup_id = ANY(CAST(:ids AS bigint[])) AND d.headers->>'traceparent' IS NOT NULL
ORDER BY w.lookup_id, w.delivery_id LIMIT :limit
""")
MOST_TRACES = 500
"""Of all look-ups of one claim."""
# Uncounted attempts are those for which the object is not to blame.
_PUT_OFF = sa.text("""
UPDATE lightfast_lookups l
SET lease_until = NULL, lease_token = NULL, crashes = 0, suspect = false, lone = false,
    last_error = r.error,
    attempts = CASE WHEN r.counted THEN l.attempts ELSE greatest(l.attempts - 1, 0) END,
    setbacks = l.setbacks + CASE WHEN r.setback THEN 1 ELSE 0 END,
    overruns = l.overruns + CASE WHEN r.overrun THEN 1 ELSE 0 END,
    next_attempt_at = now() + make_interval(secs => r.delay_s)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id bigint, delay_s double precision, error text, counted boolean, setback boolean,
  overrun boolean)
WHERE l.id = r.id AND coalesce(l.lease_token = :token, false)
""")
_HELD = sa.text("""
SELECT id FROM lightfast_lookups
WHERE id = ANY(CAST(:ids AS bigint[])) AND lease_token = :token
ORDER BY connection_id, object FOR UPDATE
""")


def request(
    conn: sa.Connection,
    wanted: Iterable[Wanted],
    gather_s: Mapping[str, float],
    urgency: Urgency = LIVE,
) -> dict[tuple[str, str], Any]:
    """Ask for objects, all of them for somebody; see `request_each`."""
    return request_each(conn, ((one, urgency) for one in wanted), gather_s)


def request_each(
    conn: sa.Connection,
    wanted: Iterable[tuple[Wanted, Urgency]],
    gather_s: Mapping[str, float],
) -> dict[tuple[str, str], Any]:
    """Ask for objects, each once and in one order; by (connection id, object) its `id` and `asked`.

    `gather_s`: by source type, how many seconds a look-up waits for further events of its object;
    where its connection has asked for nothing of late, FIRST_S will do.
    What somebody waits for already stays so; the last sync run that asked for an object is kept,
    but for what it shall not wait for (`after_s`).
    """
    unique: dict[tuple[str, str], tuple[Wanted, Urgency]] = {}
    for one in wanted:
        key = one[0][0], object_id(one[0][1].identity)
        unique[key] = _both(unique[key], one) if key in unique else one
    if not unique:
        return {}

    def gather(refresh: Refresh) -> float:
        return gather_s.get(refresh.identity.source_type, 0.0)

    rows = as_json(
        {
            "connection_id": connection_id,
            "object": object_,
            "scope": refresh.identity.scope,
            "kind": refresh.identity.kind,
            "external_id": refresh.identity.id,
            "hint": dict(refresh.hint),
            "first_s": max(min(gather(refresh), FIRST_S), refresh.after_s),
            "gather_s": max(gather(refresh), refresh.after_s),
            "patience_s": refresh.patience_s,
            "told_gone": refresh.gone,
            "background": urgency.background,
            "run_id": None if refresh.after_s else urgency.run_id,
        }
        for (connection_id, object_), ((_, refresh), urgency) in unique.items()
    )
    given = {"rows": rows, "recent_s": RECENT_S}
    return {(row.connection_id, row.object): row for row in conn.execute(_REQUEST, given)}


def _both(one: tuple[Wanted, Urgency], later: tuple[Wanted, Urgency]) -> tuple[Wanted, Urgency]:
    """Two requests of one batch are what two of two batches are."""
    ((connection_id, first), urgency), ((_, second), other) = one, later
    patience_s = max(first.patience_s, second.patience_s)
    hint = {**first.hint, **second.hint}
    gone = first.gone or second.gone
    run_id = urgency.run_id if other.run_id is None else other.run_id
    both = Urgency(urgency.background and other.background, run_id)
    after_s = min(first.after_s, second.after_s)
    merged = replace(first, hint=hint, patience_s=patience_s, gone=gone, after_s=after_s)
    return (connection_id, merged), both


def wait(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let deliveries wait (`lookup_id`, `delivery_id`, `asked`, `events`)."""
    if rows:
        conn.execute(_WAIT, {"rows": as_json(rows)})


def claim(
    conn: sa.Connection,
    *,
    limit: int,
    background: int | None = None,
    each: int = EACH,
    lease_s: float = LEASE_S,
) -> tuple[str, list[ClaimedLookup]]:
    """Take up to `limit` due look-ups, of a connection at most `each` at a time.

    Those that somebody waits for come first; of the others up to `background` (None: as many as
    there is room for), of a connection at most EACH_BACKGROUND at a time, and none while they rest.
    The lease's token, and they. SKIP LOCKED: two claims never wait for one another, and may go over
    `each` by what both see free.
    """
    token = str(uuid.uuid4())
    given = {
        "limit": limit,
        "background": limit if background is None else background,
        "each": each,
        "each_background": min(each, EACH_BACKGROUND),
        "lease_s": lease_s,
        "token": token,
        "grace_s": min(GRACE_S, max(lease_s, 0.0)),
    }
    conn.execute(_MISS)
    return token, [ClaimedLookup(*row) for row in conn.execute(_CLAIM, given)]


def set_alone(conn: sa.Connection, token: str, lookup_id: int) -> None:
    """Nothing else runs beside it: were its worker to go down now, it would be its doing."""
    conn.execute(_ALONE, {"id": lookup_id, "token": token})


def renew(conn: sa.Connection, token: str, ids: Collection[int], lease_s: float = LEASE_S) -> None:
    """Let the lease of what is still looked up last `lease_s` seconds from now; of ours alone."""
    conn.execute(_RENEW, {"ids": list(ids), "token": token, "lease_s": lease_s})


def traces(conn: sa.Connection, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The traceparents of the deliveries that wait for these look-ups, the oldest first."""
    found: dict[int, tuple[str, ...]] = {}
    for id_, traceparent in conn.execute(_TRACES, {"ids": list(ids), "limit": MOST_TRACES}):
        found[id_] = (*found.get(id_, ()), traceparent)
    return found


def release(conn: sa.Connection, token: str, ids: Collection[int]) -> None:
    """Let go of what was claimed and not begun; it is due as before."""
    if ids:
        conn.execute(_RELEASE, {"ids": list(ids), "token": token})


def put_off(conn: sa.Connection, token: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let go (`id`, `delay_s`, `error`, `counted`, `setback`, `overrun`); they are due after their
    delay.
    """
    if rows:
        conn.execute(_HELD, {"ids": [row["id"] for row in rows], "token": token})
        conn.execute(_PUT_OFF, {"rows": as_json(rows), "token": token})


def require_held(conn: sa.Connection, token: str, ids: Collection[int]) -> None:
    """Raise `LeaseLost` unless all of them are still ours; locks them until the commit."""
    held = conn.execute(_HELD, {"ids": list(ids), "token": token}).all()
    if len(held) < len(ids):
        raise LeaseLost(f"{len(ids) - len(held)} of {len(ids)} look-ups belong to another worker")
