"""What a client is given to ask its provider with: where, with which token, and how tokens renew.

Pure values; performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ingest.core.values import JSON
from ingest.sources.masking import Mask

Resolve = Callable[[str], Sequence[str]]
"""The IP addresses of a host's name, the best first; raises `Unavailable` where there are none."""


class Tokens(Protocol):
    """The tokens of one connection, where its provider makes one after another of what was given.

    Blocking; used by several threads at a time. Both raise what `Renewal.ask` raises.
    """

    def current(self) -> str:
        """The token to send; another one soon before that ends."""
        ...

    def renewed(self, refused: str) -> str | None:
        """Another token in the place of one that the provider does not let in (401).

        None where the refused one was made just now: then the refusal holds.
        """
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What a client may use: the API's base URL, the connection's token and metadata, the clock.

    now: only for what a protocol asks the time for (a signed token, a limit's reset, a time-out).
    resolve: how the host's name becomes addresses, each of which is judged before anybody connects
        to it; None where the operator named the host, and it may be anywhere.
    mask: hides the token, and each that is made of it, in whatever is said.
    tokens: those to send, where `token` is what they are made from; None: see `renewing.tokens_of`.
    """

    base_url: str
    token: str = field(repr=False)
    metadata: Mapping[str, JSON]
    now: Callable[[], datetime]
    resolve: Resolve | None = None
    mask: Mask = field(default_factory=Mask, repr=False, compare=False)
    tokens: Tokens | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that a provider made of what was given.

    lives_s: seconds until it ends, None where the provider names no end.
    given: what the next one is made from, where this renewal replaced that (a refresh token that
        works once); None where it stays.
    """

    token: str = field(repr=False)
    lives_s: float | None
    given: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Renewal:
    """How a provider makes tokens of what a connection keeps.

    applies: whether the stored text is what tokens are made from, and no token itself; pure.
    secrets: what of that text must never be said; pure, of any text.
    ask: one more token, by one request to the provider's own hosts. Raises `Refused`, saying what
        to give, where it makes none any more; `RateLimited`, `TransientError`.
    """

    applies: Callable[[str], bool]
    secrets: Callable[[str], tuple[str, ...]]
    ask: Callable[[Access], Issued]
