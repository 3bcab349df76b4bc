"""The canonical form of text and values, and the hashes taken of it. Performs no I/O.

Two deliveries tell the same thing exactly when their canonical forms are equal, so everything that
is hashed or stored passes through here first.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from ingest.core.values import JSON

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LINE_BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")


def clean(text: str) -> str:
    """The text with U+0000 and lone surrogates as U+FFFD: PostgreSQL refuses both.

    A clean text is returned itself, not a copy.
    """
    if "\x00" not in text:
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    return _UNSTORABLE.sub("\ufffd", text)


def clean_json(value: JSON) -> JSON:
    """The same for every string of a JSON value, keys too. A clean value is returned itself."""
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _rebuilt(value)
    return _rebuilt(value) if b"\\u0000" in written else value


def _rebuilt(value: JSON) -> JSON:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _rebuilt(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rebuilt(item) for item in value]
    return value


def canonical_text(title: str, body: str) -> str:
    """Title, two line feeds, body: clean, NFC, with LF as the only line break of the body.

    The title becomes one line, so the first two line feeds always end it: `title_and_body` is the
    inverse, and both are idempotent.
    """
    title = _LINE_BREAKS.sub(" ", title).strip()
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    text = clean(f"{title}\n\n{body}")
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)


def title_and_body(canonical: str) -> tuple[str, str]:
    """The two parts of a canonical text."""
    title, _, body = canonical.partition("\n\n")
    return title, body


def content_hash(canonical: str) -> str:
    """SHA-256 of the canonical text as UTF-8, in hex. The text must be clean."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def config_hash(
    embedding_model: str,
    embedding_dim: int,
    chunk_max_tokens: int,
    chunk_overlap: int,
    **overrides: JSON,
) -> str:
    """SHA-256 of what decides the chunks of a document, in hex: compact JSON in this key order.

    Overrides of a source follow under their own names, sorted, so that their order of arrival
    does not matter.
    """
    config: dict[str, JSON] = {
        "embeddingModel": embedding_model,
        "embeddingDim": embedding_dim,
        "chunkMaxTokens": chunk_max_tokens,
        "chunkOverlap": chunk_overlap,
        **dict(sorted(overrides.items())),
    }
    return hashlib.sha256(orjson.dumps(config)).hexdigest()


def digest(value: JSON) -> str:
    """SHA-256 of a JSON value with sorted keys, in hex: equal values, equal digests.

    What orjson cannot write (integers beyond 64 bits, keys that are not strings, lone surrogates)
    is written by the standard library; a value always takes the same way.
    """
    try:
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        written = json.dumps(_with_text_keys(value), sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(written).hexdigest()


def _with_text_keys(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {str(key): _with_text_keys(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text_keys(item) for item in value]
    return value
