"""Says in the database that a receiver is there, so that a time at which none was is known.

Law: beside all requests, and never in their way: in a thread and a session's turn of its own. A
database that is away costs a line in the log, and is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from ingest.core.errors import IngestError
from ingest.core.times import iso
from ingest.pulse import process_name
from ingest.store import clocks, heartbeats
from ingest.store.engine import transaction
from ingest.web.bounded_log import BoundedLog

log = structlog.get_logger(__name__)

BEAT_S = 30.0
AGAIN_S = 5.0
"""Where the last one failed: a silence is to be told as long as it was, and no longer."""
SILENT_S = 120.0
"""A receiver that was silent for longer was not there, or could store nothing."""
ANSWERS_WITHIN_S = 10.0


def say_there(
    engine: sa.Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> datetime | None:
    """Beat once; since when no receiver had been there, where that was for over SILENT_S.

    `now`, this host's clock, is told too. Raises `TransientError` where the database is away.
    """
    with transaction(engine, answers_within_s=ANSWERS_WITHIN_S) as conn:
        since = heartbeats.beat(conn, silent_s=SILENT_S)
        clocks.tell(conn, process_name("web"), now())
        return since


@asynccontextmanager
async def beating(
    beat: Callable[[], datetime | None],
    threads: Executor,
    bounded: BoundedLog,
    *,
    every_s: float = BEAT_S,
    again_s: float = AGAIN_S,
) -> AsyncIterator[None]:
    """Call `beat` (`say_there`) in a thread, at once and every so often, until the block ends.

    Whatever it does, the block begins and ends without it. `again_s`: where the last one failed.
    """

    async def go_on() -> None:
        while True:
            well = await _beat(beat, threads, bounded)
            await asyncio.sleep(every_s if well else again_s)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()


async def _beat(
    beat: Callable[[], datetime | None], threads: Executor, bounded: BoundedLog
) -> bool:
    """Whether it could be written."""
    try:
        since = await asyncio.get_running_loop().run_in_executor(threads, beat)
    except (IngestError, SQLAlchemyError) as error:  # the schema may be behind
        reason = str(error) if isinstance(error, IngestError) else type(error).__name__
        bounded.tell("heartbeat_failed", "database", reason=reason)
        return False
    if since is not None:
        log.warning("receiver_was_away", since=iso(since))
    return True
