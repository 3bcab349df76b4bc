"""The tokens that a client sends: the one it was given, or those that are made of it as it goes.

Whoever shares them between processes gives a client `Access.tokens` instead. Performs no I/O of its
own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ingest.sources.access import Access, Issued, Renewal, Tokens

_MOST_SPARE_S = 300.0
_SPARE_PART = 0.25


def spare_s(lives_s: float) -> float:
    """How long before its end a token that lives so long is renewed: the last five minutes of an
    hour, and of a short life a quarter.
    """
    return min(_MOST_SPARE_S, lives_s * _SPARE_PART)


def tokens_of(access: Access, renewal: Renewal) -> Tokens | None:
    """The tokens that a client sends; None where its token is one, and stays as it is."""
    if access.tokens is not None:
        return access.tokens
    return KeptTokens(access, renewal) if renewal.applies(access.token) else None


@dataclass(slots=True)
class KeptTokens:
    """Fulfils `access.Tokens` for one client, in memory: what is made is lost with it.

    Of two threads that find a token stale both renew it; where what was given works once, that is
    one too many, and such a client has to be given its tokens.
    """

    access: Access = field(repr=False)
    renewal: Renewal = field(repr=False)
    _given: str | None = field(default=None, repr=False)
    _made: tuple[Issued, datetime | None] | None = field(default=None, repr=False)

    def current(self) -> str:
        """The last one, or another where that is about to end."""
        if self._made is not None:
            issued, until = self._made
            if until is None or self.access.now() < until:
                return issued.token
        return self._ask()

    def renewed(self, refused: str) -> str | None:
        """A new one; raises what `Renewal.ask` raises."""
        if self._made is not None and self._made[0].token != refused:
            return self._made[0].token
        return self._ask()

    def _ask(self) -> str:
        access = self.access
        given = access.token if self._given is None else self._given
        issued = self.renewal.ask(replace(access, token=given))
        lives_s = issued.lives_s
        until = None if lives_s is None else access.now() + _usable(lives_s)
        self._given = issued.given or given
        self._made = issued, until
        return issued.token


def _usable(lives_s: float) -> timedelta:
    return timedelta(seconds=lives_s - spare_s(lives_s))
