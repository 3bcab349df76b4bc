"""Ends look-ups: what was seen is applied, with the deliveries that waited for it, or put off.

One transaction for a batch of them: documents, the waiting deliveries' events, their verdicts. What
a provider's refusal means (promise 10) is decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sqlalchemy as sa
import structlog

from ingest.core.canonical import clean
from ingest.core.changes import Change, Delete, Refresh
from ingest.core.errors import (
    BadSettings,
    PermanentError,
    Raced,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.identity import Identity
from ingest.core.ranks import Seen
from ingest.core.retry import delay_s
from ingest.core.values import JSON
from ingest.flows import apply as applying
from ingest.flows import asking, binding, directory
from ingest.flows.apply import Work
from ingest.flows.drafts import StoreConfig
from ingest.flows.words import weigh
from ingest.sources.contract import Sight
from ingest.sources.registry import source
from ingest.store import conditions, connections, deliveries, events, lookups
from ingest.store.connections import Connection
from ingest.store.deliveries import Verdict
from ingest.store.engine import BadRow, MissingRow, transaction
from ingest.store.events import Event
from ingest.store.lookups import Claimed, Waiter

log = structlog.get_logger(__name__)

RACES = 5
AGAIN_S = 2.0
PATIENT_S = 5.0
LONGEST_HOLD_S = 2 * 3600.0
MOST_SAID = 2_000

Kind = Literal["seen", "gone", "hopeless", "put_off", "refused", "limited"]


@dataclass(frozen=True, slots=True)
class Landing:
    """What a look-up came to.

    seen, gone: it ends with its `words`, and asks for `asks`; `more` of it is to be read.
    hopeless: it ends with `error`, and so do the deliveries that waited for it.
    put_off, refused, limited: it goes on later, after `wait_s`; `error` says why.
    problem, mended: as its sight says.
    """

    kind: Kind
    words: tuple[Callable[[StoreConfig], Work], ...] = ()
    asks: tuple[Refresh, ...] = ()
    state: JSON = None
    more: bool = False
    error: str = ""
    wait_s: float = 0.0
    counted: bool = True
    problem: str | None = None
    mended: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A look-up with its connection and its outcome."""

    claimed: Claimed
    connection: Connection
    landing: Landing
    token_id: int = 0


def seen(
    said: Sequence[Change | Refresh], sight: Sight, connection: Connection, claimed: Claimed
) -> Landing:
    """The object, as its source reads it; weighed here, so that what cannot be ends it alone."""
    changes = tuple(one for one in said if not isinstance(one, Refresh))
    asks = tuple(one for one in said if isinstance(one, Refresh))
    words = _weighed(connection, claimed, changes)
    landing = Landing("seen", words, asks, sight.state, sight.more)
    return replace(landing, problem=sight.problem, mended=sight.mended)


def gone(identity: Identity, sight: Sight, connection: Connection, claimed: Claimed) -> Landing:
    """Nothing is there, and the parent is proven readable: the last known version is deleted."""
    deletion = Delete(identity, version=None, final=claimed.told_gone)
    words = _weighed(connection, claimed, (deletion,))
    return Landing("gone", words, state=sight.state)


def _weighed(
    connection: Connection, claimed: Claimed, changes: Collection[Change]
) -> tuple[Callable[[StoreConfig], Work], ...]:
    return tuple(weigh(source(connection.source_type), connection, changes, Seen(claimed.fence)))


def hopeless(error: str) -> Landing:
    """It will fail the same way for ever."""
    return Landing("hopeless", error=error)


def failed(error: BaseException, claimed: Claimed) -> Landing:
    """What a look-up's error means; a fault of our own is permanent until it is mended.

    A wrong setting of this worker (a key, a proxy) is nobody's end: it goes on once that is right.
    """
    said = clean(str(error))[:MOST_SAID]
    if isinstance(error, Refused):
        return Landing("refused", error=said, counted=False)
    if isinstance(error, RateLimited):
        return Landing("limited", error=said, wait_s=_held_s(error, claimed), counted=False)
    if isinstance(error, TransientError | BadSettings):
        told_s = error.retry_after_s if isinstance(error, TransientError) else None
        wait_s = delay_s(claimed.attempts, told_s=told_s)
        return Landing("put_off", error=said, wait_s=wait_s)
    if isinstance(error, PermanentError):
        return hopeless(said)
    log.error("look_up_failed_unexpectedly", kind=claimed.kind, exc_info=error)
    return hopeless(f"client fault: {type(error).__name__}; replay it once the client is mended")


