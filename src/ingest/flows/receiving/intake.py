"""The intake: the one way of a request into the queue, whoever brings it.

Head, secrets, body, signature, row: in this order, so that whoever cannot be believed is refused
before his body is read, and nobody is answered before the commit. How that waits (for secrets, for
bytes, for the commit) is the caller's: the receiver in its event loop, the others block.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ingest.core.answers import Delivery
from ingest.core.errors import BadRequest, BadSettings, BadSignature
from ingest.core.tracing import OFF, RECEIVE, TRACEPARENT, Tracer
from ingest.flows.receiving.admission import check_head, longest_body
from ingest.flows.receiving.arrivals import Insert, Stored, answer_of, traced, unstorable
from ingest.flows.receiving.requests import Head, Incoming
from ingest.flows.receiving.secrets import Keyring, Secrets
from ingest.flows.receiving.verify import verify_body
from ingest.sources.contract import Descriptor
from ingest.store.deliveries import Arrival
from ingest.store.engine import BadRow

Shake = Callable[[Descriptor, Incoming, Sequence[str]], bool]
"""Whether an unsigned request is a handshake that is waited for, given the live secrets; its token
is kept then. Raises `Unavailable` where it cannot be."""

T = TypeVar("T")


class Means(Protocol):
    """The steps of an intake that may have to wait, as one caller does them for one request.

    The receiver awaits them in its event loop, an `Intake` blocks in each.
    """

    async def secrets(self, descriptor: Descriptor, connection_id: str, *, since: float) -> Secrets:
        """A connection's secrets as read at `since` or later (of the keyring's clock).

        Raises `NotConnected`, `Unavailable` where they cannot be read, or `BadSettings` where no
        key of ours opens them.
        """
        ...

    async def body(self, head: Head, longest: int) -> Incoming:
        """The whole request; raises `BadRequest` (413) where more than `longest` bytes would have
        to be read, and what else hinders reading.
        """
        ...

    async def verified(
        self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets
    ) -> Arrival | None:
        """As `verify_body`."""
        ...

    async def shaken(self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets) -> bool:
        """As `Shake`."""
        ...

    async def stored(self, arrival: Arrival) -> Stored:
        """The row, committed; raises `Unavailable` where that cannot be now."""
        ...


async def take(head: Head, means: Means, keyring: Keyring, *, max_body_bytes: int) -> Delivery:
    """Verify one request and store it; returns after the commit.

    The delivery's id is None for a handshake, which is answered and not stored. A 2xx may leave
    once this returns, and not before. Ringing is the caller's. Raises `BadRequest`, `BadSignature`
    and `NotConnected`, which no repetition mends; `TooLate` for what is to be dropped, its sender
    being told 200; `Unavailable` or `BadSettings` where it cannot be stored or verified now, and
    the sender has to come again.
    """
    came_at = keyring.now()
    descriptor = check_head(head)
    secrets = await _admitting(head, means, keyring, descriptor, came_at)
    incoming = await means.body(head, longest_body(descriptor, head, secrets, max_body_bytes))
    arrival = await _believed(incoming, means, descriptor, secrets, came_at)
    if arrival is None:
        return Delivery(None, "handshake")
    return answer_of(await means.stored(arrival))


async def _admitting(
    head: Head, means: Means, keyring: Keyring, descriptor: Descriptor, came_at: float
) -> Secrets:
    """What may verify the request: kept secrets where these let it in, else what is read now."""
    if head.connection_id is None:
        return keyring.shared(descriptor)
    kept = keyring.at_hand(descriptor, head.connection_id)
    if kept is not None:
        try:
            longest_body(descriptor, head, kept, 0)
        except BadSignature:
            pass  # unless what is read now says the same
        else:
            return kept
    return await means.secrets(descriptor, head.connection_id, since=came_at)


async def _believed(
    incoming: Incoming,
    means: Means,
    descriptor: Descriptor,
    secrets: Secrets,
    came_at: float,
) -> Arrival | None:
    """The arrival; None for a handshake.

    Nobody is refused for what an old copy of the secrets says: they are read anew first. What
    nobody signed may still be a handshake.
    """
    try:
        return await means.verified(incoming, descriptor, secrets)
    except BadSignature:
        connection_id = incoming.connection_id
        if connection_id is None:
            raise
        renewed = await means.secrets(descriptor, connection_id, since=came_at)
        if renewed.shakes and await means.shaken(incoming, descriptor, renewed):
            return None
        if renewed.fault is not None:
            return await _unless_shut(incoming, means, descriptor, renewed, renewed.fault)
        if renewed == secrets:
            raise
        return await means.verified(incoming, descriptor, renewed)


async def _unless_shut(
    incoming: Incoming, means: Means, descriptor: Descriptor, secrets: Secrets, fault: str
) -> Arrival | None:
    """Nobody is refused who may have signed with a secret that we cannot open: he comes again."""
    try:
        return await means.verified(incoming, descriptor, secrets)
    except BadSignature as refusal:
        raise BadSettings(fault) from refusal


def never(_descriptor: Descriptor, _incoming: Incoming, _secrets: Sequence[str]) -> bool:
    """The `Shake` of those through whom no handshake comes: always False."""
    return False


@dataclass(frozen=True, slots=True)
class Intake:
    """The intake for those who block: library, command line, Celery task.

    insert: `arrivals.insert_into` of an engine; one transaction for each delivery.
    wake: called after the commit of each delivery that was accepted, to ring for it.
    max_body_bytes: the longest body.
    shake: what to do with an unsigned request; by default no handshake comes this way.
    tracer: a delivery goes on with the trace that its caller names (`traceparent`).
    """

    keyring: Keyring
    insert: Insert
    wake: Callable[[], object]
    max_body_bytes: int
    shake: Shake = never
    tracer: Tracer = OFF

    def take(self, incoming: Incoming) -> Delivery:
        """Verify, store, wake. Raises what the module's `take` raises.

        Blocks until the commit. A delivery that was known is `duplicate`, and wakes nobody.
        """
        if len(incoming.body) > self.max_body_bytes:
            raise BadRequest(
                f"the body is larger than {self.max_body_bytes} bytes; "
                "raise INGEST_MAX_BODY_BYTES to accept it",
                status=413,
            )
        means = _Blocking(self, incoming)
        delivery = _at_once(
            take(incoming.head, means, self.keyring, max_body_bytes=self.max_body_bytes)
        )
        if delivery.status == "accepted":
            self.wake()
        return delivery


@dataclass(frozen=True, slots=True)
class _Blocking:
    """Each step blocks until it is done, so that nothing is ever awaited."""

    intake: Intake
    incoming: Incoming

    async def secrets(self, descriptor: Descriptor, connection_id: str, *, since: float) -> Secrets:
        return self.intake.keyring.look_up(descriptor, connection_id, since=since)

    async def body(self, _head: Head, _longest: int) -> Incoming:
        return self.incoming

    async def verified(
        self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets
    ) -> Arrival | None:
        return verify_body(incoming, descriptor, secrets.live)

    async def shaken(self, incoming: Incoming, descriptor: Descriptor, secrets: Secrets) -> bool:
        return self.intake.shake(descriptor, incoming, secrets.live)

    async def stored(self, arrival: Arrival) -> Stored:
        parent = self.incoming.headers.get(TRACEPARENT)
        source_type = arrival.source_type
        with self.intake.tracer.span(RECEIVE, parent=parent, source=source_type) as span:
            try:
                (stored,) = self.intake.insert([traced(arrival, span)])
            except BadRow as error:
                raise unstorable(error) from error
            span.tell(delivery=stored[0], outcome=answer_of(stored).status)
        return stored


def _at_once(steps: Coroutine[Any, Any, T]) -> T:
    """What steps come to that never wait."""
    try:
        steps.send(None)
    except StopIteration as end:
        found: T = end.value
        return found
    steps.close()
    raise RuntimeError("a step of a blocking intake waits for an event loop")
