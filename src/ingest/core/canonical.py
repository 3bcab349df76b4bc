"""The canonical form of text and values, and the hashes taken of it. Performs no I/O.

Two deliveries tell the same thing exactly when their canonical forms are equal, so everything that
is hashed or stored passes through here first.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from ingest.core.values import JSON

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LINE_BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_MARKS_IN_A_ROW = 30
_JOINER = "\u034f"


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
    """Title, two line feeds, body: clean, NFC, with LF as the only line break of the body, and with
    a joiner in a row of more than thirty combining marks.

    The title becomes one line, so the first two line feeds always end it: `title_and_body` is the
    inverse, and both are idempotent.
    """
    title = _LINE_BREAKS.sub(" ", title).strip()
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    text = clean(f"{title}\n\n{body}")
    if text.isascii():
        return text
    text = _stream_safe(text)
    if unicodedata.is_normalized("NFC", text):
        return text
    return _stream_safe(unicodedata.normalize("NFC", text))  # one mark may have become two


def _stream_safe(text: str) -> str:
    """The text with a joiner after each thirty marks in a row: UAX #15, Stream-Safe Text Format.

    Normalising sorts the marks of a row in the square of their number, and a text can be one row.
    """
    if _marks().isdisjoint(text[_MARKS_IN_A_ROW::_MARKS_IN_A_ROW]):
        return text
    return _long_row().sub(_with_joiners, text)


def _with_joiners(row: re.Match[str]) -> str:
    marks = row[0]
    starts = range(0, len(marks), _MARKS_IN_A_ROW)
    return _JOINER.join(marks[start : start + _MARKS_IN_A_ROW] for start in starts)


@lru_cache(maxsize=1)
def _marks() -> frozenset[str]:
    """What is sorted: the combining marks, and what becomes some."""
    every = map(chr, range(sys.maxunicode + 1))
    marks = {char for char in every if unicodedata.combining(char)}
    return frozenset(marks | set("\u0f73\u0f75\u0f81"))


@lru_cache(maxsize=1)
def _long_row() -> re.Pattern[str]:
    return re.compile(f"[{''.join(sorted(_marks()))}]{{{_MARKS_IN_A_ROW + 1},}}")


def title_and_body(canonical: str) -> tuple[str, str]:
    """The two parts of a canonical text, as `canonical_text` put them together."""
    title, _, body = canonical.partition("\n\n")
    return title, body


def content_hash(canonical: str) -> str:
    """SHA-256 of the canonical text as UTF-8, in hex: 64 digits, the document's `content_hash`.

    The text has to be clean: a lone surrogate has no UTF-8.
    """
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
