"""Chunks: the laws, and texts that are meant to hurt."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semantic_text_splitter import MarkdownSplitter

from ingest.core import tokens
from ingest.core.chunks import PLAIN_CHARS, WINDOW_CHARS, Chunk, ChunkConfig, join, split
from tests.core.cl100k import tokens_of

DEFAULT = ChunkConfig()
SMALL = ChunkConfig(32, 8)
PROSE = "The quick brown fox doesn't jump over 1,234 lazy dogs; it sleeps “soundly” at 10:45.\n"
DOCUMENT = "".join(
    f"# Part {n}\n\n{PROSE * 4}\n- one `x = {n}`\n- two\n\n"
    f"```py\ndef f{n}():\n    return {n}\n```\n\n"
    for n in range(30)
)
scraps = st.sampled_from(
    [
        "# H\n",
        "\n\n",
        "- item\n",
        "> ",
        "```\n",
        "word ",
        " the",
        "'ll",
        "3.14",
        "é",
        "日本",
        "👩‍👩‍👧",
        "\t",
        "   ",
        "\r\n",
        "\u00a0",
        "_",
        "**",
        "==",
        "x" * 70,
        "<|endoftext|>",
        "ſ",
        "²",
        "\x1c",
    ]
)
markdown = st.lists(scraps | st.text(max_size=6), max_size=120).map("".join)
repeatable = settings(derandomize=True, max_examples=300)
configs = st.sampled_from([DEFAULT, SMALL, ChunkConfig(100, 0), ChunkConfig(4, 0)])


def splitter_alone(text: str, config: ChunkConfig) -> list[tuple[int, str]]:
    return MarkdownSplitter.from_tiktoken_model(
        tokens.MODEL, config.max_tokens, config.overlap, trim=False
    ).chunk_indices(text)


@given(markdown, configs)
@repeatable
def test_chunks_join_to_the_text_and_none_is_too_long(text: str, config: ChunkConfig) -> None:
    chunks = split(text, config)
    assert join(chunks) == ("" if text.isspace() else text)
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert text.startswith(chunk.text, chunk.start)
        assert tokens_of(chunk.text) <= config.max_tokens
    assert split(text, config) == chunks


@given(markdown)
@repeatable
def test_a_text_that_the_splitter_leaves_whole_is_one_chunk(text: str) -> None:
    alone = splitter_alone(text, SMALL)
    if len(alone) == 1 and not text.isspace():
        assert split(text, SMALL) == [Chunk(0, text, 0)]


@given(st.text(max_size=512))
def test_a_text_of_at_most_512_bytes_is_one_chunk(text: str) -> None:
    text = text.encode()[:512].decode(errors="ignore")
    assert split(text, DEFAULT) == ([Chunk(0, text, 0)] if text.strip() else [])


@pytest.mark.parametrize("text", ["", " ", "\n\n\n", " \u3000\t"])
def test_white_space_alone_has_no_chunks(text: str) -> None:
    assert split(text, DEFAULT) == []


@pytest.mark.parametrize("config", [DEFAULT, ChunkConfig(512, 25), ChunkConfig(512, 100), SMALL])
def test_a_document_is_cut_where_the_splitter_alone_would_cut_it(config: ChunkConfig) -> None:
    chunks = split(DOCUMENT, config)
    assert [(chunk.start, chunk.text) for chunk in chunks] == splitter_alone(DOCUMENT, config)
    assert len(chunks) > 3


def test_headings_begin_chunks_and_fenced_code_stays_whole() -> None:
    for chunk in split(DOCUMENT, ChunkConfig(512, 0)):
        assert chunk.text.startswith("# Part")
        assert chunk.text.count("```") % 2 == 0


def test_the_limit_is_exact() -> None:
    words = "a" + " word" * 511
    assert len(words) > 512
    assert len(split(words, DEFAULT)) == 1
    assert len(split(words + " word", DEFAULT)) == 2


def test_neighbours_share_text_up_to_the_overlap() -> None:
    first, second, *_ = split(PROSE * 60, DEFAULT)
    shared = first.text[second.start - first.start :]
    assert shared
    assert second.text.startswith(shared)
    assert tokens_of(shared) <= DEFAULT.overlap


def test_a_text_longer_than_a_window_obeys_the_same_laws() -> None:
    text = DOCUMENT * (2 * WINDOW_CHARS // len(DOCUMENT) + 1)
    chunks = split(text, DEFAULT)
    assert join(chunks) == text
    assert all(tokens_of(chunk.text) <= 512 for chunk in chunks)


@pytest.mark.parametrize("config", [(3, 0), (0, 0), (512, 512), (512, -1)], ids=str)
def test_a_senseless_configuration_is_refused(config: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"is (not within|below)"):
        ChunkConfig(*config)


NASTY = {
    "a line without a space": "x" * 1_000_000,
    "quotes in quotes": ">" * 100_000,
    "brackets in brackets": "[" * 100_000,
    "lists in lists": "".join("  " * depth + "- a\n" for depth in range(300)),
    "items in one line": "- " * 50_000,
    "Chinese without a break": "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(60_000)),
    "a rule": "=" * 100_000,
    "back ticks": "".join("`" * n + " " for n in range(300)),
    "open links": "[a](<b" * 10_000,
    "one table": "|a" * 20_000 + "\n" + "|-" * 20_000,
    "more than a megabyte": PROSE * (PLAIN_CHARS // len(PROSE) + 1),
}


@pytest.mark.parametrize("name", NASTY)
def test_no_input_takes_long_or_breaks_the_laws(name: str) -> None:
    text = NASTY[name]
    began = time.process_time()
    chunks = split(text, DEFAULT)
    assert time.process_time() - began < 20  # all take about a second; the square would take hours
    assert join(chunks) == text
    assert all(tokens_of(chunk.text) <= 512 for chunk in chunks[:: len(chunks) // 20 + 1])


def test_a_character_younger_than_our_tables_is_left_to_the_splitter() -> None:
    unassigned = "\u0378"
    text = f"word{unassigned}word " * 400
    assert tokens.count(text) is None
    chunks = split(text, DEFAULT)
    assert join(chunks) == text
    assert [(chunk.start, chunk.text) for chunk in chunks] == splitter_alone(text, DEFAULT)
