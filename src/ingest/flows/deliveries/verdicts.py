"""Decides how each delivery of a batch ends: a terminal status and a reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.core.identity import event_id
from ingest.flows.deliveries.prepared import Prepared, Target
from ingest.sources.contract import OUTSIDE_FILTER
from ingest.store.deliveries import Verdict
from ingest.store.reasons import PARKED

_BEST_FIRST = ("processed", "skipped", "duplicate")


def told_event(prepared: Prepared, target: Target) -> dict[str, Any]:
    """The event of one store's share: the fields of a `store.events.Event`, but for the status.

    Its id is the UUIDv5 of store, source type and event key.
    """
    source_type = prepared.row.source_type
    return {
        "id": event_id(target.store.id, source_type, target.event_key),
        "store_id": target.store.id,
        "source_type": source_type,
        "event_key": target.event_key,
        "event_metadata": dict(target.event),
    }


def outcome(target: Target, remarks: Sequence[str], *, new: bool, stale: bool) -> tuple[str, str]:
    """What one store's share came to, in a status and a reason.

    `new`: the event was recorded now. `stale`: newer statements are known of all that it speaks of.
    """
    if target.skip is not None:
        return "skipped", target.skip
    if target.waits:
        return "processed", PARKED
    if not new:
        return "duplicate", "the event is recorded already"
    if target.statements and not any(one.wanted for one in target.statements):
        return "processed", OUTSIDE_FILTER
    ended = "stale: a newer change is known" if stale else "applied"
    return "processed", "; ".join([ended, *filter(None, remarks)])


def verdicts(
    batch: Sequence[Prepared], outcomes: Mapping[int, Sequence[tuple[str, str]]]
) -> list[Verdict]:
    """The end of each delivery, in their order, by what its shares came to.

    `outcomes` are (status, reason) of each share, by the delivery's id. Of several stores:
    processed if any was, else skipped, else duplicate.
    """
    return [_verdict(prepared, outcomes.get(prepared.row.id, ())) for prepared in batch]


def _verdict(prepared: Prepared, outcomes: Sequence[tuple[str, str]]) -> Verdict:
    """Of several stores: processed if any store was, else skipped, else duplicate."""
    if prepared.verdict is not None:
        return Verdict(prepared.row.id, *prepared.verdict)
    for status in _BEST_FIRST:
        reasons = [reason for outcome, reason in outcomes if outcome == status]
        if reasons:
            return Verdict(prepared.row.id, status, reasons[0])
    return Verdict(prepared.row.id, "skipped", "the connection feeds no store")
