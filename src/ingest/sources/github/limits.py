"""GitHub's limits: an hour's requests, an hour's points of GraphQL, and a minute's of each.

[DOC: rate-limits-for-the-rest-api, rate-limits-and-query-limits-for-the-graphql-api,
best-practices-for-using-the-rest-api] An App's belong to its installation, others to the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ingest.core.values import JSON
from ingest.sources.github.tokens import is_app
from ingest.sources.limits import (
    Call,
    Limit,
    LimitReading,
    RateLimits,
    until_epoch_s,
    whole,
)

_REST, _GRAPHQL = "rest", "graphql"
_RESOURCES: Mapping[str, str] = {"core": _REST, "graphql": _GRAPHQL}
"""`x-ratelimit-resource`, as we call it; others (search) are not ours to ask."""
_WRITE_POINTS = 5


def _is_graphql(call: Call) -> bool:
    return call.path.endswith("/graphql")


def _rest(call: Call) -> int | None:
    return None if _is_graphql(call) else 1


def _rest_points(call: Call) -> int | None:
    """Of the secondary limit: a reading request is one point, a writing one five."""
    if _is_graphql(call):
        return None
    return 1 if call.method == "GET" else _WRITE_POINTS


def _graphql(call: Call) -> int | None:
    """At least a point; what a query takes beyond that is told by the headers of its answer."""
    return 1 if _is_graphql(call) else None


def _owner(metadata: Mapping[str, JSON], given: str) -> str | None:
    return f"installation {metadata.get('githubInstallationId')}" if is_app(given) else None


def _read(call: Call, headers: Mapping[str, str], now: datetime) -> tuple[LimitReading, ...]:
    """[…#checking-the-status-of-your-rate-limit] The reset is in UTC epoch seconds."""
    resource = headers.get("x-ratelimit-resource", "").strip()
    limit = _RESOURCES.get(resource) if resource else _GRAPHQL if _is_graphql(call) else _REST
    remaining = whole(headers.get("x-ratelimit-remaining"))
    resets_s = until_epoch_s(headers.get("x-ratelimit-reset"), headers, now)
    if limit is None or remaining is None or resets_s is None:
        return ()
    amount = whole(headers.get("x-ratelimit-limit"))
    return (LimitReading(limit, remaining, resets_s, amount),)


LIMITS = RateLimits(
    (
        Limit(_REST, 5000, 3600, _rest, owner=_owner),
        Limit(_GRAPHQL, 5000, 3600, _graphql, owner=_owner),
        Limit("rest a minute", 900, 60, _rest_points, owner=_owner),
        Limit("graphql a minute", 2000, 60, _graphql, owner=_owner),
    ),
    _read,
)
