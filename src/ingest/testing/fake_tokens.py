"""The token endpoint of a fake provider: an OAuth client and the tokens that it buys (RFC 6749).

A test writes its script: how long a token lives, by which clock, what is revoked and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.testing.fakes import Answer


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class FakeTokens:
    """The tokens of one OAuth client; there is none while `client_id` is empty.

    refresh_token: the live one; where there is one, the client buys by that alone, and each works
        once: one that comes again takes all that was made with it, as a stolen one does.
    lives_s: of an access token; None for one without an end. now: the provider's clock.
    live: the access tokens that are let in, with their ends. sold: how many were made in all.
    prefix: what they begin with.
    """

    client_id: str = ""
    client_secret: str = ""
    refresh_token: str | None = None
    lives_s: float | None = 1800.0
    now: Callable[[], datetime] = _utc_now
    live: dict[str, datetime | None] = field(default_factory=dict)
    sold: int = 0
    prefix: str = "issued-by-the-fake"
    _used: set[str] = field(default_factory=set)

    def sell(self, asked: Any) -> Answer:
        """One token for a grant, or why there is none (5.2)."""
        told: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {}
        wanted = (self.client_id, self.client_secret)
        if not self.client_id or (told.get("client_id"), told.get("client_secret")) != wanted:
            return Answer(401, {"error": "invalid_client", "error_description": "No such client"})
        grants = {
            "client_credentials": self._of_client,
            "refresh_token": self._of_refresh_token,
        }
        of = grants.get(str(told.get("grant_type")))
        return Answer(400, {"error": "unsupported_grant_type"}) if of is None else of(told)

    def lets_in(self, authorization: str) -> bool:
        """Whether a request with this header bears a live token."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token not in self.live:
            return False
        end = self.live[token]
        return end is None or self.now() < end

    def revoke(self) -> None:
        """All access tokens that are out; the client may buy others."""
        self.live.clear()

    def _of_client(self, told: Mapping[str, Any]) -> Answer:
        if self.refresh_token is not None:
            return Answer(400, {"error": "unauthorized_client"})
        return Answer(body=self._token(str(told.get("scope") or "read")))

    def _of_refresh_token(self, told: Mapping[str, Any]) -> Answer:
        given = told.get("refresh_token")
        if given in self._used:
            self.revoke()
            self.refresh_token = f"{self.prefix}-withdrawn"
        if self.refresh_token is None or given != self.refresh_token:
            return Answer(400, {"error": "invalid_grant", "error_description": "Token revoked"})
        self._used.add(self.refresh_token)
        token = self._token("read")
        self.refresh_token = f"{self.prefix}-refresh-{self.sold}"
        return Answer(body={**token, "refresh_token": self.refresh_token})

    def _token(self, scope: str) -> dict[str, Any]:
        self.sold += 1
        token, lives_s = f"{self.prefix}-access-{self.sold}", self.lives_s
        self.live[token] = None if lives_s is None else self.now() + timedelta(seconds=lives_s)
        ends = {} if lives_s is None else {"expires_in": lives_s}
        return {"access_token": token, "token_type": "Bearer", "scope": scope, **ends}
