"""Settles look-ups: applies what was seen, ends the deliveries that waited, puts off the rest.

One transaction for a batch of them: documents, the waiting deliveries' events, their verdicts;
what is costly is rendered before it begins. What a look-up came to is decided in `outcome`, how a
waiting delivery ends in `waiting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.bounds import cut_remark
from ingest.core.canonical import clean
from ingest.core.errors import Costly, IngestError, TransientError
from ingest.flows.batches import Steps, raced, reason_of, settle_parts, waits_s
from ingest.flows.connections import directory
from ingest.flows.connections.directory import Directory
from ingest.flows.connections.learning import learn
from ingest.flows.documents.apply import Applied, apply
from ingest.flows.documents.bind import bind
from ingest.flows.documents.prerender import parts, prerender
from ingest.flows.documents.render import Renders
from ingest.flows.documents.subjects import StoreStatement
from ingest.flows.documents.trail import by, steps_of
from ingest.flows.lookups.outcome import (
    AGAIN_S,
    MOST_SAID,
    LookedUp,
    Outcome,
    hopeless,
    patiently,
)
from ingest.flows.lookups.request import request_further
from ingest.flows.lookups.runs import count_for_runs
from ingest.flows.lookups.waiting import verdicts
from ingest.store import conditions, deliveries, flags, lookup_ends, lookups, trails
from ingest.store.binding import Noted
from ingest.store.engine import BadRow, transaction
from ingest.store.flags import DENIED, Flag
from ingest.store.lookups import ClaimedLookup, Urgency, Wanted
from ingest.store.trails import TrailStep

log = structlog.get_logger(__name__)

MOST_STATEMENTS = 2_000
"""Of one look-up, in one transaction."""
_ENDED = ("seen", "gone", "denied", "hopeless")


def settle_lookups(
    engine: sa.Engine,
    token: str,
    batch: Sequence[LookedUp],
    api_urls: Mapping[str, str] = MappingProxyType({}),
) -> Counter[str]:
    """Bring look-ups to their end, or put them off; how many of each kind (`Outcome.kind`).

    All of one claim: `token` is its lease. First all that is costly is rendered, with no
    transaction open; after each commit references are bound. What fails is given back and not
    counted; look-ups whose lease was lost change nothing. `api_urls` are the configured bases of
    APIs, by source type.
    """
    patient = [patiently(one) for one in batch]
    settling = _SettlingLookups(engine, token, Renders(), api_urls)
    try:
        book = settling.prerender(patient)
    except TransientError as error:
        settling.give_back(patient, error)
        return Counter()
    steps = Steps(settling.commit, settling.give_back, _bury, _overruns)
    return settle_parts(settling.parts(patient, book), steps)


@dataclass(frozen=True, slots=True)
class _SettlingLookups:
    """A batch under one lease, and what it is settled with."""

    engine: sa.Engine
    token: str
    renders: Renders
    api_urls: Mapping[str, str]

    def prerender(self, batch: Sequence[LookedUp]) -> Directory:
        """Render what was seen; the directory by which that was."""
        telling = _with_statements(batch)
        with transaction(self.engine) as conn:
            book = self.directory_of(conn, telling)
        said = [one for looked_up in telling for one in _said(looked_up, book)]
        prerender(self.engine, said, self.renders)
        return book

    def directory_of(self, conn: sa.Connection, batch: Sequence[LookedUp]) -> Directory:
        """The directory of the connections that asked."""
        ids = {one.held.connection.id for one in batch}
        return directory.read_directory(conn, ids, api_urls=self.api_urls)

    def parts(self, batch: Sequence[LookedUp], book: Directory) -> list[list[LookedUp]]:
        """What the database gave up before is settled alone, the rest in bounded parts."""
        alone = [[one] for one in batch if one.held.row.overruns]
        others = [one for one in batch if not one.held.row.overruns]
        return [*parts(others, lambda one: _said(one, book), self.renders), *alone]

    def commit(self, batch: Sequence[LookedUp]) -> Counter[str]:
        """All of it in one transaction, but for what one look-up says beyond MOST_STATEMENTS."""
        left = [self._all_but_the_last(one) for one in batch]

        def run() -> Noted | None:
            with transaction(self.engine) as conn:
                return _end(conn, self, left)

        bind(self.engine, raced(run, lambda: self.prerender(left)))
        learn(self.engine, [said for one in left for said in one.outcome.statements])
        return Counter(one.outcome.kind for one in batch)

    def _all_but_the_last(self, looked_up: LookedUp) -> LookedUp:
        """What is left of a look-up once its first statements are applied, so many in one
        transaction: a branch may lose fifty thousand files at once. Applying them again changes
        nothing.
        """
        statements = looked_up.outcome.statements
        while len(statements) > MOST_STATEMENTS:
            first = replace(looked_up.outcome, statements=statements[:MOST_STATEMENTS])
            self._commit_statements(replace(looked_up, outcome=first))
            statements = statements[MOST_STATEMENTS:]
        return replace(looked_up, outcome=replace(looked_up.outcome, statements=statements))

    def _commit_statements(self, looked_up: LookedUp) -> None:
        def run() -> Applied:
            with transaction(self.engine) as conn:
                lookups.require_held(conn, self.token, [looked_up.held.row.id])
                applied = _apply(conn, self, [looked_up])[0]
                count_for_runs(conn, [looked_up], applied.entries)
                return applied

        bind(self.engine, raced(run, lambda: self.prerender([looked_up])).noted)

    def give_back(self, batch: Sequence[LookedUp], error: IngestError) -> None:
        """As a setback, and due again after a while; where even that fails, the lease runs out."""
        log.warning("look_ups_given_back", look_ups=len(batch), error=str(error))
        said = clean(str(error))[:MOST_SAID]
        waits = waits_s([one.held.row for one in batch], error)
        rows = [
            _later(one.held.row, Outcome("put_off", error=said, wait_s=waits[one.held.row.id]))
            | {"counted": False, "setback": True, "overrun": isinstance(error, Costly)}
            for one in batch
        ]
        try:
            with transaction(self.engine, durable=False) as conn:
                lookups.put_off(conn, self.token, rows)
        except (BadRow, TransientError) as failure:
            log.warning("look_ups_not_given_back", look_ups=len(batch), error=str(failure))


def _bury(looked_up: LookedUp, error: IngestError) -> LookedUp:
    if looked_up.outcome.kind == "hopeless":
        raise error
    reason = reason_of(error, looked_up.held.row.overruns)
    return replace(looked_up, outcome=hopeless(clean(reason)))


def _overruns(looked_up: LookedUp) -> int | None:
    return None if looked_up.outcome.kind == "hopeless" else looked_up.held.row.overruns


def _end(
    conn: sa.Connection, settling: _SettlingLookups, batch: Sequence[LookedUp]
) -> Noted | None:
    """One batch in one transaction; the keys to bind after it. Locks connections first."""
    ending = [one for one in batch if one.outcome.kind in _ENDED]
    later = [one for one in batch if one.outcome.kind not in _ENDED]
    for one in sorted(later, key=_order):
        _judge(conn, one)
    applied, cuts = _apply(conn, settling, ending)
    lookups.require_held(conn, settling.token, [one.held.row.id for one in ending])
    lookup_ends.keep(conn, [_state(one) for one in ending if one.outcome.state is not None])
    for one in sorted(ending, key=_order):
        _show(conn, one)
    _flag(conn, ending)
    _finish(conn, ending, cuts)
    count_for_runs(conn, ending, applied.entries)
    lookups.put_off(conn, settling.token, [_later(one.held.row, one.outcome) for one in later])
    _note_tries(conn, batch)
    return applied.noted


def _note_tries(conn: sa.Connection, batch: Sequence[LookedUp]) -> None:
    trails.tried(conn, [_tried(one) for one in batch if _is_told(one)])


def _is_told(looked_up: LookedUp) -> bool:
    """Whether a try is kept: not where all went well and nobody waits for it."""
    row = looked_up.held.row
    return not row.background or row.attempts > 1 or looked_up.outcome.kind not in ("seen", "gone")


def _tried(looked_up: LookedUp) -> dict[str, Any]:
    row, outcome = looked_up.held.row, looked_up.outcome
    return {
        "lookup_id": row.id,
        "connection_id": row.connection_id,
        "kind": row.kind,
        "external_id": row.external_id,
        "attempt": row.attempts,
        "outcome": outcome.kind,
        "error": outcome.error or None,
        "run_id": row.run_id,
    }


def _finish(conn: sa.Connection, ending: Sequence[LookedUp], cuts: dict[int, str]) -> None:
    """End the look-ups, or have more read; request what they want; end the waiting deliveries."""
    outcomes = {one.held.row.id: one.outcome for one in ending}
    more = [id_ for id_, outcome in outcomes.items() if outcome.more]
    lookup_ends.once_more(conn, more)
    lost = {id_ for id_, outcome in outcomes.items() if outcome.kind == "hopeless"}
    waiters = lookup_ends.finish(conn, [id_ for id_ in outcomes if id_ not in more], lost)
    request_further(conn, [further for one in ending for further in _wanted(one)])
    deliveries.end_waiting(conn, verdicts(conn, outcomes, waiters, cuts))


def _apply(
    conn: sa.Connection, settling: _SettlingLookups, ending: Sequence[LookedUp]
) -> tuple[Applied, dict[int, str]]:
    """Apply what was seen, for each store that the connection feeds by now; by look-up, what of it
    exceeded a bound.
    """
    telling = _with_statements(ending)
    book = settling.directory_of(conn, telling)
    said = [(one.held.row.id, statement) for one in telling for statement in _said(one, book)]
    applied = apply(conn, [statement for _, statement in said], settling.renders)
    trails.record(conn, _trail(applied, said, {one.held.row.id: one for one in telling}))
    cuts: dict[int, list[str]] = {}
    for index, told in applied.cuts.items():
        cuts.setdefault(said[index][0], []).extend(told)
    return applied, {lookup_id: cut_remark(told) for lookup_id, told in cuts.items()}


def _trail(
    applied: Applied, said: Sequence[tuple[int, StoreStatement]], asked: Mapping[int, LookedUp]
) -> list[TrailStep]:
    """What the look-ups did; of one that nobody waits for nothing that was so already."""
    whose = [
        (index, by(asked[id_].held.connection.id, lookup_id=id_))
        for index, (id_, _) in enumerate(said)
    ]
    steps = steps_of(applied, whose)
    return [
        replace(one, run_id=asked[one.lookup_id or 0].held.row.run_id)
        for one in steps
        if one.did not in ("unchanged", "stale")
        or not asked[one.lookup_id or 0].held.row.background
    ]


def _with_statements(batch: Sequence[LookedUp]) -> list[LookedUp]:
    return [one for one in batch if one.outcome.statements]


def _said(looked_up: LookedUp, book: Directory) -> list[StoreStatement]:
    stores = book.stores.get(looked_up.held.connection.id, ())
    return [(store, one) for store in stores for one in looked_up.outcome.statements]


def _wanted(looked_up: LookedUp) -> list[tuple[Wanted, Urgency]]:
    row, connection_id = looked_up.held.row, looked_up.held.connection.id
    urgency = Urgency(row.background, row.run_id)
    return [((connection_id, one), urgency) for one in looked_up.outcome.lookups]


def _state(looked_up: LookedUp) -> dict[str, Any]:
    row = looked_up.held.row
    return {
        "connection_id": row.connection_id,
        "object": row.object,
        "state": looked_up.outcome.state,
    }


def _later(row: ClaimedLookup, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": row.id,
        "delay_s": max(outcome.wait_s, 0.0 if outcome.kind == "refused" else AGAIN_S),
        "error": outcome.error,
        "counted": outcome.counted,
        "setback": False,
        "overrun": False,
    }


def _order(looked_up: LookedUp) -> tuple[str, bool]:
    """One order of locks: connections first, each before its condition."""
    return looked_up.held.connection.id, looked_up.outcome.kind != "refused"


def _judge(conn: sa.Connection, looked_up: LookedUp) -> None:
    """Pause the connection that its provider refuses; hold the one that it wants to wait; let rest
    what nobody waits for, where its budget is spent.
    """
    connection_id, outcome = looked_up.held.connection.id, looked_up.outcome
    if outcome.kind == "refused":
        log.warning("connection_refused", connection=connection_id)
        conditions.refuse(conn, connection_id, outcome.error, token_id=looked_up.held.token_id)
    elif outcome.kind == "limited":
        conditions.rate_limit(conn, connection_id, outcome.wait_s)
    elif outcome.rests:
        conditions.rest(conn, connection_id, outcome.wait_s)


def _flag(conn: sa.Connection, ending: Sequence[LookedUp]) -> None:
    """Show the objects that are refused alone, and no more those that are shown by now."""
    named = [
        Flag(one.held.connection.id, DENIED, f"{one.held.row.kind} {one.held.row.external_id}")
        for one in ending
    ]
    kinds = [one.outcome.kind for one in ending]
    pairs = zip(named, ending, strict=True)
    denied = [
        replace(flag, said=one.outcome.error) for flag, one in pairs if one.outcome.kind == "denied"
    ]
    flags.raise_all(conn, denied)
    shown = [f for f, kind in zip(named, kinds, strict=True) if kind in ("seen", "gone")]
    flags.lower_all(conn, shown)


def _show(conn: sa.Connection, looked_up: LookedUp) -> None:
    """Show what a person has to mend, or take it back; the look-up ends all the same."""
    connection_id, outcome = looked_up.held.connection.id, looked_up.outcome
    if outcome.mended is not None:
        conditions.unflag(conn, connection_id, outcome.mended)
    if outcome.problem is not None:
        log.warning("connection_has_a_problem", connection=connection_id)
        conditions.flag(conn, connection_id, outcome.problem)