def _held_s(error: RateLimited, claimed: Claimed) -> float:
    told_s = error.retry_after_s
    wait_s = delay_s(claimed.attempts) if told_s is None else told_s
    return min(max(wait_s, AGAIN_S), LONGEST_HOLD_S)


def land(engine: sa.Engine, token: str, batch: Sequence[Ended]) -> Counter[str]:
    """Bring look-ups to their end, or put them off; how many of each kind."""
    patient = [_patiently(ended) for ended in batch]
    try:
        keys = _commit(engine, token, patient)
    except MissingRow as error:
        _give_back(engine, token, patient, str(error))
        return Counter()
    except BadRow as error:
        if len(patient) > 1:
            middle = len(patient) // 2
            halves = patient[:middle], patient[middle:]
            return land(engine, token, halves[0]) + land(engine, token, halves[1])
        if patient[0].landing.kind == "hopeless":
            raise
        ended = replace(patient[0], landing=hopeless(clean(str(error))))
        return land(engine, token, [ended])
    except TransientError as error:
        log.warning("look_ups_given_back", look_ups=len(patient), error=str(error))
        _give_back(engine, token, patient, str(error))
        return Counter()
    binding.bind(engine, keys)
    return Counter(ended.landing.kind for ended in patient)


def _patiently(ended: Ended) -> Ended:
    """What is not there yet is asked for again, as long as its event was patient about it; and so
    is what is still there although it was told to be gone.
    """
    lagging = "seen" if ended.claimed.told_gone else "gone"
    if ended.landing.kind != lagging or not ended.claimed.patient:
        return ended
    said = "is still shown" if ended.claimed.told_gone else "not readable yet"
    waits = Landing("put_off", error=said, wait_s=PATIENT_S)
    return replace(ended, landing=waits)


def _commit(
    engine: sa.Engine, token: str, batch: Sequence[Ended]
) -> frozenset[tuple[str, str, str]]:
    for attempt in range(RACES):
        try:
            with transaction(engine) as conn:
                return _end(conn, token, batch)
        except Raced:
            if attempt == RACES - 1:
                raise
    raise Raced("the batch lost every race")


def _give_back(engine: sa.Engine, token: str, batch: Sequence[Ended], error: str) -> None:
    """Uncounted; where even that fails, the lease runs out."""
    try:
        with transaction(engine, durable=False) as conn:
            rows = [
                _later(e.claimed, Landing("put_off", error=error, counted=False)) for e in batch
            ]
            lookups.put_off(conn, token, rows)
    except (BadRow, TransientError) as failure:
        log.warning("look_ups_not_given_back", look_ups=len(batch), error=str(failure))


def _end(
    conn: sa.Connection, token: str, batch: Sequence[Ended]
) -> frozenset[tuple[str, str, str]]:
    ending = [e for e in batch if e.landing.kind in ("seen", "gone", "hopeless")]
    later = [e for e in batch if e not in ending]
    for ended in sorted(later, key=_order):
        _judge(conn, ended)
    applied = applying.apply(conn, _work(conn, ending))
    lookups.require_held(conn, token, [e.claimed.id for e in ending])
    lookups.keep(conn, [_state(e) for e in ending if e.landing.state is not None])
    for ended in sorted(ending, key=_order):
        _show(conn, ended)
    lookups.once_more(conn, [e.claimed.id for e in ending if e.landing.more])
    hopeless_ids = {e.claimed.id for e in ending if e.landing.kind == "hopeless"}
    done = [e.claimed.id for e in ending if not e.landing.more]
    waiters = lookups.finish(conn, done, hopeless_ids)
    asking.request(conn, [a for e in ending for a in _asks(e)])
    deliveries.end_waiting(conn, _verdicts(conn, ending, waiters))
    lookups.put_off(conn, token, [_later(e.claimed, e.landing) for e in later])
    return applied.keys


