"""Who may come again: signed cookies, and the tokens that tie a form to whoever was shown it. Pure.

A session is `<end>.<id>.<signature>`: nothing is stored, so any receiver of the installation knows
it. Its key is made of the password too: a new password ends every session.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

SESSION_S = 12 * 3600
"""From the log-in on."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Seals:
    """What sessions and forms are signed with: the first key signs, any is believed."""

    keys: tuple[bytes, ...] = field(repr=False)

    def session(self, id_: str, now_s: float) -> str:
        """The cookie of a session that begins now; `id_` is random, of letters and digits."""
        told = f"{int(now_s) + SESSION_S}.{id_}"
        return f"{told}.{_signature(self.keys[0], 'session', told)}"

    def opened(self, cookie: str, now_s: float) -> str | None:
        """The id of the session; None for a cookie that is none of ours, or has ended."""
        told, _, signature = cookie.rpartition(".")
        if len(cookie) > _LONGEST or not self._is_ours("session", told, signature):
            return None
        end, _, id_ = told.partition(".")
        return id_ if int(end) > now_s else None

    def form_token(self, visitor: str) -> str:
        """What a form that is shown to this visitor brings back."""
        return _signature(self.keys[0], "form", visitor)

    def is_form_token(self, visitor: str, told: str) -> bool:
        """Whether it was shown to this visitor."""
        return self._is_ours("form", visitor, told)

    def _is_ours(self, use: str, told: str, signature: str) -> bool:
        given = signature.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(_signature(key, use, told).encode(), given) for key in self.keys
        )


def seals_of(secret_keys: tuple[str, ...], password: str) -> Seals:
    """Of an installation's keys and its console's password (empty where there is none)."""
    use = f"lightfast-ingest console v1\n{password}".encode()
    return Seals(tuple(hmac.digest(key.encode(), use, "sha256") for key in secret_keys))


def is_password(given: str, password: str) -> bool:
    """Whether they are the same, in a time that tells nothing of either."""
    told, meant = (sha256(one.encode("utf-8", "replace")).digest() for one in (given, password))
    return hmac.compare_digest(told, meant)


def _signature(key: bytes, use: str, told: str) -> str:
    return hmac.digest(key, f"{use}\n{told}".encode("utf-8", "replace"), "sha256").hex()
