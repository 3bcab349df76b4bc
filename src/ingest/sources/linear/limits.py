"""Linear's limits: an hour's requests and points of complexity, which come back steadily.

Document: linear.app/developers/rate-limiting. They belong to a user with all his keys, or to an
app's user in a workspace. A limit of one endpoint (`x-ratelimit-endpoint-…`) concerns searches,
which nothing here asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from ingest.core.values import JSON
from ingest.sources import oauth
from ingest.sources.limits import (
    Call,
    Limit,
    LimitReading,
    RateLimits,
    until_epoch_ms,
    whole,
)

_HEADERS: Mapping[str, str] = {"requests": "requests", "complexity": "complexity"}
"""Our limits by the word in the headers' names."""


def _not_known(_call: Call) -> int:
    """What a query costs is told with its answer."""
    return 0


def _owner(metadata: Mapping[str, JSON], given: str) -> str | None:
    """A refresh token is another one each time; its client stays."""
    if not oauth.is_object(given):
        return None
    try:
        told = json.loads(given)
    except (ValueError, RecursionError):
        return None
    client = told.get(oauth.CLIENT_ID) if isinstance(told, dict) else None
    return f"app {client} of {metadata.get('linearOrganizationId')}"


def _read(_call: Call, headers: Mapping[str, str], now: datetime) -> tuple[LimitReading, ...]:
    """The reset is in UTC epoch milliseconds."""
    found: list[LimitReading] = []
    for limit, word in _HEADERS.items():
        remaining = whole(headers.get(f"x-ratelimit-{word}-remaining"))
        resets_s = until_epoch_ms(headers.get(f"x-ratelimit-{word}-reset"), headers, now)
        if remaining is not None and resets_s is not None:
            amount = whole(headers.get(f"x-ratelimit-{word}-limit"))
            found.append(LimitReading(limit, remaining, resets_s, amount))
    return tuple(found)


LIMITS = RateLimits(
    (
        Limit("requests", 2500, 3600, owner=_owner, refills=True),
        Limit("complexity", 2_000_000, 3600, _not_known, owner=_owner, refills=True),
    ),
    _read,
)
