"""Mentions: numbers in Zendesk's own texts, the abbreviation, and URLs of tickets and articles."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.references import Context, Reference, extract, keep_owned
from ingest.sources.zendesk.mentions import MENTIONS

HOME = Context("zendesk")
PULL_REQUEST = Context("github", "halcyon/boards")
OWNED = {"zendesk": {"halcyon", "ZD"}}


def found(text: str, context: Context = HOME) -> tuple[Reference, ...]:
    return keep_owned(extract(text, context, (MENTIONS,)), OWNED)


def mentioned(text: str, context: Context = HOME) -> list[str]:
    return [r.key for r in found(text, context) if r.kind == "mention"]


@pytest.mark.parametrize(
    "text",
    [
        "See #7890",
        "(#7890)",
        "ticket #7890.",
        "closed and merged into request #7890",
        "[#7890] Re: boards",
        "commented on ticket #7890: update 2.",
        "a table #7890",
        "in this test #7890",
    ],
)
def test_a_number_in_zendesks_own_texts_is_a_ticket(text: str) -> None:
    assert mentioned(text) == ["#7890"]
    assert mentioned(text, PULL_REQUEST) == []
    assert mentioned(text, Context("linear")) == []


@pytest.mark.parametrize(
    "text",
    [
        "we are your #1 customers",
        "order #100123, invoice no. #2001 and Order number #44",
        "a card ending #4242, flat #12, the channel #7890-imports",
        "room #12, gate: #14, step #12, table #14",
        "halcyon/boards#41",
        "&#8217; and &#12;",
        "https://example.com/a#12 and page.html#12",
        "#12.5 #1,000 #12a #12_3",
        "color: #333333 and background #112233",
        "`#7890`",
        "```\n#7890\n```",
        "#012 # 12 #12345678901",
    ],
)
def test_a_count_a_colour_an_anchor_and_code_are_none(text: str) -> None:
    assert mentioned(text) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("agent/tickets/7890", "#7890"),
        ("agent/#/tickets/7890", "#7890"),
        ("agent/tickets/7890/events#comment-5", "#7890"),
        ("tickets/7890", "#7890"),
        ("api/v2/tickets/7890.json", "#7890"),
        ("requests/7890", "#7890"),
        ("hc/requests/7890?page=1", "#7890"),
        ("hc/en-us/requests/7", "#7"),
        ("hc/articles/360001112223", "article:360001112223"),
        ("hc/en-us/articles/360001112223-When-does-the-board", "article:360001112223"),
        ("hc/zh-Hant-tw/articles/360001112223", "article:360001112223"),
    ],
)
@pytest.mark.parametrize("context", [HOME, PULL_REQUEST], ids=["at home", "elsewhere"])
def test_a_page_is_its_ticket_or_article(path: str, key: str, context: Context) -> None:
    assert mentioned(f"see https://halcyon.zendesk.com/{path}.", context) == [key]
    assert mentioned(f"[this](https://HALCYON.zendesk.com/{path})", context) == [key]
    assert mentioned(f"halcyon.zendesk.com/{path}", context) == [key]


@pytest.mark.parametrize(
    "text",
    [
        "https://support.zendesk.com/hc/en-us/articles/4408882445594",
        "https://developer.zendesk.com/requests/12",
        "https://zendesk.com/agent/tickets/7890",
        "https://halcyon.zendesk.com.evil.example/agent/tickets/7890",
        "https://evil.example/halcyon.zendesk.com/agent/tickets/7890",
        "https://x.halcyon.zendesk.com/agent/tickets/7890",
        "https://halcyon.zendesk.com/agent/users/7890",
        "https://halcyon.zendesk.com/agent/tickets/7890abc",
        "https://halcyon.zendesk.com/hc/en-us/sections/360000000502",
    ],
)
def test_other_pages_name_nothing(text: str) -> None:
    assert mentioned(text) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Fixes ZD13723", "#13723"),
        ("(ZD-13723)", "#13723"),
        ("ZD#13723.", "#13723"),
        ("ZD #13723", "#13723"),
        ("Zendesk ticket #13723", "#13723"),
        ("zendesk #13723", "#13723"),
    ],
)
def test_the_abbreviation_is_a_ticket_where_somebody_owns_it(text: str, key: str) -> None:
    assert mentioned(text, PULL_REQUEST) == [key]
    assert keep_owned(extract(text, PULL_REQUEST, (MENTIONS,)), {}) == ()


@pytest.mark.parametrize(
    "text", ["AZD13723", "ZD", "ZD-0", "ZD12-3", "ZD12ab", "x.ZD1234", "ZD1234@mail.test"]
)
def test_what_only_looks_like_it_is_none(text: str) -> None:
    assert mentioned(text, PULL_REQUEST) == []


def test_keywords_make_edges() -> None:
    edges = [(r.kind, r.key) for r in found("Follow-up to #7890") if r.kind != "mention"]
    assert edges == [("relatedTo", "#7890")]
    text = "Fixes https://halcyon.zendesk.com/agent/tickets/7890"
    edges = [(r.kind, r.key) for r in found(text, PULL_REQUEST) if r.kind != "mention"]
    assert edges == [("resolves", "#7890")]


@given(st.text(alphabet="#ZD-10 .zendesk.com/agent/tickets/hc[]()\n&", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str) -> None:
    for reference in found(text):
        assert reference.evidence


@pytest.mark.parametrize(
    "piece", ["#12 ", "#", "ZD", "ZD1", ".zendesk.com/", "a.zendesk.com/hc/a/", "order #", "a" * 64]
)
def test_reading_is_linear_in_hostile_texts(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    assert sum(1 for _ in MENTIONS.find(text, HOME)) >= 0
    assert time.process_time() - began < 5
