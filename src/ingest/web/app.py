"""The receiver's ASGI application: its parts put together, its routes, its start and its end."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import sqlalchemy as sa
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

from ingest.bell.ring import Publish, publish, ring
from ingest.bell.ringer import Ringer
from ingest.budget.left import limits_left
from ingest.core.errors import BadSettings, IngestError, TransientError, Unavailable
from ingest.flows.doctor.readiness import hindrance_of
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.group_commit import GroupCommit
from ingest.flows.receiving.handshake import shaken_in
from ingest.flows.receiving.refusals import record_unverified
from ingest.kept import Kept
from ingest.sources.registry import all_sources
from ingest.startup import tell_of_settings
from ingest.store import gauges
from ingest.store.engine import pool_of, transaction
from ingest.store.gauges import Gauges
from ingest.web import answers, descriptors
from ingest.web.bounded_log import BoundedLog
from ingest.web.database_metrics import COSTLY_KEPT_S, KEPT_S, DatabaseMetrics
from ingest.web.heartbeat import beating, say_there
from ingest.web.metrics import Metrics
from ingest.web.peers import MOST_PEERS, PEERS, Peers
from ingest.web.probes import Probes
from ingest.web.receiver import Receiver
from ingest.web.room import Rooms
from ingest.web.unverified import Unverified
from ingest.wiring import Program, program, set_up_logs

if TYPE_CHECKING:
    from ingest.console.mount import MountedConsole

log = structlog.get_logger(__name__)

THREADS = 8
"""For large bodies, handshakes and probes; what is stored and the heartbeat have one each."""
SWEEP_S = 1.0
"""Between two looks for connections that wait too long."""
YOUNG_OBJECTS = 10_000
"""Allocations between two collections; Python's own figure is 700."""


def create_app(of: Program | None = None, *, publish: Publish = publish) -> Starlette:
    """The application of this environment, or of the given program.

    `publish` sends a wake-up message; by default to the broker of the environment. Neither database
    nor broker is contacted before the first request. Sets up the logs of the process. A wrong
    setting is one line and exit 2 (`SystemExit`); a missing service exit 3.
    """
    set_up_logs()
    try:
        if of is not None:
            return _application(of, publish)
        tell_of_settings()
        made = _application(program(application="ingest-web"), publish)
    except BadSettings as error:
        _exit(2, error)
    except Unavailable as error:
        _exit(3, error)
    _tame_garbage_collection()
    return made


def _tame_garbage_collection() -> None:
    """What was loaded lives as long as the process; walking it holds all answers up for 0.1 s."""
    all_sources()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def _exit(code: int, error: IngestError) -> NoReturn:
    sys.stderr.write(f"ingest web: {error}\n")
    raise SystemExit(code)


def _application(parts: Program, publish: Publish) -> Starlette:
    parts.require_broker()
    engine = parts.engine
    ringer = Ringer(lambda: ring(engine, publish=publish))
    metrics = Metrics(lambda: pool_of(engine))
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="receiver")
    bounded = BoundedLog(log.warning)

    def committed(deliveries: int) -> None:
        metrics.committed(deliveries)
        ringer.notify()

    commits = GroupCommit(insert_into(engine), committed)
    receiver = _receiver(parts, commits, metrics, threads, bounded)
    probes = _probes(parts, metrics, threads, bounded)
    heart = ThreadPoolExecutor(1, thread_name_prefix="heartbeat")
    console = _console(parts, lambda queue: ring(engine, queue, publish=publish))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, object]]:
        async with (
            watched_peers(metrics, bounded) as peers,
            beating(lambda: say_there(engine), heart, bounded),
        ):
            yield {PEERS: peers}
        await asyncio.to_thread(commits.close)
        await asyncio.to_thread(ringer.close)
        for pool in (threads, heart):
            pool.shutdown(wait=False, cancel_futures=True)
        if console is not None:
            console.close()
        parts.close()
        bounded.close()

    further = console.routes if console is not None else ()
    return answering(receiver, probes, further=further, lifespan=lifespan)


