"""Linear's mentions: bare keys with their prefix, pages, branches, and magic words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.references import Context, Reference, extract, keep_owned
from ingest.sources.linear.mentions import MENTIONS

PULL_REQUEST = Context("github", "acme/payments")
OWNED = {"linear": {"ENG", "WEB2"}}


def found(text: str, context: Context = PULL_REQUEST) -> tuple[Reference, ...]:
    return keep_owned(extract(text, context, (MENTIONS,)), OWNED)


def mentioned(text: str) -> list[str]:
    return [r.key for r in found(text) if r.kind == "mention"]


def edges(text: str, context: Context = PULL_REQUEST) -> list[tuple[str, str]]:
    return [(r.kind, r.key) for r in found(text, context) if r.kind != "mention"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ENG-12", "ENG-12"),
        ("totals [ENG-12]", "ENG-12"),
        ("feat(ENG-12, x): totals", "ENG-12"),
        ("ENG-12-round-the-totals", "ENG-12"),
        ("Merge branch jane/ENG-12-totals", "ENG-12"),
        ("Merge branch 'jane/eng-12-totals'", "ENG-12"),
        ("jane/fix-ENG-12-totals", "ENG-12"),
        ("Merge branch 'eng-12-totals' into main", "ENG-12"),
        ("Merge branch eng-12-totals into main", "ENG-12"),
        ("Merge branch 'main' into eng-12-totals", "ENG-12"),
        ("Merge branch 'main' of github.com:acme/ledger into eng-12/totals", "ENG-12"),
        ("fixes eng-12", "ENG-12"),
        ("_ENG-12_", "ENG-12"),
        ("_It is ENG-12_", "ENG-12"),
        ("Part of: web2-3", "WEB2-3"),
        ("WEB2-3.", "WEB2-3"),
        ("https://linear.app/acme/issue/ENG-12", "ENG-12"),
        ("https://linear.app/acme/issue/OPS-12/round-the-totals#comment-0a1b2c3d", "OPS-12"),
        ("https://linear.app/issue/ops-12", "OPS-12"),
        ("[OPS-12](https://linear.app/acme/issue/OPS-12/totals)", "OPS-12"),
        ("https://linear.app/acme/project/q3-totals-0a1b2c3d4e5f/overview", "0a1b2c3d4e5f"),
        ("https://linear.app/acme/document/notes-0a1b2c3d4e5f#totals", "0a1b2c3d4e5f"),
        ("[Notes](https://linear.app/acme/document/notes-0a1b2c3d4e5f)", "0a1b2c3d4e5f"),
        ("https://linear.app/acme/initiative/fewer-totals-0a1b2c3d4e5f", "0a1b2c3d4e5f"),
    ],
)
def test_a_form_of_mention_gives_the_key_of_the_issue(text: str, key: str) -> None:
    assert mentioned(text) == [key]


@pytest.mark.parametrize(
    "text",
    [
        "UTF-8, SHA-256, CVE-2024-1234, AES-256-GCM, OPS-4",
        "ENG-0 ENG-012 ENG-12a ENG-1.5 ENG-12-34 ENG-12345678",
        "MY-ENG-12 and MY_ENG-12",
        "eng-12 in prose, jane/eng-12, prefix eng-12, fixes x/eng-12",
        "put into eng-12-totals\nMerge branch 'main' into main",
        "desk+ENG-12@acme.test <ENG-12@mail.acme.test>",
        "P-ENG-12",
        "https://tracker.test/browse/ENG-12",
        "[ENG-12](https://tracker.test/browse/ENG-12)",
        "https://linear.app/acme/document/notes",
        "https://linear.app/acme/document/notes-0a1b2c3d4e5f6",
        "https://linear.app/acme/view/mine-0a1b2c3d4e5f",
        "https://linear.app/acme/team/ENG/all",
        "https://docs.linear.app/acme/issue/ENG-12",
    ],
)
def test_what_only_looks_like_a_mention_is_none(text: str) -> None:
    assert mentioned(text) == []


def test_a_bare_key_tells_its_prefix_and_a_page_needs_none() -> None:
    bare, page = extract("ENG-1 https://linear.app/a/issue/OPS-2", PULL_REQUEST, (MENTIONS,))
    assert (bare.prefix, bare.origin) == ("ENG", "text")
    assert (page.prefix, page.origin) == (None, "url")


@pytest.mark.parametrize("word", ["Completes", "implemented", "Linear issue", "CLOSING", "fix"])
def test_magic_words_close(word: str) -> None:
    assert edges(f"{word} ENG-12, WEB2-5") == [("resolves", "ENG-12"), ("resolves", "WEB2-5")]


def test_magic_words_are_read_in_repositories_only() -> None:
    assert edges("Implements ENG-12", Context("zendesk")) == []
    assert edges("Fixes ENG-12", Context("zendesk")) == [("resolves", "ENG-12")]


@pytest.mark.parametrize("word", ["ref", "Part of", "related to", "Contributes to", "Towards"])
def test_other_magic_words_relate(word: str) -> None:
    assert edges(f"{word} ENG-12") == [("relatedTo", "ENG-12")]


def test_skip_and_ignore_take_an_issue_back() -> None:
    assert found("Fixes ENG-12\n\nskip ENG-12") == ()
    assert mentioned("Ignore ENG-12, as WEB2-5 says") == ["WEB2-5"]


@pytest.mark.parametrize(
    "text", ["fixes eng-12, web2-5", "Closes: eng-12 and web2-5", "fix eng-12, and web2-5"]
)
def test_a_magic_word_makes_keys_of_a_row_in_small_letters(text: str) -> None:
    assert edges(text) == [("resolves", "ENG-12"), ("resolves", "WEB2-5")]
    assert mentioned(f"see {text[5:]}") == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("__ENG-12__", "ENG-12"),
        ("_ENG-12_", "ENG-12"),
        ("linear://acme/issue/ENG-12", "ENG-12"),
        ("Merge branch 'x' into 'eng-12-totals'", "ENG-12"),
    ],
)
def test_emphasis_and_the_programs_own_links_are_read(text: str, key: str) -> None:
    assert mentioned(text) == [key]


def test_the_name_of_a_file_is_no_key() -> None:
    assert mentioned("ENG-12.png, ENG-13.md and ENG_12_") == []
    assert mentioned("ENG-12. png") == ["ENG-12"]


def test_a_page_on_the_line_after_its_keyword_is_closed() -> None:
    text = "Fixes\nhttps://linear.app/acme/issue/OPS-12/totals, https://linear.app/x/issue/OPS-13"
    assert edges(text) == [("resolves", "OPS-12"), ("resolves", "OPS-13")]


@given(st.text(alphabet="ENGeng-12/._ \n:fixes") | st.text())
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_text_gives_keys_of_the_one_form(text: str) -> None:
    for reference in extract(text, PULL_REQUEST, (MENTIONS,)):
        team, _, number = reference.key.rpartition("-")
        assert team == reference.prefix == team.upper()
        assert number.isdigit()


@pytest.mark.parametrize(
    "piece",
    [
        "-",
        "-A-A",
        "A-1-",
        "A-1 ",
        "/a-1-a",
        "linear.app/a/project/a-",
        "linear.app/a/document/0a1b2c3d4e5f-",
        "https://linear.app/a/issue/A-1/",
    ],
)
def test_time_is_linear_in_the_length_of_any_text(piece: str) -> None:
    text = piece * (100_000 // len(piece)) + " ENG-12 #12"
    began = time.process_time()
    assert extract(text, PULL_REQUEST, (MENTIONS,))
    assert time.process_time() - began < 3
