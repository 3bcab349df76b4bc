"""Short keys made from long ones, without losing what makes them unique. Performs no I/O."""

from __future__ import annotations

import hashlib
import re

from ingest.core.canonical import clean

SLUG_CHARS = 256
KEY_CHARS = 255

_SLUG_HASH = 12
_KEY_HASH = 32
_OUTSIDE = re.compile(r"[^a-z0-9/_.-]+")


def slug(readable: str, identity_sha256_hex: str) -> str:
    """`readable~0123456789ab`: at most 256 characters, for people to read and programs to match.

    The readable part must be immutable (path, number, id) and the hash that of the identity: the
    slug then never moves, and is unique even where the readable parts are equal.
    """
    plain = _OUTSIDE.sub("-", readable.lower()).strip("-")
    room = SLUG_CHARS - _SLUG_HASH - 1
    return f"{plain[:room].rstrip('-')}~{identity_sha256_hex[:_SLUG_HASH]}"


def bounded_key(value: str, limit: int = KEY_CHARS) -> str:
    """The value itself where it fits, else its beginning and a hash of the whole.

    The result has at most `limit` characters. Two long values with one beginning stay different.
    Raises ValueError for a limit that leaves no room for the hash.
    """
    if len(value) <= limit:
        return value
    room = limit - _KEY_HASH - 1
    if room < 0:
        raise ValueError(f"a limit of {limit} leaves no room for a hash of {_KEY_HASH} characters")
    whole = hashlib.sha256(clean(value).encode()).hexdigest()
    return f"{value[:room]}~{whole[:_KEY_HASH]}"
