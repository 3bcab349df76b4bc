"""A webhook, signed as the Standard Webhooks specification says, by its own library.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md: the headers
`webhook-id`, `webhook-timestamp`, `webhook-signature`, which holds a signature by each secret while
one takes the place of another; 2xx is taken, 410 wants no more, anything else is tried again. No
redirect is followed: a body goes to whom the operator named, or to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpcore
import httpx
import orjson
from standardwebhooks import Webhook as Signer

from ingest.core.errors import TransientError, Unavailable
from ingest.core.retry import told_s
from ingest.core.secret import Secret
from ingest.core.times import iso
from ingest.sinks.contract import TAKES_S, SinkEnded
from ingest.sinks.message import SinkMessage
from ingest.sources.answers import Refusal
from ingest.sources.transport import Allowance, Network, Transport

GONE = 410
_FAILURES = (
    httpcore.ConnectionNotAvailable,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    OSError,
)


class SignedWebhook:
    """One URL and the secrets that its messages are signed with (`whsec_…`), the newest first."""

    def __init__(
        self,
        url: str,
        secrets: Sequence[Secret],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        takes_s: float = TAKES_S,
    ) -> None:
        """Contacts nobody. Raises `BadSettings` for a proxy of the environment that is none."""
        self._url, self._now, self._takes_s = url, now, takes_s
        self._signers = [Signer(secret) for secret in secrets]
        self._transport = Transport(url, None, Network())

    def send(self, message: SinkMessage) -> None:
        """Post it, and have it taken: a status of 2xx.

        Raises `SinkEnded` for 410, `TransientError` for every other answer and for none, with
        `retry_after_s` where the answer tells.
        """
        now = self._now()
        body = orjson.dumps({"type": "changes", "timestamp": iso(now), "data": message.as_json()})
        headers = {
            "content-type": "application/json",
            "user-agent": "lightfast-ingest",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(
                signer.sign(message.id, now, body.decode()) for signer in self._signers
            ),
        }
        request = httpx.Request("POST", self._url, headers=headers, content=body)
        status, told = self._answer(request, now)
        _require_taken(status, told, now)

    def close(self) -> None:
        """Close the sockets."""
        self._transport.close()

    def _answer(self, request: httpx.Request, now: datetime) -> tuple[int, dict[str, str]]:
        """The head of the answer; what its body says is nobody's business."""
        allowance = Allowance(self._now, now + timedelta(seconds=self._takes_s))
        try:
            with closing(self._transport.send(request, allowance)) as response:
                headers = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                return response.status, headers
        except _FAILURES as error:
            kind = type(error).__name__
            raise Unavailable(f"the webhook does not answer: {kind}") from None


def _require_taken(status: int, headers: dict[str, str], now: datetime) -> None:
    if 200 <= status < 300:
        return
    if status == GONE:
        raise SinkEnded("the webhook answers 410: it wants nothing more")
    if 300 <= status < 400:
        raise TransientError(f"the webhook answers {status}: no redirect is followed")
    wait_s = Refusal(status, headers, b"", now).retry_after_s()
    raise TransientError(
        f"the webhook answers {status}",
        retry_after_s=None if wait_s is None else told_s(wait_s),
    )
