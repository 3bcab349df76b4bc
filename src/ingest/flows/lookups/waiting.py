"""Ends the deliveries that waited for look-ups: records their events, gives each its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ingest.flows.lookups.outcome import Outcome
from ingest.store import connections, events
from ingest.store.deliveries import Verdict
from ingest.store.events import Event
from ingest.store.lookup_ends import Waiter
from ingest.store.reasons import DENIED


@dataclass(slots=True)
class _Waited:
    """A delivery that ends now: its events, and the worst of what its look-ups came to."""

    events: Sequence[Mapping[str, Any]]
    tellers: Sequence[str | None]
    errors: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    seen: bool = False
    gone: bool = False
    remark: str = ""

    @property
    def status(self) -> str:
        """Of its events: nothing is known by it where all that it waited for is denied."""
        return "skipped" if self.denied and not self.seen else "processed"


def verdicts(
    conn: sa.Connection,
    outcomes: Mapping[int, Outcome],
    waiters: Sequence[Waiter],
    cuts: Mapping[int, str],
) -> list[Verdict]:
    """Record the waiting deliveries' events; each delivery's end, by ascending delivery id.

    outcomes, cuts: by the look-up's id; a cut is what exceeded a bound, as a person reads it.
    waiters: as `store.lookup_ends.finish` gives them: the deliveries that wait for no other one.
    In the transaction that ends the look-ups. A delivery of which any look-up is hopeless is dead,
    and records nothing; one of which all are denied is skipped. The connections that told the
    events are locked, so that none is recorded for one that is being purged.
    """
    waited = _waited(outcomes, waiters, cuts)
    recorded = [
        ({**event, "status": one.status}, teller)
        for one in waited.values()
        if not one.errors
        for event, teller in zip(one.events, one.tellers, strict=True)
    ]
    told = {one.id: one for one in _still_told(conn, recorded)}
    news = events.record(conn, list(told.values()))
    return [_verdict(id_, one, news) for id_, one in sorted(waited.items())]


def _waited(
    outcomes: Mapping[int, Outcome], waiters: Sequence[Waiter], cuts: Mapping[int, str]
) -> dict[int, _Waited]:
    found: dict[int, _Waited] = {}
    for waiter in waiters:
        tellers: Sequence[str | None] = waiter.tellers or [None] * len(waiter.events)
        one = found.setdefault(waiter.delivery_id, _Waited(waiter.events, tellers))
        outcome = outcomes[waiter.lookup_id]
        if outcome.kind == "hopeless":
            one.errors.append(outcome.error)
        if outcome.kind == "denied":
            one.denied.append(outcome.error)
        one.seen |= outcome.kind in ("seen", "gone")
        one.gone |= outcome.kind == "gone"
        remarks = filter(None, (cuts.get(waiter.lookup_id), outcome.remark))
        one.remark = one.remark or "; ".join(remarks)
    return found


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
            yield Event(**event)


def _verdict(delivery_id: int, waited: _Waited, news: set[str]) -> Verdict:
    if waited.errors:
        return Verdict(delivery_id, "dead", waited.errors[0])
    denied = [f"{DENIED}: {said}" for said in waited.denied[:1]]
    if waited.status == "skipped":
        return Verdict(delivery_id, "skipped", denied[0])
    if waited.events and news.isdisjoint(event["id"] for event in waited.events):
        return Verdict(delivery_id, "duplicate", "the event is recorded already")
    reason = "looked up: it is gone" if waited.gone else "looked up"
    told = filter(None, (reason, waited.remark, *denied))
    return Verdict(delivery_id, "processed", "; ".join(told))
