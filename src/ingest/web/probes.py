"""The endpoints for an operator's machinery: life, readiness, metrics.

Law: however many ask, the database is asked once at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Generic, TypeVar

import structlog
from starlette.requests import Request
from starlette.responses import Response

from ingest.core.errors import IngestError
from ingest.store.failures import ReadOnly
from ingest.web import answers
from ingest.web.bounded_log import BoundedLog
from ingest.web.metrics import CONTENT_TYPE
from ingest.web.peers import PEERS

log = structlog.get_logger(__name__)

READY_WITHIN_S = 5.0
"""Whoever asks for readiness waits no longer, whatever the database does."""
PROTOCOL = "ingest.web.protocol:BoundedProtocol"

Value = TypeVar("Value")


class Probes:
    """The endpoints `/healthz`, `/readyz`, `/metrics` and `/metrics/database`.

    hindrance: why nothing could be received, in a constant text with the remedy, None for a
        receiver that is ready; raises an `IngestError` for a database that cannot be used.
    metrics, database: give Prometheus' text, of this process and of the database.
    threads: runs them, which block. bounded: for what may happen at every request.
    """

    def __init__(
        self,
        hindrance: Callable[[], str | None],
        metrics: Callable[[], bytes],
        database: Callable[[], bytes],
        threads: Executor,
        bounded: BoundedLog,
    ) -> None:
        self._hindrance = Shared(hindrance, threads)
        self._metrics = Shared(metrics, threads)
        self._database = Shared(database, threads)
        self._bounded = bounded
        self._told: str | None = None

    async def health(self, _: Request) -> Response:
        """200: the process answers. Asks nobody, so a process is not restarted for its database."""
        return answers.fine(status="ok")

    async def readiness(self, request: Request) -> Response:
        """200 where the database is reachable, can be written to, has our schema, and its secrets
        can be opened.

        Else 503 with the reason and `retry-after`, within READY_WITHIN_S whatever the database
        does. Where this very request is none of a peer that we know, another protocol serves us:
        that is logged.
        """
        if not getattr(request.state, PEERS, True):
            self._bounded.tell("heads_not_bounded", "protocol", remedy=f"uvicorn --http {PROTOCOL}")
        try:
            hindrance = await asyncio.wait_for(self._hindrance.get(), READY_WITHIN_S)
        except TimeoutError:
            self._bounded.tell(
                "not_ready", "database", reason=f"no answer within {READY_WITHIN_S:g} s"
            )
            return answers.not_ready("the database does not answer in time")
        except ReadOnly as error:
            self._bounded.tell("not_ready", "database", reason=str(error))
            return answers.not_ready("the database can only be read; the log says why")
        except IngestError as error:
            self._bounded.tell("not_ready", "database", reason=str(error))
            return answers.not_ready("the database does not answer; the log says why")
        self._tell(hindrance)
        return answers.fine(status="ready") if hindrance is None else answers.not_ready(hindrance)

    def _tell(self, hindrance: str | None) -> None:
        """A line when it begins and one when it ends: it is asked every few seconds."""
        if hindrance is not None and hindrance != self._told:
            log.error("not_ready", reason=hindrance)
        elif hindrance is None and self._told is not None:
            log.info("ready_again", mended=self._told)
        self._told = hindrance

    async def metrics_text(self, _: Request) -> Response:
        """Prometheus' text of what this process counts; the database is not asked."""
        return Response(await self._metrics.get(), headers={"content-type": CONTENT_TYPE})

    async def database_text(self, _: Request) -> Response:
        """Prometheus' text of what the database says, the same from every receiver."""
        return Response(await self._database.get(), headers={"content-type": CONTENT_TYPE})


class Shared(Generic[Value]):
    """A blocking call that whoever comes while it is under way shares. For one event loop."""

    def __init__(self, call: Callable[[], Value], threads: Executor) -> None:
        self._call = call
        self._threads = threads
        self._under_way: asyncio.Future[Value] | None = None

    async def get(self) -> Value:
        """What it gives; raises what it raises. Whoever stops waiting does not stop the call."""
        if self._under_way is None or self._under_way.done():
            loop = asyncio.get_running_loop()
            self._under_way = loop.run_in_executor(self._threads, self._call)
        return await asyncio.shield(self._under_way)
