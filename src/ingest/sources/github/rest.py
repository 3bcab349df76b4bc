"""GitHub's API as every request meets it: its base, its headers, and what its limits mean.

[DOC: rate-limits-for-the-rest-api, best-practices-for-using-the-rest-api]
"""

from __future__ import annotations

import re

from ingest.core.times import from_epoch_s
from ingest.sources.access import Access, Tokens
from ingest.sources.answers import Refusal, Rules
from ingest.sources.http import Api

SECONDARY_WAIT_S = 60.0
"""[DOC: secondary rate limits] "wait for at least one minute" where no header says how long."""
_SECONDARY = re.compile(
    rb"secondary rate limit|abuse detection|abuse-rate-limits|rate limit exc", re.IGNORECASE
)
_HEADERS = {
    "accept": "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    "user-agent": "lightfast-ingest",
}


def _wait_s(refusal: Refusal) -> float | None:
    """403 or 429: `retry-after`, else until the reset where nothing remains, else a minute."""
    if refusal.status not in (403, 429):
        return None
    told = refusal.retry_after_s()
    if told is not None:
        return told
    if refusal.headers.get("x-ratelimit-remaining") == "0":
        return until_reset(refusal)
    limited = refusal.status == 429 or _SECONDARY.search(refusal.body[:4096])
    return SECONDARY_WAIT_S if limited else None


def until_reset(refusal: Refusal) -> float:
    """`x-ratelimit-reset` is in seconds since 1970, by GitHub's own clock."""
    reset = refusal.headers.get("x-ratelimit-reset", "")
    if not (reset.isascii() and reset.isdigit()):
        return SECONDARY_WAIT_S
    try:
        return max(1.0, refusal.until(from_epoch_s(int(reset))))
    except ValueError:
        return SECONDARY_WAIT_S


def _lacks(refusal: Refusal) -> str:
    """[DOC: troubleshooting-the-rest-api] Said of a fine-grained token and of an App's, as
    `contents=read`.
    """
    return refusal.quoted(refusal.headers.get("x-accepted-github-permissions", ""))


# 409 is said of an empty repository's git data: what was asked for is not there.
_RULES = Rules(wait_s=_wait_s, absent=frozenset({404, 409, 410}), lacks=_lacks)


def rest_api(access: Access, tokens: Tokens | None = None) -> Api:
    """A way to the REST API; without `tokens` each request brings its own authorization."""
    base = access.base_url.rstrip("/").removesuffix("/graphql")
    # GitHub Enterprise Server: `/api/v3`, and `/api/graphql`.
    base = f"{base}/v3" if base.endswith("/api") else base
    return Api(
        "GitHub",
        base,
        access.now,
        _HEADERS,
        _RULES,
        resolve=access.resolve,
        mask=access.mask,
        tokens=tokens,
    )
