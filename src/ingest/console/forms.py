"""Reads a form that was sent: bounded in bytes and in time, as a browser encodes it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from ingest.core.errors import BadInput

MOST_BYTES = 16 * 1024
MOST_FIELDS = 50
WITHIN_S = 10.0


async def read_form(request: Request) -> Mapping[str, str]:
    """Its fields, the last of each name; raises `BadInput` for what is none, or too much."""
    try:
        async with asyncio.timeout(WITHIN_S):
            raw = await _bounded(request)
    except ClientDisconnect as error:
        raise BadInput("whoever sent the form left before its end") from error
    except TimeoutError as error:
        raise BadInput(f"the form did not come within {WITHIN_S:g} s; send it again") from error
    return fields_of(raw.decode("utf-8", "replace"))


def fields_of(text: str) -> Mapping[str, str]:
    """The fields of a query or a form, those that say nothing left out; raises `BadInput`."""
    try:
        told = parse_qsl(text, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadInput(f"there are over {MOST_FIELDS} fields; leave some out") from error
    return {name: value.replace("\0", "").strip() for name, value in told if value.strip("\0 ")}


async def _bounded(request: Request) -> bytes:
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MOST_BYTES:
            raise BadInput(f"the form is over {MOST_BYTES} bytes; send less")
    return bytes(raw)
