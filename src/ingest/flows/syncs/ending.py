"""The end of a run: prunes what is not listed any more, waits for what is looked up, and closes.

A part like the lists, due once they are done, a step at a time: its cursor says how far it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
import structlog

from ingest.core.changes import Refresh
from ingest.core.ranks import Seen
from ingest.core.values import JSON
from ingest.flows.batches import raced
from ingest.flows.documents.apply import apply
from ingest.flows.documents.bind import bind
from ingest.flows.documents.changed import changed
from ingest.flows.documents.prerender import prerender
from ingest.flows.documents.record import resync_events
from ingest.flows.documents.render import Renders
from ingest.flows.documents.statements import statements_of
from ingest.flows.documents.subjects import StoreStatement
from ingest.flows.documents.trail import steps_of_run
from ingest.flows.lookups.request import request_lookups
from ingest.flows.syncs import pruning
from ingest.flows.syncs.held import HeldPart
from ingest.flows.syncs.pruning import Missing
from ingest.flows.syncs.request import Kind, request_sync, scope_of
from ingest.sources.registry import source
from ingest.sources.wire import items
from ingest.store import events, sync_marks, sync_parts, sync_runs, trails
from ingest.store.binding import Noted
from ingest.store.engine import transaction
from ingest.store.sync_marks import Finished, RunLookups
from ingest.store.sync_parts import Advanced

log = structlog.get_logger(__name__)

WAITS_S = 30.0
"""Between two looks whether all is looked up; who ends a look-up has it looked at sooner."""
LOOK_UP_TRIES = 10
"""A look-up that failed so often, for more than an hour by then, is waited for no longer: it goes
on by itself, and the run ends.
"""


def end_run(engine: sa.Engine, held: HeldPart, *, most_share: float) -> None:
    """One step of a run's end. Raises what the database raises, and `LeaseLost`."""
    at = held.row.cursor if isinstance(held.row.cursor, dict) else {}
    if scope_of(held.connection) != held.row.scope:
        _begin_anew(engine, held)
    elif held.row.kind == "incremental" or at.get("pruned") is True:
        _close_or_wait(engine, held)
    elif "after" not in at:
        _decide(engine, held, most_share)
    else:
        _prune(engine, held, at)


def _begin_anew(engine: sa.Engine, held: HeldPart) -> None:
    """What the connection wants has changed since the run began, whoever wrote that: nothing is
    concluded of what was listed before, and all is listed as it is wanted now.
    """
    with transaction(engine) as conn:
        sync_parts.require_held(conn, held.row)
        sync_parts.advance(conn, held.row, Advanced(cursor=held.row.cursor, ends=True))
        reason = "what the connection wants has changed since it began"
        sync_runs.finish(conn, held.row.run_id, sync_runs.CANCELLED, reason)
        kind: Kind = "incremental" if held.row.kind == "incremental" else "full"
        if held.connection.has_token:
            request_sync(conn, held.connection, kind=kind, asked_by="a changed filter")


def _decide(engine: sa.Engine, held: HeldPart, most_share: float) -> None:
    """Find out what is missing, and whether a person has to be asked."""
    plan = pruning.plan(engine, held)
    why = None if held.row.confirmed else plan.needs_a_person(most_share)
    with transaction(engine) as conn:
        sync_parts.require_held(conn, held.row)
        cursor: dict[str, JSON] = {
            "after": "",
            "kinds": [*sorted(plan.kinds)],
            "emptied": [*sorted(plan.emptied)],
        }
        sync_parts.advance(conn, held.row, Advanced(cursor=cursor, ends=why is not None))
        sync_runs.note(conn, held.row.run_id, plan.as_json())
        if why is not None:
            log.warning("sync_stopped", run=held.row.run_id, why=why)
            reason = f"{why}; look at the plan, then: ingest sync --confirm {held.row.run_id}"
            sync_runs.finish(conn, held.row.run_id, sync_runs.STOPPED, reason)


def _prune(engine: sa.Engine, held: HeldPart, at: Mapping[str, JSON]) -> None:
    """One step of documents that were not seen: look-ups for those that may be gone, and so on."""
    kinds, emptied = (frozenset(map(str, items(at, name))) for name in ("kinds", "emptied"))
    found = pruning.steps(engine, held, kinds, emptied, str(at["after"]))
    step = next((one for one in found if not one.is_idle), None)
    cursor: JSON = {"pruned": True} if step is None else {**at, "after": step.until}
    missing = () if step is None else step.missing
    pruned = _Pruned(held, missing, _said(held, missing), Renders())
    prerender(engine, pruned.said, pruned.renders)

    def run() -> Noted | None:
        with transaction(engine) as conn:
            return _write(conn, pruned, Advanced(cursor=cursor))

    bind(engine, raced(run, lambda: prerender(engine, pruned.said, pruned.renders)))


@dataclass(frozen=True, slots=True)
class _Pruned:
    """A step of pruning, and what it says."""

    held: HeldPart
    missing: Sequence[Missing]
    said: Sequence[StoreStatement]
    renders: Renders


def _said(held: HeldPart, missing: Sequence[Missing]) -> list[StoreStatement]:
    """What is said at once: what lies outside the filter by now, what aged out and stays."""
    changes = {
        one.then.identity: one.then
        for one in missing
        if one.then is not None and not isinstance(one.then, Refresh)
    }
    found, origin = source(held.connection.source_type), Seen(held.row.fence)
    statements = statements_of(
        found, held.connection, changes.values(), origin, heard_at=held.row.sent_at
    )
    return [(store, one) for store in held.stores for one in statements]


def _write(conn: sa.Connection, pruned: _Pruned, to: Advanced) -> Noted | None:
    row = pruned.held.row
    applied = apply(conn, pruned.said, pruned.renders)
    what = [*changed(applied.entries)]
    wanted = [
        (row.connection_id, one.then)
        for one in pruned.missing
        if isinstance(one.then, Refresh) and not one.row.under_unseen
    ]
    request_lookups(conn, wanted, background=True, run_id=row.run_id)
    events.record(conn, [*resync_events(what, row.run_id)])
    trails.record(conn, [*steps_of_run(what, row.run_id, row.connection_id)])
    sync_parts.require_held(conn, row)
    deleted = sum(one.became == "deleted" for one in what)
    sync_parts.advance(conn, row, replace(to, changed=len(what), deleted=deleted))
    return applied.noted


def _close_or_wait(engine: sa.Engine, held: HeldPart) -> None:
    row = held.row
    with transaction(engine) as conn:
        sync_parts.require_held(conn, row)
        asked = sync_marks.asked(conn, row.connection_id, row.run_id, tries=LOOK_UP_TRIES)
        if asked.wait:
            sync_parts.put_off(conn, row, WAITS_S)
            return
        failed = _failures(sync_marks.finished(conn, row.run_id))
        sync_parts.advance(conn, row, Advanced(cursor=row.cursor, ends=True))
        state = sync_runs.FAILED if failed else sync_runs.DONE
        sync_runs.finish(conn, row.run_id, state, failed or _left_behind(asked))
    log.info("sync_ended", run=row.run_id, kind=row.kind, state=state)


def _left_behind(asked: RunLookups) -> str | None:
    if not asked.failing:
        return None
    return f"{asked.failing:,} look-ups fail time after time, and go on by themselves: {asked.said}"


def _failures(ended: Sequence[Finished]) -> str | None:
    failed = [f"{one.resource}: {one.last_error}" for one in ended if one.state == "failed"]
    return "; ".join(failed) or None