def _work(conn: sa.Connection, ending: Sequence[Ended]) -> list[Work]:
    """What was seen, for each store that the connection feeds by now."""
    telling = [e for e in ending if e.landing.words]
    book = directory.read(conn, {e.connection.id for e in telling}, ())
    return [
        word(store)
        for ended in telling
        for store in book.stores.get(ended.connection.id, ())
        for word in ended.landing.words
    ]


def _asks(ended: Ended) -> list[asking.Ask]:
    found = source(ended.connection.source_type)
    return [asking.ask(found, ended.connection.id, one) for one in ended.landing.asks]


def _state(ended: Ended) -> dict[str, Any]:
    claimed = ended.claimed
    return {
        "connection_id": claimed.connection_id,
        "object": claimed.object,
        "state": ended.landing.state,
    }


def _later(claimed: Claimed, landing: Landing) -> dict[str, Any]:
    wait_s = max(landing.wait_s, 0.0 if landing.kind == "refused" else AGAIN_S)
    return {
        "id": claimed.id,
        "delay_s": wait_s,
        "error": landing.error,
        "counted": landing.counted,
    }


def _order(ended: Ended) -> tuple[str, bool]:
    """One order of locks: connections first, each before its condition."""
    return ended.connection.id, ended.landing.kind != "refused"


def _judge(conn: sa.Connection, ended: Ended) -> None:
    """What the provider thinks of the whole connection."""
    if ended.landing.kind == "refused":
        log.warning("connection_refused", connection=ended.connection.id)
        token_id, error = ended.token_id, ended.landing.error
        conditions.refuse(conn, ended.connection.id, error, token_id=token_id)
    elif ended.landing.kind == "limited":
        conditions.hold(conn, ended.connection.id, ended.landing.wait_s)


def _show(conn: sa.Connection, ended: Ended) -> None:
    """What a person has to mend, which hinders nothing else."""
    connection_id, landing = ended.connection.id, ended.landing
    if landing.mended is not None:
        conditions.unflag(conn, connection_id, landing.mended)
    if landing.problem is not None:
        log.warning("connection_has_a_problem", connection=connection_id)
        conditions.flag(conn, connection_id, landing.problem)


@dataclass(slots=True)
class _Waited:
    """A delivery that ends now: its events, and the worst of what its look-ups came to."""

    events: Sequence[Mapping[str, Any]]
    errors: list[str] = field(default_factory=list)
    gone: bool = False


def _verdicts(
    conn: sa.Connection, ending: Sequence[Ended], waiters: Sequence[Waiter]
) -> list[Verdict]:
    """Record the waiting deliveries' events; each delivery's end."""
    landings = {e.claimed.id: e.landing for e in ending}
    waited: dict[int, _Waited] = {}
    for waiter in waiters:
        one = waited.setdefault(waiter.delivery_id, _Waited(waiter.events))
        landing = landings[waiter.lookup_id]
        if landing.kind == "hopeless":
            one.errors.append(landing.error)
        one.gone |= landing.kind == "gone"
    recorded = [event for one in waited.values() if not one.errors for event in one.events]
    stores = connections.stores(conn, {event["store_id"] for event in recorded})
    told = {
        event["id"]: Event(**event, status="processed")
        for event in recorded
        if event["store_id"] in stores  # one that was deleted meanwhile has no log any more
    }
    news = events.record(conn, list(told.values()))
    return [_verdict(id_, one, news) for id_, one in sorted(waited.items())]


def _verdict(delivery_id: int, waited: _Waited, news: set[str]) -> Verdict:
    if waited.errors:
        return Verdict(delivery_id, "dead", waited.errors[0])
    if waited.events and news.isdisjoint(event["id"] for event in waited.events):
        return Verdict(delivery_id, "duplicate", "the event is recorded already")
    reason = "looked up: it is gone" if waited.gone else "looked up"
    return Verdict(delivery_id, "processed", reason)
