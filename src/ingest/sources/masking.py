"""What must never be said, taken out of a text in each form in which an answer may bring it back.

A provider, or whoever answers in its place, knows the token that it was sent, and may say it in any
place: a body, a header, the name of a host. What is made of such an answer goes through a `Mask`.
Performs no I/O.
"""

from __future__ import annotations

import binascii
import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote

HIDDEN = "[secret]"
SHORTEST = 8
"""What is shorter is a word of every text; no provider gives out such tokens."""
MOST_PASSING = 6
_SCHEMES = re.compile(r"(?:bearer|basic|token)[ ]+", re.IGNORECASE)
_PIECES = re.compile(r"\s+|\\n|\"")
_LONG_PIECE = 16
_BEGINNING, _REST = 14, r"[^\s\"'<>]*"


class Mask:
    """Takes the secrets that it has learned out of texts. Used by several threads at a time.

    Each in the forms in which an answer may bring it back: as URLs, JSON, HTML and base64 write it,
    and cut off. What is shorter than `SHORTEST` is not hidden.
    """

    __slots__ = ("_compiled", "_known")

    def __init__(self, *secrets: str) -> None:
        self._known: dict[str, bool] = dict.fromkeys(secrets, False)
        self._compiled: tuple[tuple[str, ...], re.Pattern[str] | None] = ((), None)

    def __repr__(self) -> str:
        return f"<a mask of {len(self._known)} secrets>"

    def learn(self, secret: str, *, passing: bool = False) -> None:
        """Hide this from now on: a token, a key, or the value of an `Authorization` header.

        passing: it is replaced before long, and the last few of those are hidden.
        """
        if secret in self._known:
            return
        self._known[secret] = passing
        replaced = [one for one, passes in [*self._known.items()] if passes][:-MOST_PASSING]
        for one in replaced:
            self._known.pop(one, None)

    def __call__(self, text: str) -> str:
        """The text without them; in upper or lower case, as names of hosts are, they count too."""
        pattern = self._pattern()
        return text if pattern is None else pattern.sub(HIDDEN, text)

    def hides(self, text: str) -> bool:
        """Whether a secret stands in the text."""
        pattern = self._pattern()
        return pattern is not None and pattern.search(text) is not None

    def _pattern(self) -> re.Pattern[str] | None:
        """Made when something is to be said, and with it kept of what it was made."""
        known = (*self._known,)
        made_of, pattern = self._compiled
        if made_of != known:
            pattern = _made(known)
            self._compiled = (known, pattern)
        return pattern


def _made(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Each form whole, or else as much of it as follows its beginning: an answer may be cut."""
    found = {form for one in secrets for part in _parts(one) for form in _spellings(part)}
    forms = sorted(
        (form for form in found if len(form) >= SHORTEST), key=lambda form: (-len(form), form)
    )
    begun = sorted({form[:_BEGINNING] for form in forms if len(form) > _BEGINNING})
    choices = [*map(re.escape, forms), *(re.escape(one) + _REST for one in begun)]
    return re.compile("|".join(choices), re.IGNORECASE) if choices else None


def _parts(secret: str) -> Iterator[str]:
    """The whole, what follows a scheme, the password of a pair, and the lines of a key."""
    bare = _SCHEMES.sub("", secret, count=1).strip()
    yield from (secret, bare)
    pair = bare if ":" in bare else _decoded(bare)
    if pair is not None:
        yield from (pair, pair.rpartition(":")[2])
    yield from (piece for piece in _PIECES.split(secret) if len(piece) >= _LONG_PIECE)


def _decoded(bare: str) -> str | None:
    """RFC 7617: the pair of a Basic authorization; None where it is none."""
    try:
        told = b64decode(bare, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return told if ":" in told and told.isprintable() else None


def _spellings(part: str) -> Iterator[str]:
    """As it is, and as URLs, JSON, HTML, Python and base64 write it."""
    raw = part.encode("utf-8", "replace")
    yield from (part, quote(raw, safe=""), html.escape(part))
    yield from (json.dumps(part)[1:-1], repr(part)[1:-1])
    yield from (b64encode(raw).decode().rstrip("="), urlsafe_b64encode(raw).decode().rstrip("="))
