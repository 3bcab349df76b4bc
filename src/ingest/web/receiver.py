"""Receives one webhook over HTTP: head, body, signature, row, answer.

How that goes is `flows.receiving.intake`'s; here is what it waits for, in the event loop. Whoever
cannot be believed is refused before his body is read.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from ingest.core.answers import Delivery
from ingest.core.errors import BadSignature, IngestError, TooLate
from ingest.core.tracing import OFF, RECEIVE, Tracer
from ingest.flows.receiving.arrivals import Stored, answer_of, traced
from ingest.flows.receiving.group_commit import GroupCommit
from ingest.flows.receiving.intake import Shake, take
from ingest.flows.receiving.requests import Head, Incoming
from ingest.flows.receiving.secrets import Keyring, Secrets, judge
from ingest.flows.receiving.verify import verify_body
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source_types
from ingest.store.deliveries import Arrival
from ingest.web import answers
from ingest.web.body import Body, Disconnected
from ingest.web.bounded_log import BoundedLog
from ingest.web.metrics import Metrics
from ingest.web.promise import Promise, too_slow
from ingest.web.room import BodyPlace, Rooms
from ingest.web.unverified import Unverified

ANSWER_WITHIN_S = 4.5
"""From the whole body to the answer: Linear hangs up after 5 s, and a 503 is better than that."""
LARGE_BYTES = 2**20
"""A larger body is verified in a thread, so that the others do not wait for its HMAC."""
UNKNOWN = "unknown"
"""The label of a source that nobody has."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Waited = TypeVar("Waited")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Receiver:
    """The endpoint of both routes, a connection's own and the app-wide one.

    keyring, shake: what may verify a request, and what is done with an unsigned one.
    commits: stores what is verified; to ring is its `on_commit`'s business.
    threads: for large bodies and handshakes.
    max_body_bytes: the longest body. rooms: the memory that bodies share.
    tracer: of what is believed; a stranger begins no span, and goes on with nobody's trace.
    log: for refusals, of which there may be very many. unverified: for those of a connection's own
        route whose signature is at fault.
    now: the time of receipt, in UTC, by which freshness is judged.
    shaking: lets one handshake at a time through to the database.
    """

    keyring: Keyring
    shake: Shake
    commits: GroupCommit
    metrics: Metrics
    threads: ThreadPoolExecutor
    max_body_bytes: int
    rooms: Rooms
    log: BoundedLog
    unverified: Unverified
    now: Callable[[], datetime] = _utc_now
    tracer: Tracer = OFF
    shaking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def receive(self, request: Request) -> Response:
        """The answer to one request: 200 after the commit, else what `answers` has for the error.

        Every answer is counted; refusals are logged, so many a second. Raises only faults of ours.
        """
        began, began_at = time.monotonic(), time.time()
        source_type: str = request.path_params["source_type"]
        head = Head(source_type, request.path_params.get("connection_id"), _headers(request))
        body = Body(request.receive, head.headers)
        try:
            with self.rooms.place(head.connection_id) as place:
                means = _AsyncMeans(self, body, place, began_at)
                delivery = await take(head, means, self.keyring, max_body_bytes=self.max_body_bytes)
            response, answer = answers.taken(delivery), str(delivery.status)
        except TooLate as error:
            response, answer = answers.taken(Delivery(None, "dropped")), "dropped"
            self._log_refusal(head, answer, error)
        except IngestError as error:
            unread = not await body.has_arrived()
            response, answer = answers.refused(error, unread=unread), str(answers.status_of(error))
            self._log_refusal(head, answer, error)
            if isinstance(error, BadSignature):
                self._note_unverified(head, error)
        except Disconnected:
            response, answer = answers.failed(answers.LEFT, "the sender left"), "left"
        self.metrics.answered(_known(source_type), answer, time.monotonic() - began)
        return response

    def _note_unverified(self, head: Head, error: BadSignature) -> None:
        """Whoever looks for the webhooks of a connection finds that they come, and are refused."""
        if head.connection_id is not None and _ID.fullmatch(head.connection_id):
            self.unverified.note(head.connection_id, str(error))

    def _log_refusal(self, head: Head, answer: str, error: IngestError) -> None:
        """Of the request nothing but where it went, and of that no words of a stranger's: somebody
        may have pasted a secret into the path.
        """
        source_type, id_ = _known(head.source_type), head.connection_id
        shown = id_ is not None and (_ID.fullmatch(id_) or self.keyring.knows(id_))
        self.log.tell(
            "delivery_refused",
            answer,
            answer=answer,
            reason=str(error) if source_type != UNKNOWN else "the source type is unknown",
            source_type=source_type,
            connection_id=id_ if shown else None,
        )


