"""Notion's limit: so many requests of a connection in each minute, spent at any pace.

Document: developers.notion.com/reference/request-limits: 180, and 600 on the plans Business and
Enterprise, which no answer tells apart: the smaller figure holds for all. No header says what is
left; a 429 says how long to wait, and that holds the connection. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.errors import Refused
from ingest.sources.answers import DEFAULT_WAIT_S, Refusal
from ingest.sources.limits import Limit, RateLimits, whole
from ingest.sources.wire import at

LIMITS = RateLimits((Limit("requests", 180, 60),))
_LIMITED, _BLOCKED = 429, "public_api_request_blocked"


def wait_s(refusal: Refusal) -> float | None:
    """Seconds to wait by `Retry-After`, or by what the body says of it; None: it is no limit.

    Raises `Refused` where the integration is shut out: no waiting lets it in again.
    """
    if refusal.status != _LIMITED:
        return None
    beside = at(refusal.json(), "additional_data")
    if at(beside, "rate_limit_reason") == _BLOCKED:
        raise Refused("Notion blocks the integration's requests; ask its support for what reason")
    told = (refusal.retry_after_s(), whole(str(at(beside, "retry_after") or "")))
    return next((float(one) for one in told if one is not None), DEFAULT_WAIT_S)
