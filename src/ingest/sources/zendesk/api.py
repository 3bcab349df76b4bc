"""The way to one account's API: its base, its token, and what its refusals mean.

Law: a limit of one endpoint (the exports have their own) puts off the request that met it; the
account's puts off everybody. Performs no I/O.
Sources: developer.zendesk.com/api-reference/introduction (security-and-auth, rate-limits,
pagination).
"""

from __future__ import annotations

from base64 import b64encode

from ingest.core.errors import BadPayload, PermanentError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import DEFAULT_WAIT_S, Refusal, Response, Rules
from ingest.sources.http import Api
from ingest.sources.renewing import tokens_of
from ingest.sources.zendesk.tokens import RENEWAL, base_of_account, is_api_token

FORBIDDEN = 403
"""It may be this object alone that is not shown, so it is `Absent`, and whoever asked decides."""
_RESETS = ("ratelimit-reset", "rate-limit-reset")
_LEFT = ("x-rate-limit-remaining", "ratelimit-remaining")
Answered = dict[str, JSON]
"""The object that an answer is."""


def api_of(access: Access) -> Api:
    """The API of the connection's account, with its token."""
    tokens = tokens_of(access, RENEWAL)
    headers = {"accept": "application/json"}
    if tokens is None:
        headers["authorization"] = _authorization(access.token)
    rules = Rules(
        wait_s=_limited,
        refused=frozenset({401}),
        absent=frozenset({FORBIDDEN, 404, 410}),
        later=frozenset({408, 409, 425, 429}),
    )
    return Api(
        "Zendesk",
        f"{base_of_account(access)}/api/v2",
        access.now,
        headers,
        rules,
        resolve=access.resolve,
        mask=access.mask,
        tokens=tokens,
    )


def _authorization(token: str) -> str:
    """…/introduction/security-and-auth: `email/token:api_token` is Basic, all else OAuth."""
    if is_api_token(token):
        return f"Basic {b64encode(token.encode()).decode()}"
    return f"Bearer {token}"


def _limited(refusal: Refusal) -> float | None:
    """…/introduction/rate-limits: `Retry-After`, else the seconds until the limit's reset.

    None where the account's own limit is not used up: then it is one endpoint's, and what asked
    there comes again later, while all others go on.
    """
    if refusal.status != 429:
        return None
    left = [told for name in _LEFT if (told := refusal.headers.get(name, "").strip()).isdigit()]
    if any(int(told) > 0 for told in left) and refusal.retry_after_s() is not None:
        return None
    told_s = refusal.retry_after_s()
    if told_s is not None:
        return told_s
    resets = (refusal.headers.get(name, "") for name in _RESETS)
    return next((float(s) for s in resets if s.isascii() and s.isdigit()), DEFAULT_WAIT_S)


def answered(answer: Response) -> Answered:
    """The object that an answer is; raises `BadPayload` where it is none."""
    told = answer.json()
    if not isinstance(told, dict):
        raise BadPayload("$", "not an object")
    return told


def rows_of(page: Answered, name: str) -> list[Answered]:
    """The objects that a page lists; raises `BadPayload` for what is no list of objects."""
    found = page.get(name)
    if not isinstance(found, list):
        raise BadPayload(name, "missing" if found is None else "not a list")
    rows = [row for row in found if isinstance(row, dict)]
    if len(rows) < len(found):
        raise BadPayload(name, "a list of what is not all objects")
    return rows


def next_of(page: Answered, after: str | None) -> str | None:
    """The cursor of the next page; None where this is the last one.

    `links.next` has it too, but on the account's own host. Raises `BadPayload` where more is told
    of, and not where it stands.
    """
    meta = page.get("meta")
    if not isinstance(meta, dict):
        if page.get("next_page") is not None:
            raise BadPayload("meta", "missing, and there are more pages")
        return None
    if meta.get("has_more") is not True:
        return None
    cursor = meta.get("after_cursor")
    if not isinstance(cursor, str) or not cursor or cursor == after:
        raise PermanentError("Zendesk says that there is more, but not where")
    return cursor