def answering(
    receiver: Receiver,
    probes: Probes,
    *,
    further: Sequence[BaseRoute] = (),
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The routes and what is answered where there is none, or where one fails; starts nothing."""
    app = Starlette(
        routes=[*_routes(receiver, probes), *further],
        lifespan=lifespan,
        exception_handlers={HTTPException: _unrouted, Exception: _fault},
    )
    app.router.redirect_slashes = False
    return app


def _receiver(
    parts: Program,
    commits: GroupCommit,
    metrics: Metrics,
    threads: ThreadPoolExecutor,
    bounded: BoundedLog,
) -> Receiver:
    limit = parts.settings.max_body_bytes
    return Receiver(
        parts.keyring,
        shaken_in(parts.engine, lambda: parts.vault),
        commits,
        metrics,
        threads,
        limit,
        Rooms(limit),
        bounded,
        Unverified(partial(record_unverified, parts.engine), threads),
        tracer=parts.tracer,
    )


def _probes(
    parts: Program, metrics: Metrics, threads: ThreadPoolExecutor, bounded: BoundedLog
) -> Probes:
    def hindrance() -> str | None:
        return hindrance_of(parts.probe, parts.vault)

    return Probes(hindrance, metrics.text, _database_metrics(parts).text, threads, bounded)


def _routes(receiver: Receiver, probes: Probes) -> list[Route]:
    return [
        Route("/webhooks/{source_type}", receiver.receive, methods=["POST"]),
        Route("/webhooks/{source_type}/{connection_id}", receiver.receive, methods=["POST"]),
        Route("/healthz", probes.health),
        Route("/readyz", probes.readiness),
        Route("/metrics", probes.metrics_text),
        Route("/metrics/database", probes.database_text),
    ]


def _console(parts: Program, ring: Callable[[str], object]) -> MountedConsole | None:
    """The console, where somebody can sign in to it; else nothing of it is loaded."""
    if not parts.settings.has_console:
        return None
    from ingest.console.mount import console  # noqa: PLC0415 - most receivers have none

    return console(parts, ring)


@asynccontextmanager
async def watched_peers(metrics: Metrics, bounded: BoundedLog) -> AsyncIterator[Peers]:
    """The connections of this process, as many as its descriptors allow; swept for slow ones.

    To be entered in the event loop that serves them. Raises the process's limit of file descriptors
    as far as it may.
    """

    def told(reason: str) -> None:
        metrics.dropped(reason)
        bounded.tell("connection_dropped", reason, reason=reason)

    most = descriptors.for_connections(descriptors.raise_limit(), MOST_PEERS)
    peers = Peers(asyncio.get_running_loop().time, told, most=most, most_heads=most // 2)
    sweeping = asyncio.create_task(_sweep(peers))
    try:
        yield peers
    finally:
        sweeping.cancel()


async def _sweep(peers: Peers) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        peers.sweep()


def _database_metrics(parts: Program) -> DatabaseMetrics:
    def kept(read: Callable[[sa.Connection], Gauges], keep_s: float) -> Callable[[], Gauges]:
        def reading() -> Gauges:
            with transaction(parts.engine) as conn:
                return read(conn)

        return Kept(reading, keep_s).get

    def limits() -> Gauges:
        return limits_left(parts.budgets, all_sources().values())

    return DatabaseMetrics(
        kept(gauges.read, KEPT_S),
        kept(gauges.read_costly, COSTLY_KEPT_S),
        Kept(limits, KEPT_S).get,
    )


async def _unrouted(_: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such route, another method."""
    if not isinstance(error, HTTPException):
        raise error
    return answers.failed(error.status_code, error.detail, dict(error.headers or {}))


async def _fault(_: Request, __: Exception) -> Response:
    """A fault of ours: the sender is asked to come again. Starlette raises it on, to be logged."""
    return answers.refused(TransientError("the receiver failed; its log says why"))
