"""One webhook over HTTP: its head checked, its body read, verified, stored by the group commit,
answered. Whoever cannot be believed is refused before his body is read.
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
from ingest.core.errors import BadSignature, IngestError
from ingest.flows import admission, keyring, receive
from ingest.flows.admission import Head
from ingest.flows.group_commit import GroupCommit
from ingest.flows.keyring import Keyring, Secrets
from ingest.flows.receive import Incoming, Shake
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source_types
from ingest.store.deliveries import Arrival
from ingest.web import answers
from ingest.web.body import Body, Disconnected
from ingest.web.bounded_log import BoundedLog
from ingest.web.metrics import Metrics
from ingest.web.promise import Promise, too_slow
from ingest.web.room import Rooms

ANSWER_WITHIN_S = 4.5
"""From the whole body to the answer: Linear hangs up after 5 s, and a 503 is better than that."""
LARGE_BYTES = 2**20
"""A larger body is verified in a thread, so that the others do not wait for its HMAC."""
UNKNOWN = "unknown"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Waited = TypeVar("Waited")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Receiver:
    """The endpoint of both routes. `threads` is for large bodies and handshakes."""

    keyring: Keyring
    shake: Shake
    commits: GroupCommit
    metrics: Metrics
    threads: ThreadPoolExecutor
    max_body_bytes: int
    rooms: Rooms
    log: BoundedLog
    now: Callable[[], datetime] = _utc_now
    shaking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def receive(self, request: Request) -> Response:
        """The answer to one request."""
        began = time.monotonic()
        source_type: str = request.path_params["source_type"]
        head = Head(source_type, request.path_params.get("connection_id"), _headers(request))
        body = Body(request.receive, head.headers)
        try:
            delivery = await self._take(head, body)
            response, answer = answers.taken(delivery), str(delivery.status)
        except IngestError as error:
            unread = not await body.has_arrived()
            response, answer = answers.refused(error, unread=unread), str(answers.status_of(error))
            self._log_refusal(head, answer, error)
        except Disconnected:
            response, answer = answers.failed(answers.LEFT, "the sender left"), "left"
        self.metrics.answered(_known(source_type), answer, time.monotonic() - began)
        return response

    async def _take(self, head: Head, body: Body) -> Delivery:
        came_at = self.keyring.now()
        descriptor = admission.check_head(head)
        secrets, longest = await self._admit(descriptor, head, came_at)
        with self.rooms.place(head.connection_id) as place:
            raw = await body.read(place, limit=longest)
            incoming = Incoming(head.source_type, head.connection_id, head.headers, raw, self.now())
            until = _until()
            arrival = await self._accept(incoming, descriptor, secrets, came_at, until)
            if arrival is None:
                return Delivery(None, "handshake")
            promise = Promise(asyncio.get_running_loop(), until)
            self.commits.queue(arrival, promise)
            return receive.told(await promise.kept())

    async def _admit(
        self, descriptor: Descriptor, head: Head, came_at: float
    ) -> tuple[Secrets, int]:
        """What may verify the request, and how long a body may follow; by kept secrets where these
        let it in, else by new ones.
        """
        if head.connection_id is None:
            shared = self.keyring.shared(descriptor)
            return shared, self._longest_body(descriptor, head, shared)
        kept = self.keyring.at_hand(descriptor, head.connection_id)
        if kept is not None:
            try:
                return kept, self._longest_body(descriptor, head, kept)
            except BadSignature:
                pass  # unless what is read now says the same
        new = await self._read(descriptor, head.connection_id, came_at, _until())
        return new, self._longest_body(descriptor, head, new)

    def _longest_body(self, descriptor: Descriptor, head: Head, secrets: Secrets) -> int:
        return admission.longest_body(descriptor, head, secrets, self.max_body_bytes)

    async def _read(
        self, descriptor: Descriptor, connection_id: str, came_at: float, until: float
    ) -> Secrets:
        """The secrets as they were after the request came."""
        known = self.keyring.at_hand(descriptor, connection_id, since=came_at)
        if known is not None:
            return known
        asked = asyncio.wrap_future(self.keyring.ask(descriptor, connection_id))
        return keyring.judge(descriptor, await _within(until, asked))

    async def _accept(
        self,
        incoming: Incoming,
        descriptor: Descriptor,
        secrets: Secrets,
        came_at: float,
        until: float,
    ) -> Arrival | None:
        """As `receive.accept`, waiting for what that blocks on."""
        try:
            if len(incoming.body) <= LARGE_BYTES:
                return receive.verify_body(incoming, descriptor, secrets.live)
            return await self._verify_in_thread(incoming, descriptor, secrets, until)
        except BadSignature:
            if incoming.connection_id is None:
                raise
            renewed = await self._read(descriptor, incoming.connection_id, came_at, until)
            if renewed.shakes and await _within(until, self._shake(descriptor, incoming, renewed)):
                return None
            if renewed == secrets:
                raise
            return await self._verify_in_thread(incoming, descriptor, renewed, until)

    async def _verify_in_thread(
        self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets, until: float
    ) -> Arrival | None:
        verified = asyncio.get_running_loop().run_in_executor(
            self.threads, receive.verify_body, incoming, descriptor, secrets.live
        )
        return await _within(until, verified)

    async def _shake(self, descriptor: Descriptor, incoming: Incoming, secrets: Secrets) -> bool:
        """One at a time: whoever brings many tokens has one connection to the database."""
        loop = asyncio.get_running_loop()
        async with self.shaking:
            return await loop.run_in_executor(
                self.threads, self.shake, descriptor, incoming, secrets.live
            )

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


def _known(source_type: str) -> str:
    return source_type if source_type in source_types() else UNKNOWN


def _until() -> float:
    return asyncio.get_running_loop().time() + ANSWER_WITHIN_S


async def _within(until: float, waited_for: Awaitable[Waited]) -> Waited:
    """What it comes to by then; raises `Unavailable` where it does not."""
    try:
        async with asyncio.timeout_at(until):
            return await waited_for
    except TimeoutError as error:
        raise too_slow() from error


def _headers(request: Request) -> dict[str, str]:
    """Names in lower case, as ASGI gives them; of a repeated header the first counts."""
    told = reversed(request.scope["headers"])
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in told}
