"""One recorded payload as a signed request over HTTP, and what the receiver answered."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx

from ingest.core.signing import sign
from ingest.sources.registry import source
from ingest.testing.recorded import Recorded, Sending

SECRET = "the webhook secret of all corpus connections"
NAMES = uuid.UUID("9b3c2a54-5c0e-4f57-9a53-0d8f6a8f6a10")
SENDERS = 4
ANSWER_S = 30.0
_FORM = "application/x-www-form-urlencoded"
# Of the recorded connection, not of the delivery.
_NOT_SENT = frozenset({"accept-encoding", "content-encoding", "content-length", "expect", "host"})
_NOT_SENT |= {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to: HTTP's status, ours, and the delivery's id where there is one."""

    recorded: Recorded
    code: int
    said: str
    delivery: int | None
    seconds: float


def send_all(
    url: str,
    payloads: Sequence[Recorded],
    sendings: Mapping[str, Sending],
    connections: Mapping[tuple[str, str], str],
) -> list[Answer]:
    """Send each payload to its connection, or the app-wide way; several at once."""
    with (
        httpx.Client(base_url=url, timeout=ANSWER_S, trust_env=False) as client,
        ThreadPoolExecutor(SENDERS) as threads,
    ):

        def send(one: Recorded) -> Answer:
            sending = sendings[one.source]
            key = sending.connection(one)
            connection = connections.get((one.source, key)) if key is not None else None
            return _send(client, one, sending, connection)

        return list(threads.map(send, payloads))


def request(of: Recorded, sending: Sending, now: datetime) -> tuple[dict[str, str], bytes]:
    """The headers, signed, and the very bytes."""
    delivery_id = str(uuid.uuid5(NAMES, of.name))
    scheme = source(of.source).descriptor.scheme
    made_anew = {name.lower() for name in (scheme.header, *scheme.other_headers)}
    if scheme.time is not None:
        made_anew.add(scheme.time.name.lower())
    told = {name: text for name, text in of.headers.items() if name not in _NOT_SENT | made_anew}
    headers = {**sending.headers(of, delivery_id, now), **told}
    body = sending.dated(_body(of, headers), now)
    return headers | {scheme.header.lower(): sign(scheme, headers, body, SECRET)}, body


def _body(of: Recorded, headers: Mapping[str, str]) -> bytes:
    if of.raw is not None:
        return of.raw
    try:
        text = json.dumps(of.body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate travels as an escape
        text = json.dumps(of.body, separators=(",", ":")).encode()
    is_form = headers.get("content-type", "").lower().startswith(_FORM)
    return urlencode({"payload": text}).encode() if is_form else text


def _send(client: httpx.Client, one: Recorded, sending: Sending, connection: str | None) -> Answer:
    headers, body = request(one, sending, datetime.now(UTC))
    way = f"/webhooks/{one.source}" + (f"/{connection}" if connection else "")
    sendable = httpx.Headers(headers, encoding="utf-8")
    response = client.post(way, content=body, headers=sendable)
    told = response.json() if response.headers.get("content-type", "").endswith("json") else {}
    said = told.get("status") or told.get("error") or response.text
    seconds = response.elapsed.total_seconds()
    return Answer(one, response.status_code, str(said), told.get("delivery"), seconds)
