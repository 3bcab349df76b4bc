"""Settles a batch of deliveries: events, documents, look-ups and verdicts, in one transaction.

What is costly is rendered before it begins, and a batch that would write very much is several. What
becomes of a row that is at fault, or of a lost connection, is the skeleton's (`flows.batches`).
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap

import sqlalchemy as sa
import structlog

from ingest.core.bounds import cut_remark
from ingest.core.errors import Costly, IngestError, TransientError
from ingest.core.tracing import OFF, SETTLE, TRACEPARENT, Tracer
from ingest.flows.batches import Steps, raced, reason_of, settle_parts, waits_s
from ingest.flows.connections import lifecycle
from ingest.flows.connections.learning import learn
from ingest.flows.connections.notices import heed
from ingest.flows.deliveries.lease import Lease
from ingest.flows.deliveries.prepared import Prepared, Target
from ingest.flows.deliveries.unsigned_times import Share, repeated
from ingest.flows.deliveries.verdicts import outcome, told_event, verdicts
from ingest.flows.documents.apply import Applied, apply
from ingest.flows.documents.bind import bind
from ingest.flows.documents.called import joined
from ingest.flows.documents.prerender import parts, prerender
from ingest.flows.documents.render import Renders
from ingest.flows.documents.subjects import StoreStatement
from ingest.flows.documents.trail import by, steps_of
from ingest.flows.lookups.request import WaitingDelivery, request_lookups
from ingest.store import conditions, deliveries, drift, events, facts, trails
from ingest.store.claiming import ClaimedDelivery
from ingest.store.deliveries import Later, Verdict
from ingest.store.engine import BadRow, transaction
from ingest.store.events import Event
from ingest.store.facts import Fact
from ingest.store.lookups import Wanted
from ingest.store.reasons import PARKED, PAUSED
from ingest.store.trails import TrailStep

log = structlog.get_logger(__name__)

GIVE_BACK_PAUSE_S = 1.0
GIVE_BACK_S = 15 * 60.0
"""For how long a batch is tried to be given back to a database that is away."""
PARKED_DELAY_S = 86_400.0
"""The look-up ends it; were that lost, it would be asked for again after a day."""
PAUSED_DELAY_S = 900.0
"""Resuming a connection makes what waits for it due at once."""


def settle_deliveries(
    engine: sa.Engine,
    lease: Lease,
    batch: Sequence[Prepared],
    on_asked: Callable[[], object] = lambda: None,
    tracer: Tracer = OFF,
) -> Counter[str]:
    """Bring a batch to its end; deliveries by terminal status. What fails is given back.

    First all that is costly is rendered, with no transaction open. Then one transaction, or several
    where very much is written or a row is at fault; after each commit references are bound, drift
    is reported, and `on_asked` is called if it holds look-ups. Not counted is what was given back,
    and what waits for a look-up or a paused connection. Deliveries are settled under the lease's
    token only: whose lease was lost changes nothing. `tracer` is told of each.
    """
    settling = _SettlingDeliveries(engine, lease, Renders(), on_asked, tracer)
    try:
        settling.prerender(batch)
    except TransientError as error:
        settling.give_back(batch, error)
        return Counter()
    steps = Steps(settling.commit, settling.give_back, _bury, _overruns)
    bounded = parts(batch, lambda prepared: prepared.said, settling.renders)
    return settle_parts(bounded, steps)


@dataclass(frozen=True, slots=True)
class _SettlingDeliveries:
    """A batch under one lease, and what it is settled with."""

    engine: sa.Engine
    lease: Lease
    renders: Renders
    on_asked: Callable[[], object]
    tracer: Tracer
    began_at: float = field(default_factory=time.time)

    def prerender(self, batch: Sequence[Prepared]) -> None:
        """Render what the batch will probably write."""
        prerender(self.engine, [one for p in batch for one in p.said], self.renders)

    def commit(self, batch: Sequence[Prepared]) -> Counter[str]:
        """Events, effects, look-ups and verdicts together or not at all; a lost race is run again.

        Deliveries by terminal status.
        """

        def run() -> tuple[list[Verdict], _Effects, bool]:
            with transaction(self.engine) as conn:
                return self._write(conn, batch)

        ended, effects, asked = raced(run, lambda: self.prerender(batch))
        bind(self.engine, effects.applied.noted)
        learn(self.engine, [one for p in batch for _, one in p.said])
        _report(self.engine, [(p.row.source_type, name) for p in batch for name in p.drift])
        if asked:
            self.on_asked()
        self._trace(batch, ended)
        return Counter(verdict.status for verdict in ended)

    def _trace(self, batch: Sequence[Prepared], ended: Sequence[Verdict]) -> None:
        """Of each delivery whose request began a trace, that it was worked on, and how it ended."""
        if not self.tracer.is_on:
            return
        statuses = {verdict.id: verdict.status for verdict in ended}
        for row in (p.row for p in batch if TRACEPARENT in p.row.headers):
            self.tracer.record(
                SETTLE,
                parent=row.headers[TRACEPARENT],
                began_at=self.began_at,
                delivery=row.id,
                source=row.source_type,
                outcome=statuses.get(row.id, "waits"),
                attempt=row.attempts,
            )

    def _write(
        self, conn: sa.Connection, batch: Sequence[Prepared]
    ) -> tuple[list[Verdict], _Effects, bool]:
        resumed = heed(conn, [one for p in batch for one in p.notices])
        paused = conditions.paused(conn, {id_ for p in batch for id_ in p.waiting})
        effects = _apply(conn, batch, self.renders)
        wanted = [one for _, one in effects.asked]
        asked = request_lookups(conn, wanted, effects.waiting, askers=effects.asked)
        for connection_id in resumed:
            lifecycle.hurry(conn, connection_id)
        ended = _end(conn, self.lease.token, batch, effects, paused)
        return ended, effects, asked or bool(resumed)

    def give_back(self, batch: Sequence[Prepared], error: IngestError) -> None:
        """Let it be tried later."""
        give_back(self.engine, self.lease, [p.row for p in batch], error)


def _bury(culprit: Prepared, error: IngestError) -> Prepared:
    if culprit.verdict is not None:
        raise error
    return Prepared(culprit.row, verdict=("dead", reason_of(error, culprit.row.overruns)))


def _overruns(prepared: Prepared) -> int | None:
    return None if prepared.verdict is not None else prepared.row.overruns


def _end(
    conn: sa.Connection,
    token: str,
    batch: Sequence[Prepared],
    effects: _Effects,
    paused: frozenset[str],
) -> list[Verdict]:
    """Settle the deliveries; one that waits for a paused connection or a look-up stays, uncounted.

    What it does for other connections is done by now, and is found done the next time. One whose
    connection goes on by now is due at once: whoever resumed it has not seen this delivery.
    """
    looked_up = {delivery.delivery_id for delivery in effects.waiting}
    waits = {
        p.row.id: 0.0 if paused.isdisjoint(p.waiting) else PAUSED_DELAY_S
        for p in batch
        if p.waiting
    }
    ends = [v for v in effects.verdicts if v.id not in waits and v.id not in looked_up]
    deliveries.settle(conn, token, ends)
    if waits:
        deliveries.give_back(conn, token, list(starmap(Later, waits.items())), error=PAUSED)
    parked = [Later(id_, PARKED_DELAY_S) for id_ in looked_up - waits.keys()]
    if parked:
        deliveries.give_back(conn, token, parked, error=PARKED)
    return ends


def _report(engine: sa.Engine, fields: Collection[tuple[str, str]]) -> None:
    """Count unknown fields. The deliveries are settled by now, so nothing here may undo that."""
    if not fields:
        return
    try:
        with transaction(engine, durable=False) as conn:
            drift.report(conn, fields)
    except (BadRow, TransientError) as error:
        log.warning("drift_not_reported", fields=len(fields), error=str(error))


@dataclass(frozen=True, slots=True)
class _Effects:
    """What a batch did and wants: a verdict for each delivery, look-ups with the deliveries that
    ask for them, who waits for them.
    """

    verdicts: list[Verdict]
    applied: Applied
    asked: list[tuple[int, Wanted]]
    waiting: list[WaitingDelivery]


def _apply(conn: sa.Connection, told: Sequence[Prepared], renders: Renders) -> _Effects:
    """Record the events, apply what is said and new; the verdicts follow from both."""
    batch = _as_told_first(conn, told)
    shares = [(p, t) for p in batch for t in p.targets]
    news = _record(conn, shares)
    said, spans = _said(shares, _repeated(conn, shares))
    renamed = joined(*(target.renamed for _, target in shares if target.renamed))
    applied = apply(conn, said, renders, renamed)
    outcomes: dict[int, list[tuple[str, str]]] = {}
    for (prepared, target), new, span in zip(shares, news, spans, strict=True):
        stale = bool(span) and applied.stale.issuperset(span)
        remarks = (target.remark, _cuts(applied, span))
        ended = outcome(target, remarks, new=new, stale=stale)
        outcomes.setdefault(prepared.row.id, []).append(ended)
    whose = [
        (index, by(target.connection_id, delivery_id=prepared.row.id))
        for (prepared, target), span in zip(shares, spans, strict=True)
        for index in span
    ]
    trails.record(conn, steps_of(applied, whose))
    wanted = [*_wanted(shares), *_doubts(said, applied, dict(whose))]
    return _Effects(verdicts(batch, outcomes), applied, wanted, _waiting(batch))


def _said(
    shares: Sequence[tuple[Prepared, Target]], known: frozenset[int]
) -> tuple[list[StoreStatement], list[range]]:
    """The statements of all shares but the `known` ones, and where those of each share stand."""
    said: list[StoreStatement] = []
    spans: list[range] = []
    for index, (_, target) in enumerate(shares):
        own = [] if index in known else target.said
        spans.append(range(len(said), len(said) + len(own)))
        said += own
    return said, spans


def _cuts(applied: Applied, span: range) -> str:
    return cut_remark(cut for at in span for cut in applied.cuts.get(at, ()))


def _wanted(shares: Sequence[tuple[Prepared, Target]]) -> list[tuple[int, Wanted]]:
    """The look-ups for which no delivery waits: it says something itself, or waits for more."""
    return [
        (prepared.row.id, (target.connection_id, refresh))
        for prepared, target in shares
        if not target.waits or prepared.waiting
        for refresh in target.lookups
    ]


def _doubts(
    said: Sequence[StoreStatement], applied: Applied, whose: Mapping[int, TrailStep]
) -> list[tuple[int, Wanted]]:
    """The look-ups that settle doubts, each with the delivery that raised it."""
    doubtful = [(whose[index].delivery_id or 0, said[index][1]) for index in applied.doubtful]
    return [(id_, (one.connection_id, one.again)) for id_, one in doubtful if one.again is not None]


def _repeated(conn: sa.Connection, shares: Sequence[tuple[Prepared, Target]]) -> frozenset[int]:
    """The shares that were said earlier, at a time that nobody signs."""
    asked = [
        (index, Share(target.connection_id, _fact(prepared), prepared.row.id, target.said))
        for index, (prepared, target) in enumerate(shares)
        if target.once and target.statements
    ]
    found = repeated(conn, [share for _, share in asked])
    return frozenset(i for (i, _), is_repeated in zip(asked, found, strict=True) if is_repeated)


def _as_told_first(conn: sa.Connection, batch: Sequence[Prepared]) -> Sequence[Prepared]:
    """The batch with the event keys under which its facts were told first.

    A body that was captured and is sent again under another id is the same fact
    (docs/decisions/0014).
    """
    known = facts.tell(
        conn,
        [
            Fact(target.connection_id, _fact(prepared), target.event_key)
            for prepared in batch
            for target in prepared.targets
        ],
    )
    if not known:
        return batch

    def keyed(prepared: Prepared, target: Target) -> Target:
        key = known.get((target.connection_id, _fact(prepared)))
        return target if key is None else replace(target, event_key=key)

    return [replace(p, targets=[keyed(p, target) for target in p.targets]) for p in batch]


def _fact(prepared: Prepared) -> str:
    """Half of the digest is enough to tell bodies apart."""
    return str(uuid.UUID(bytes=prepared.row.body_hash[:16]))


def _waiting(batch: Sequence[Prepared]) -> list[WaitingDelivery]:
    """The deliveries of which nothing is known before their look-ups are done.

    One that waits for a paused connection too is none: those look-ups would end it without that
    connection. It asks, stays, and asks once more with it.
    """
    return [
        WaitingDelivery(
            prepared.row.id,
            [(target.connection_id, one) for target in targets for one in target.lookups],
            [told_event(prepared, target) for target in targets],
            [target.connection_id for target in targets],
        )
        for prepared in batch
        if not prepared.waiting
        and (targets := [target for target in prepared.targets if target.waits])
    ]


def _record(conn: sa.Connection, shares: Sequence[tuple[Prepared, Target]]) -> list[bool]:
    """Write the event of each share, once for each key; whether the share's event is news.

    What waits for a look-up is recorded with it.
    """
    found: dict[str, Event] = {}
    ids: list[str] = []
    for prepared, target in shares:
        told = told_event(prepared, target)
        key = told["id"]
        status = "skipped" if target.skip is not None else "processed"
        known = found.get(key)
        first = known is None or (known.status == "skipped" and status == "processed")
        first = first and not target.waits
        ids.append(key if first else "")
        if first:
            found[key] = Event(**told, status=status)
    news = events.record(conn, list(found.values()))
    return [key in news for key in ids]


def give_back(
    engine: sa.Engine, lease: Lease, rows: Sequence[ClaimedDelivery], error: IngestError
) -> None:
    """Let claimed deliveries be tried later: a setback is counted, and each makes the wait longer.

    It is tried until the database is back, for GIVE_BACK_S, so that its absence is not taken for
    the crash of a worker; whoever still works has nothing else to do without it. Blocks as long,
    and raises nothing for a database that is away.
    """
    log.warning("given_back", deliveries=len(rows), error=str(error))
    later = list(starmap(Later, waits_s(rows, error).items()))
    ends_at = time.monotonic() + GIVE_BACK_S
    while True:
        try:
            with transaction(engine) as conn:
                deliveries.give_back(
                    conn,
                    lease.token,
                    later,
                    error=str(error),
                    setback=True,
                    overrun=isinstance(error, Costly),
                )
        except TransientError as failure:
            log.warning("give_back_failed", deliveries=len(rows), error=str(failure))
            if time.monotonic() > ends_at:
                return
            time.sleep(GIVE_BACK_PAUSE_S)
        else:
            return
