"""One webhook over HTTP: read, verified, stored by the group commit, answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from starlette.requests import Request
from starlette.responses import Response

from ingest.core.answers import Delivery
from ingest.core.errors import BadSignature, IngestError
from ingest.flows import receive
from ingest.flows.group_commit import GroupCommit
from ingest.flows.keyring import Keyring
from ingest.flows.receive import Incoming, Shake
from ingest.sources.registry import all_sources
from ingest.store.deliveries import Arrival
from ingest.web import answers
from ingest.web.body import Budget, Disconnected, read
from ingest.web.metrics import Metrics
from ingest.web.promise import Promise, too_slow

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 4.5
"""From the whole body to the answer: Linear hangs up after 5 s, and a 503 is better than that."""
LARGE_BYTES = 2**20
"""A larger body is verified in a thread, so that the others do not wait for its HMAC."""
BODIES_BYTES = 256 * 2**20
"""What all bodies in memory may take; at least two of the largest."""
SHOWN_CHARS = 64


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Receiver:
    """The endpoint of both routes. `threads` is for look-ups and large bodies."""

    keyring: Keyring
    shake: Shake
    commits: GroupCommit
    metrics: Metrics
    threads: ThreadPoolExecutor
    max_body_bytes: int
    budget: Budget
    now: Callable[[], datetime] = _utc_now

    async def receive(self, request: Request) -> Response:
        """The answer to one request."""
        began = time.monotonic()
        source_type: str = request.path_params["source_type"]
        try:
            delivery = await self._take(request)
            response, answer = answers.taken(delivery), str(delivery.status)
        except IngestError as error:
            response, answer = answers.refused(error), str(answers.status_of(error))
            _log_refusal(request, answer, error)
        except Disconnected:
            response, answer = answers.failed(answers.LEFT, "the sender left"), "left"
        known = source_type if source_type in all_sources() else "unknown"
        self.metrics.answered(known, answer, time.monotonic() - began)
        return response

    async def _take(self, request: Request) -> Delivery:
        headers = _headers(request)
        with self.budget.share() as share:
            body = await read(request.receive, headers, share, limit=self.max_body_bytes)
            incoming = Incoming(
                source_type=request.path_params["source_type"],
                connection_id=request.path_params.get("connection_id"),
                headers=headers,
                body=body,
                received_at=self.now(),
            )
            return await self._store(incoming)

    async def _store(self, incoming: Incoming) -> Delivery:
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_WITHIN_S
        arrival = await self._accept(incoming, until)
        if arrival is None:
            return Delivery(None, "handshake")
        promise = Promise(loop, until)
        self.commits.queue(arrival, promise)
        return receive.told(await promise.kept())

    async def _accept(self, incoming: Incoming, until: float) -> Arrival | None:
        """Verified here and now where the secrets are at hand and the body is small."""
        descriptor = receive.descriptor_of(incoming)
        secrets = self.keyring.at_hand(descriptor, incoming.connection_id)
        if secrets is not None and len(incoming.body) <= LARGE_BYTES:
            try:
                return receive.verify(incoming, descriptor, secrets)
            except BadSignature:
                if incoming.connection_id is None:
                    raise
        loop = asyncio.get_running_loop()
        accepting = loop.run_in_executor(
            self.threads, receive.accept, incoming, self.keyring, self.shake
        )
        try:
            async with asyncio.timeout_at(until):
                return await accepting
        except TimeoutError as error:
            raise too_slow() from error


def _headers(request: Request) -> dict[str, str]:
    """Names in lower case, as ASGI gives them; of a repeated header the first counts."""
    told = reversed(request.scope["headers"])
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in told}


def _log_refusal(request: Request, answer: str, error: IngestError) -> None:
    told = {name: str(value)[:SHOWN_CHARS] for name, value in request.path_params.items()}
    log.warning("delivery_refused", answer=answer, reason=str(error), **told)
