"""A canonical text cut into chunks for embedding, and put together again. Performs no I/O.

Laws: `join(split(text)) == text`; no chunk has more tokens than the configuration allows; a text
that fits is exactly one chunk; the same text gives the same chunks in every process.

The Markdown splitter decides where to cut. It is slow only because it counts tokens again and
again, so counting is done by `part_tokens`, which remembers. Time stays linear for any input: a
text is split in windows, and a window that Markdown parsers are slow at is split as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ingest.core import tokens
from ingest.core.part_tokens import PartTokens

WINDOW_CHARS = 65_536
"""Longer texts are split window by window; no chunk and no overlap crosses a border of windows."""

PLAIN_CHARS = 1_048_576
"""In longer texts Markdown is not looked at: lines and sentences are borders enough."""

# Merging bytes and finding words both take the square of the length of an unbroken piece, so a
# window with a long one is cut again, small enough for that not to matter.
_LONG_PIECE_CHARS = 1_024
_UNBROKEN_CHARS = 16_384
_UNBROKEN_WINDOW_CHARS = 4_096

_SMALLEST_CHUNK = 4  # tokens: one character has at most four bytes, hence four tokens

# 24 block quotes or lists inside one another: markers in a row, or a list item far to the right.
# Possessive, so that no character is looked at twice.
_MARKER = r"(?:[-*+]|[0-9]{1,9}+[.)])[ \t]"
_NESTED = re.compile(
    rf"^(?:[ \t]*+(?:>[ \t]*+|{_MARKER}++){{24}}|[ \t]{{46,}}+{_MARKER})", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ChunkConfig:
    """How long a chunk may be, and how much of it the next one repeats, in cl100k tokens.

    Raises ValueError for fewer than 4 tokens, and for an overlap that is not less than the whole.
    """

    max_tokens: int = 512
    overlap: int = 50

    def __post_init__(self) -> None:
        if self.max_tokens < _SMALLEST_CHUNK:
            raise ValueError(f"max_tokens {self.max_tokens} is below {_SMALLEST_CHUNK}")
        if not 0 <= self.overlap < self.max_tokens:
            raise ValueError(f"overlap {self.overlap} is not within 0 and {self.max_tokens - 1}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a text.

    position: from 0, without a gap.
    start: the offset of its first character in the canonical text, in characters.
    """

    position: int
    text: str
    start: int


def split(text: str, config: ChunkConfig, *, most: int | None = None) -> list[Chunk]:
    """The chunks of a clean text, in order and without a gap; white space alone has none.

    Overlap apart, headings and fenced code stay whole where they fit. With `most` there are no more
    than that, and what lies behind them is not cut.
    """
    if not text or text.isspace():
        return []
    if len(text) <= config.max_tokens and len(text.encode()) <= config.max_tokens:
        return [Chunk(0, text, 0)]
    spans = islice(_spans(text, config), most)
    return [Chunk(position, part, start) for position, (start, part) in enumerate(spans)]


def join(chunks: list[Chunk]) -> str:
    """The text whose chunks these are: what a chunk repeats of the one before is left out.

    The inverse of `split`; the chunks are all of them, in order.
    """
    parts: list[str] = []
    end = 0
    for chunk in chunks:
        parts.append(chunk.text[end - chunk.start :])
        end = chunk.start + len(chunk.text)
    return "".join(parts)


def _spans(text: str, config: ChunkConfig) -> Iterator[tuple[int, str]]:
    """(start, chunk) over all windows. A window can hold any text that fits into one chunk."""
    size = max(WINDOW_CHARS, config.max_tokens * tokens.LONGEST_TOKEN_BYTES)
    plain = len(text) > max(PLAIN_CHARS, size)
    if plain:
        size = max(_UNBROKEN_CHARS, 8 * config.max_tokens)
    for offset, window in _windows(text, size):
        for start, part in _split_window(window, config, plain=plain):
            yield offset + start, part


def _windows(text: str, size: int) -> Iterator[tuple[int, str]]:
    """(start, window), each of at most `size` characters."""
    start = 0
    while len(text) - start > size:
        end = _border(text, start + size // 2, start + size)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _border(text: str, low: int, high: int) -> int:
    """The best place to cut between two offsets: a heading, a paragraph, a line, a word."""
    for mark, kept in (("\n#", 1), ("\n\n", 2), ("\n", 1), (" ", 0)):
        found = text.rfind(mark, low, high)
        if found >= 0:
            return found + kept
    return high


def _split_window(window: str, config: ChunkConfig, *, plain: bool) -> Iterator[tuple[int, str]]:
    """(start, chunk) in one window. In a plain text remembering would not pay: it comes once."""
    parts = None if plain else PartTokens(window)
    if parts is not None and parts.total is not None and parts.total <= config.max_tokens:
        yield 0, window
        return
    markdown = not plain and not _NESTED.search(window)
    split_one = _splitter(config, parts, markdown=markdown).chunk_indices
    small = len(window) <= _UNBROKEN_CHARS and not plain
    if small or tokens.longest_piece(window) <= _LONG_PIECE_CHARS:
        yield from split_one(window)
        return
    for offset, part in _windows(window, max(_UNBROKEN_WINDOW_CHARS, 8 * config.max_tokens)):
        for start, chunk in split_one(part):
            yield offset + start, chunk


def _splitter(
    config: ChunkConfig, parts: PartTokens | None, *, markdown: bool
) -> MarkdownSplitter | TextSplitter:
    """A splitter that covers the whole text (trim off), with our counting where that can be."""
    if parts is None or parts.total is None:
        return _counting_itself(config, markdown=markdown)
    kind = MarkdownSplitter if markdown else TextSplitter
    return kind.from_callback(parts.count, config.max_tokens, config.overlap, trim=False)


@lru_cache(maxsize=64)
def _counting_itself(config: ChunkConfig, *, markdown: bool) -> MarkdownSplitter | TextSplitter:
    kind = MarkdownSplitter if markdown else TextSplitter
    return kind.from_tiktoken_model(tokens.MODEL, config.max_tokens, config.overlap, trim=False)
