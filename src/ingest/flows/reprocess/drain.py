"""The loop that works at runs: claim one under a lease, make its steps, leave it to the next.

Behind live work: a step is small, and followed by a pause three times as long as it took, which
lasts no longer than deliveries are due. Killed anywhere, a run goes on at its cursor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import sqlalchemy as sa
import structlog

from ingest.core.errors import Costly, IngestError, LeaseLost, PermanentError, TransientError
from ingest.flows.reprocess.steps import make_step
from ingest.store import deliveries, reprocess_runs
from ingest.store.claiming import LEASE_S
from ingest.store.engine import BadRow, transaction
from ingest.store.reprocess_runs import ClaimedRun

log = structlog.get_logger(__name__)

PAUSE_OF_STEP = 3.0
MOST_OF_LEASE = 1 / 3
"""Of the lease, which nobody renews meanwhile, the longest pause takes so much: 10 s."""
LOOKS_EVERY_S = 0.5
"""In a pause, whether deliveries are still due."""
SOON_S = 2.0
"""What is due so soon is waited for, rather than rung for again."""
IDLE_S = 0.25
MOST_TRIES = 40
"""Of one step: what fails so often fails whatever it is about."""
AGAIN_S, MOST_AGAIN_S = 1.0, 60.0


@dataclass(slots=True)
class RunsDrained:
    """What a drain did: steps that were made; whether more may be due."""

    steps: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """What a drain works with.

    on_replayed: called after the commit with which deliveries are pending again, to ring for them.
    pause: sleeps; live work goes on meanwhile.
    """

    engine: sa.Engine
    go_on: Callable[[], bool]
    on_replayed: Callable[[], object] = lambda: None
    api_urls: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lease_s: float = LEASE_S
    pause: Callable[[float], object] = time.sleep

    def run(self, only: int | None = None) -> RunsDrained:
        """Work at runs that are due, or at one alone, until none is or `go_on` says no.

        Raises `TransientError` where none can be claimed, since the database is away.
        """
        done = RunsDrained()
        while self.go_on():
            with transaction(self.engine, durable=False) as conn:
                run = reprocess_runs.claim(conn, lease_s=self.lease_s, only=only)
            if run is None:
                if not self._wait_for_next(only):
                    return done
                continue
            done.steps += self._work(run)
        done.more = True
        return done

    def _work(self, run: ClaimedRun) -> int:
        """Make steps of a run until it ends, waits, fails or `go_on` says no; how many."""
        steps = 0
        try:
            while True:
                began = time.monotonic()
                step = make_step(self.engine, run, api_urls=self.api_urls, lease_s=self.lease_s)
                steps += 1
                if step.rings:
                    self.on_replayed()
                if step.ends:
                    log.info("reprocess_done", run=run.id)
                    return steps
                run = step.run
                left_s = IDLE_S if step.waits else self._yield(time.monotonic() - began)
                if step.waits or not self.go_on():
                    self._let_go(run, delay_s=left_s)
                    return steps
        except LeaseLost as error:
            log.info("reprocess_left", run=run.id, reason=str(error))
        except (BadRow, TransientError, PermanentError) as error:
            self._failed(run, error)
        return steps

    def _yield(self, took_s: float) -> float:
        """Leave three quarters of the time to deliveries, while any are due; how many seconds of
        that pause are left where `go_on` says no before. It is bounded by the lease.
        """
        left_s = min(took_s * PAUSE_OF_STEP, self.lease_s * MOST_OF_LEASE)
        while left_s > 0 and self._is_anything_due():
            if not self.go_on():
                return left_s
            self.pause(min(left_s, LOOKS_EVERY_S))
            left_s -= LOOKS_EVERY_S
        return 0.0

    def _is_anything_due(self) -> bool:
        with transaction(self.engine, durable=False) as conn:
            return deliveries.anything_due(conn)

    def _let_go(self, run: ClaimedRun, *, delay_s: float) -> None:
        with transaction(self.engine, durable=False) as conn:
            reprocess_runs.let_go(conn, run, delay_s=delay_s)

    def _failed(self, run: ClaimedRun, error: IngestError) -> None:
        """Try it again, with less where a row may be at fault; what fails for ever ends the run.

        A deadlock, a lost race, a database that is away are nobody's fault.
        """
        counted = isinstance(error, Costly) or not isinstance(error, TransientError)
        log.warning("reprocess_step_failed", run=run.id, error=str(error))
        delay_s = min(AGAIN_S * 2 ** min(run.tries, 10), MOST_AGAIN_S)
        try:
            with transaction(self.engine) as conn:
                if run.tries >= MOST_TRIES:
                    reprocess_runs.fail(conn, run, f"its step failed {run.tries} times: {error}")
                else:
                    reprocess_runs.let_go(
                        conn, run, delay_s=delay_s, error=str(error), counted=counted
                    )
        except TransientError as lost:
            log.warning("reprocess_not_let_go", run=run.id, error=str(lost))

    def _wait_for_next(self, only: int | None) -> bool:
        """Wait a moment where a run is due soon, or for the one that is wanted alone as long as it
        takes; whether it is worth to look again.
        """
        with transaction(self.engine, durable=False) as conn:
            due_s = reprocess_runs.next_due_s(conn, only=only)
        if due_s is None or (due_s > SOON_S and only is None):
            return False
        self.pause(min(max(due_s, IDLE_S), SOON_S))
        return True
