"""Sentry's API as every request of ours sees it: its base, its refusals, its limits, its pages.

Documents: docs.sentry.io, "API": Authentication, Pagination, Rate Limits. Every path ends in a
slash. A 410 is a path that is withdrawn, for a while at first, and says nothing of what is asked
for (`api/helpers/deprecation.py` of getsentry/sentry). Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ingest.core.errors import BadPayload
from ingest.core.times import from_epoch_s
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Refusal, Response, Rules
from ingest.sources.http import Api

ROOT = "/api/0"
LATER = frozenset({408, 410, 425})

# RFC 8288 as "API: Pagination" writes it: the next page is always named, be there one or not.
_NEXT = re.compile(
    r"<(?P<url>[^<>]{1,4000})>; rel=\"next\"; results=\"(?P<more>true|false)\""
    r"(?:; cursor=\"(?P<cursor>[^\"]{1,200})\")?"
)


def _wait_s(refusal: Refusal) -> float | None:
    """ "API: Rate Limits": the window ends at `X-Sentry-Rate-Limit-Reset`, in seconds since 1970.

    A limit on requests at a time has no window that ends.
    """
    if refusal.status != 429:
        return None
    told = refusal.headers.get("x-sentry-rate-limit-reset", "").strip()
    if told.isascii() and told.isdigit() and len(told) < 12:
        return max(1.0, refusal.until(from_epoch_s(int(told))))
    after_s = refusal.retry_after_s()
    return 60.0 if after_s is None else after_s


RULES = Rules(wait_s=_wait_s, absent=frozenset({404}), later=LATER)
BESIDE = replace(RULES, refused=frozenset({401}), absent=frozenset({403, 404}))
"""What an object may be without: such a refusal leaves that out, and nothing else."""
SEARCH = replace(RULES, absent=frozenset({400, 404}))
"""Of a list: 400 is a cursor, or a question, that is not understood."""


def api_of(access: Access, rules: Rules = RULES) -> Api:
    """One connection's way to the API, whether its base names the API's root or not."""
    base = access.base_url.rstrip("/")
    return Api(
        "Sentry",
        base if base.endswith(ROOT) else base + ROOT,
        access.now,
        headers={"Authorization": f"Bearer {access.token}"},
        rules=rules,
        resolve=access.resolve,
        mask=access.mask,
    )


def next_url(page: Response) -> str | None:
    """The whole URL of the next page; None where there is none."""
    found = _NEXT.search(page.headers.get("link", ""))
    return found["url"] if found and found["more"] == "true" else None


def next_cursor(page: Response) -> str | None:
    """The cursor of the next page, None on the last one.

    Raises `BadPayload` where a page that tells something does not say whether another follows.
    """
    found = _NEXT.search(page.headers.get("link", ""))
    if found is None and page.json() == []:
        return None  # no project is left to list, and then nothing is paged
    if found is None or (found["more"] == "true" and not found["cursor"]):
        raise BadPayload("Link", "does not say whether there is a next page")
    return found["cursor"] if found["more"] == "true" else None


def rows_of(page: Response) -> list[Mapping[str, JSON]]:
    """The objects of a list; raises `BadPayload` for an answer that is none."""
    told = page.json()
    if not isinstance(told, list):
        raise BadPayload("$", "is no list")
    for number, row in enumerate(told):
        if not isinstance(row, dict):
            raise BadPayload(f"[{number}]", "is no object")
    return [row for row in told if isinstance(row, dict)]


def count_in(page: Response, header: str) -> int | None:
    """A number that a header tells (`x-hits`), None where it tells none."""
    told = page.headers.get(header, "").strip()
    return int(told) if told.isascii() and told.isdigit() and len(told) < 12 else None
