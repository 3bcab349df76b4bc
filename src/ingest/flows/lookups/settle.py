"""Ends look-ups: what was seen is applied, with the deliveries that waited for it, or put off.

One transaction for a batch of them: documents, the waiting deliveries' events, their verdicts; what
is dear is rendered before it begins. What a look-up came to is decided in `outcome`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.bounds import cut_remark
from ingest.core.canonical import clean
from ingest.core.errors import (
    Costly,
    IngestError,
    TransientError,
)
from ingest.core.retry import MAX_OVERRUNS, given_back_s
from ingest.flows.connections import directory
from ingest.flows.connections.directory import Directory
from ingest.flows.documents import apply as applying
from ingest.flows.documents import bind as binding
from ingest.flows.documents import prerender as ahead
from ingest.flows.documents.apply import Applied, Work
from ingest.flows.documents.render import Renders
from ingest.flows.lookups import request as asking
from ingest.flows.lookups.outcome import AGAIN_S, MOST_SAID, Ended, Landing, hopeless, patiently
from ingest.sources.registry import source
from ingest.store import conditions, connections, deliveries, events, lookups
from ingest.store.deliveries import Verdict
from ingest.store.engine import BadRow, MissingRow, transaction
from ingest.store.events import Event
from ingest.store.lookups import Claimed, Waiter
from ingest.store.references import Noted

log = structlog.get_logger(__name__)

MOST_WORDS = 2_000
"""Of one look-up, in one transaction."""


def land(engine: sa.Engine, token: str, batch: Sequence[Ended]) -> Counter[str]:
    """Bring look-ups to their end, or put them off; how many of each kind."""
    patient = [patiently(ended) for ended in batch]
    means = _Means(engine, token, Renders())
    try:
        book = _look_ahead(means, patient)
    except TransientError as error:
        _give_back(means, patient, error)
        return Counter()
    landed: Counter[str] = Counter()
    for part in _parts(means, patient, book):
        landed += _land(means, part)
    return landed


@dataclass(frozen=True, slots=True)
class _Means:
    """What look-ups are ended with."""

    engine: sa.Engine
    token: str
    renders: Renders


def _look_ahead(means: _Means, batch: Sequence[Ended]) -> Directory:
    """Render what was seen; the directory by which that was."""
    telling = [e for e in batch if e.landing.words]
    with transaction(means.engine) as conn:
        book = directory.read(conn, {e.connection.id for e in telling}, ())
    ahead.render(means.engine, [work for e in telling for work in _work(e, book)], means.renders)
    return book


def _parts(means: _Means, batch: Sequence[Ended], book: Directory) -> list[list[Ended]]:
    """What the database gave up before is landed alone, the rest in bounded parts."""
    alone = [[e] for e in batch if e.claimed.overruns]
    others = [e for e in batch if not e.claimed.overruns]
    return [*ahead.parts(others, lambda ended: _work(ended, book), means.renders), *alone]


def _land(means: _Means, batch: Sequence[Ended]) -> Counter[str]:
    """One transaction, or, where a row is at fault, one for each half."""
    try:
        noted = _commit(means, [_all_but_the_last(means, ended) for ended in batch])
    except MissingRow as error:
        _give_back(means, batch, error)
    except BadRow as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            return _land(means, batch[:middle]) + _land(means, batch[middle:])
        if batch[0].landing.kind == "hopeless":
            raise
        return _land(means, [replace(batch[0], landing=hopeless(clean(str(error))))])
    except TransientError as error:
        if isinstance(error, Costly) and _is_too_dear(batch):
            return _land(means, [_too_dear(batch[0], error)])
        log.warning("look_ups_given_back", look_ups=len(batch), error=str(error))
        _give_back(means, batch, error)
    else:
        binding.bind(means.engine, noted)
        return Counter(ended.landing.kind for ended in batch)
    return Counter()


def _all_but_the_last(means: _Means, ended: Ended) -> Ended:
    """What is left of a look-up once its first words are applied, so many in one transaction: a
    branch may lose fifty thousand files at once. Applying them again changes nothing.
    """
    words = ended.landing.words
    while len(words) > MOST_WORDS:
        first = replace(ended.landing, words=words[:MOST_WORDS])
        _commit_words(means, replace(ended, landing=first))
        words = words[MOST_WORDS:]
    return replace(ended, landing=replace(ended.landing, words=words))


def _commit_words(means: _Means, ended: Ended) -> None:
    def run() -> Applied:
        with transaction(means.engine) as conn:
            lookups.require_held(conn, means.token, [ended.claimed.id])
            return _apply(conn, means, [ended])[0]

    applied = ahead.race(run, lambda: _look_ahead(means, [ended]))
    binding.bind(means.engine, applied.noted)


def _is_too_dear(batch: Sequence[Ended]) -> bool:
    """Whether it stands alone, and the database has given it up often enough."""
    alone = len(batch) == 1 and batch[0].landing.kind != "hopeless"
    return alone and batch[0].claimed.overruns + 1 >= MAX_OVERRUNS


def _too_dear(ended: Ended, error: Costly) -> Ended:
    times = ended.claimed.overruns + 1
    reason = f"given up {times} times for its cost ({error}); replay it once the database has room"
    return replace(ended, landing=hopeless(reason))


def _commit(means: _Means, batch: Sequence[Ended]) -> Noted | None:
    def run() -> Noted | None:
        with transaction(means.engine) as conn:
            return _end(conn, means, batch)

    return ahead.race(run, lambda: _look_ahead(means, batch))


def _give_back(means: _Means, batch: Sequence[Ended], error: IngestError) -> None:
    """As a setback, and due again after a while; where even that fails, the lease runs out."""
    costly = isinstance(error, Costly)
    rows: list[dict[str, Any]] = []
    for ended in batch:
        claimed = ended.claimed
        wait_s = given_back_s(
            claimed.id, setbacks=claimed.setbacks, overruns=claimed.overruns, costly=costly
        )
        said = clean(str(error))[:MOST_SAID]
        later = Landing("put_off", error=said, wait_s=wait_s, counted=False)
        rows.append(_later(claimed, later) | {"setback": True, "overrun": costly})
    try:
        with transaction(means.engine, durable=False) as conn:
            lookups.put_off(conn, means.token, rows)
    except (BadRow, TransientError) as failure:
        log.warning("look_ups_not_given_back", look_ups=len(batch), error=str(failure))


def _end(conn: sa.Connection, means: _Means, batch: Sequence[Ended]) -> Noted | None:
    ending = [e for e in batch if e.landing.kind in ("seen", "gone", "hopeless")]
    later = [e for e in batch if e not in ending]
    for ended in sorted(later, key=_order):
        _judge(conn, ended)
    applied, cuts = _apply(conn, means, ending)
    lookups.require_held(conn, means.token, [e.claimed.id for e in ending])
    lookups.keep(conn, [_state(e) for e in ending if e.landing.state is not None])
    for ended in sorted(ending, key=_order):
        _show(conn, ended)
    lookups.once_more(conn, [e.claimed.id for e in ending if e.landing.more])
    hopeless_ids = {e.claimed.id for e in ending if e.landing.kind == "hopeless"}
    done = [e.claimed.id for e in ending if not e.landing.more]
    waiters = lookups.finish(conn, done, hopeless_ids)
    asking.request(conn, [a for e in ending for a in _asks(e)])
    deliveries.end_waiting(conn, _verdicts(conn, ending, waiters, cuts))
    lookups.put_off(conn, means.token, [_later(e.claimed, e.landing) for e in later])
    return applied.noted


def _apply(
    conn: sa.Connection, means: _Means, ending: Sequence[Ended]
) -> tuple[Applied, dict[int, str]]:
    """Apply what was seen, for each store that the connection feeds by now; by look-up, what of it
    exceeded a bound.
    """
    telling = [e for e in ending if e.landing.words]
    book = directory.read(conn, {e.connection.id for e in telling}, ())
    said = [(e.claimed.id, work) for e in telling for work in _work(e, book)]
    applied = applying.apply(conn, [work for _, work in said], means.renders)
    cuts: dict[int, list[str]] = {}
    for index, told in applied.cuts.items():
        cuts.setdefault(said[index][0], []).extend(told)
    return applied, {lookup_id: cut_remark(told) for lookup_id, told in cuts.items()}


def _work(ended: Ended, book: Directory) -> list[Work]:
    stores = book.stores.get(ended.connection.id, ())
    return [word(store) for store in stores for word in ended.landing.words]


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
        "setback": False,
        "overrun": False,
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
    tellers: Sequence[str | None]
    errors: list[str] = field(default_factory=list)
    gone: bool = False
    remark: str = ""


def _verdicts(
    conn: sa.Connection,
    ending: Sequence[Ended],
    waiters: Sequence[Waiter],
    cuts: Mapping[int, str],
) -> list[Verdict]:
    """Record the waiting deliveries' events; each delivery's end."""
    landings = {e.claimed.id: e.landing for e in ending}
    waited: dict[int, _Waited] = {}
    for waiter in waiters:
        tellers: Sequence[str | None] = waiter.tellers or [None] * len(waiter.events)
        one = waited.setdefault(waiter.delivery_id, _Waited(waiter.events, tellers))
        landing = landings[waiter.lookup_id]
        if landing.kind == "hopeless":
            one.errors.append(landing.error)
        one.gone |= landing.kind == "gone"
        remarks = filter(None, (cuts.get(waiter.lookup_id), landing.remark))
        one.remark = one.remark or "; ".join(remarks)
    recorded = [
        told
        for one in waited.values()
        if not one.errors
        for told in zip(one.events, one.tellers, strict=True)
    ]
    told = {one.id: one for one in _still_told(conn, recorded)}
    news = events.record(conn, list(told.values()))
    return [_verdict(id_, one, news) for id_, one in sorted(waited.items())]


def _still_told(
    conn: sa.Connection, recorded: Sequence[tuple[Mapping[str, Any], str | None]]
) -> Iterator[Event]:
    """The events of connections that are there still, in stores that have a log still: another
    one's look-up may end a delivery of the app-wide route that waited for both.
    """
    stores = connections.stores(conn, {event["store_id"] for event, _ in recorded})
    standing = connections.standing(conn, {teller for _, teller in recorded if teller is not None})
    for event, teller in recorded:
        if event["store_id"] in stores and (teller is None or teller in standing):
            yield Event(**event, status="processed")


def _verdict(delivery_id: int, waited: _Waited, news: set[str]) -> Verdict:
    if waited.errors:
        return Verdict(delivery_id, "dead", waited.errors[0])
    if waited.events and news.isdisjoint(event["id"] for event in waited.events):
        return Verdict(delivery_id, "duplicate", "the event is recorded already")
    reason = "looked up: it is gone" if waited.gone else "looked up"
    return Verdict(delivery_id, "processed", "; ".join(filter(None, (reason, waited.remark))))