class _AsyncMeans:
    """What the intake waits for, in the event loop: until ANSWER_WITHIN_S after the last byte."""

    __slots__ = ("_began_at", "_body", "_place", "_receiver", "_until")

    def __init__(self, receiver: Receiver, body: Body, place: BodyPlace, began_at: float) -> None:
        self._receiver = receiver
        self._body = body
        self._place = place
        self._began_at = began_at
        self._until: float | None = None

    async def secrets(self, descriptor: Descriptor, connection_id: str, *, since: float) -> Secrets:
        keyring = self._receiver.keyring
        known = keyring.at_hand(descriptor, connection_id, since=since)
        if known is not None:
            return known
        asked = asyncio.wrap_future(keyring.ask(descriptor, connection_id))
        return judge(descriptor, await self._in_time(asked))

    async def body(self, head: Head, longest: int) -> Incoming:
        raw = await self._body.read(self._place, limit=longest)
        self._until = _until()
        return Incoming(
            head.source_type, head.connection_id, head.headers, raw, self._receiver.now()
        )

    async def verified(
        self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets
    ) -> Arrival | None:
        if len(incoming.body) <= LARGE_BYTES:
            return verify_body(incoming, descriptor, secrets.live)
        verifying = asyncio.get_running_loop().run_in_executor(
            self._receiver.threads, verify_body, incoming, descriptor, secrets.live
        )
        return await self._in_time(verifying)

    async def shaken(self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets) -> bool:
        return await self._in_time(self._shake(incoming, descriptor, secrets))

    async def stored(self, arrival: Arrival) -> Stored:
        tracer, source_type = self._receiver.tracer, arrival.source_type
        with tracer.span(RECEIVE, began_at=self._began_at, source=source_type) as span:
            promise = Promise(asyncio.get_running_loop(), self._deadline())
            self._receiver.commits.queue(traced(arrival, span), promise)
            stored = await promise.kept()
            span.tell(delivery=stored[0], outcome=answer_of(stored).status)
        return stored

    async def _shake(self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets) -> bool:
        """One at a time: whoever brings many tokens has one connection to the database."""
        receiver, loop = self._receiver, asyncio.get_running_loop()
        async with receiver.shaking:
            return await loop.run_in_executor(
                receiver.threads, receiver.shake, descriptor, incoming, secrets.live
            )

    def _deadline(self) -> float:
        return _until() if self._until is None else self._until

    async def _in_time(self, waited_for: Awaitable[Waited]) -> Waited:
        """What it comes to by then; raises `Unavailable` where it does not."""
        try:
            async with asyncio.timeout_at(self._deadline()):
                return await waited_for
        except TimeoutError as error:
            raise too_slow() from error


def _known(source_type: str) -> str:
    return source_type if source_type in source_types() else UNKNOWN


def _until() -> float:
    return asyncio.get_running_loop().time() + ANSWER_WITHIN_S


def _headers(request: Request) -> dict[str, str]:
    """Names in lower case, as ASGI gives them; of a repeated header the first counts."""
    told = reversed(request.scope["headers"])
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in told}
