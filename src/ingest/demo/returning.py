"""The part of the demo that no webhook tells: what stood there before, and what got lost.

Law: it comes back the way it does in production: sync runs, asked for and worked on by a syncer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.core.errors import TransientError
from ingest.core.queues import SYNC_QUEUE
from ingest.flows.syncs.control import has_ended, sync_connection
from ingest.flows.syncs.request import Kind
from ingest.machine import Running
from ingest.store import reading, sync_runs
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake
from ingest.testing.sample import Sample

RETURNED_S = 30.0
"""Until a run has ended."""
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Returned:
    """Documents that no webhook told of: of which source, by which run, and why that was needed.

    expected: the keys that had to come back, none where any will do.
    """

    source: str
    how: str
    why: str
    run: int
    keys: tuple[str, ...]
    expected: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """As it is shown."""
        return {
            "source": self.source,
            "how": f"{self.how} (run {self.run})",
            "why": self.why,
            "documents": list(self.keys),
        }

    def fault(self) -> str | None:
        """What did not come back."""
        missing = [key for key in self.expected if key not in self.keys]
        if missing or not self.keys:
            return (
                f"{self.source}: {', '.join(missing) or 'nothing'} did not come back ({self.why})"
            )
        return None


def backfill(
    stage: Running, store: str, samples: Iterable[Sample], connections: Mapping[str, str]
) -> list[Returned]:
    """What stood at its provider before it was connected, of the samples that say so."""
    return [
        _synced(stage, store, sample, connections, kind="backfill", why="stood there before")
        for sample in samples
        if sample.stood_before
    ]


def lose(samples: Iterable[Sample], fakes: Mapping[str, Fake]) -> None:
    """Let it happen at the providers of which the webhook gets lost."""
    for sample in samples:
        if sample.lost is not None and sample.source_type in fakes:
            sample.lost.happens(fakes[sample.source_type].provider)


def recover(
    stage: Running, store: str, samples: Iterable[Sample], connections: Mapping[str, str]
) -> list[Returned]:
    """What the lost webhooks told of."""
    return [
        _synced(
            stage,
            store,
            sample,
            connections,
            kind="incremental",
            why=f"its webhook was lost: {sample.lost.title}",
            expected=(sample.lost.key,),
        )
        for sample in samples
        if sample.lost is not None
    ]


def _synced(
    stage: Running,
    store: str,
    sample: Sample,
    connections: Mapping[str, str],
    *,
    kind: Kind,
    why: str,
    expected: tuple[str, ...] = (),
) -> Returned:
    engine = stage.machine.program.engine
    before = _keys(stage, store, sample)
    run = sync_connection(engine, connections[sample.source_type], kind=kind, asked_by="the demo")
    stage.ring(SYNC_QUEUE)
    stage.wait(
        lambda: has_ended(_state(stage, run)), seconds=RETURNED_S, until=f"sync run {run} ended"
    )
    if _state(stage, run) != sync_runs.DONE:
        raise TransientError(f"sync run {run} of {sample.source_type} is {_state(stage, run)}")
    came = [key for key in _keys(stage, store, sample) if key not in before]
    return Returned(sample.source_type, kind, why, run, tuple(came), expected)


def _state(stage: Running, run: int) -> str:
    with transaction(stage.machine.program.engine) as conn:
        found = sync_runs.show(conn, run)
    return str(found["state"]) if found is not None else "gone"


def _keys(stage: Running, store: str, sample: Sample) -> list[str]:
    with transaction(stage.machine.program.engine) as conn:
        rows = reading.listing(conn, store_id=store, limit=_MANY)
    return [row["source_id"] for row in rows if row["source_type"] == sample.source_type]
