"""Notion's mentions: the URLs of its hosts, and no bare id."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.references import Context, extract
from ingest.sources.notion.mentions import MENTIONS

KEY = "26e81d0e-6fcc-5ed9-b55e-c15fe8c89db1"
HEX = KEY.replace("-", "")
ELSE = "8e068aad71d75394973d14ea31c4f760"


def mentioned(text: str) -> list[str]:
    return [found.key for found in extract(text, Context("github", "halcyon/web"), (MENTIONS,))]


@pytest.mark.parametrize(
    "text",
    [
        f"https://www.notion.so/{HEX}",
        f"https://notion.so/{HEX}.",
        f"notion.so/halcyon/Timetable-{HEX}",
        f"https://www.notion.so/halcyon/Timetable-of-2026-{HEX}?pvs=4#{ELSE}",
        f"https://www.notion.so/halcyon/{HEX}?v={ELSE}",
        f"https://www.notion.so/halcyon/{ELSE}?v={ELSE}&p={HEX}&pm=s",
        f"https://www.notion.so/{KEY}",
        f"https://www.notion.so/{HEX.upper()}/",
        f"https://halcyon-rail.notion.site/Timetable-{HEX}",
        f"https://app.notion.com/p/Timetable-{HEX}",
        f"[the timetable](https://www.notion.so/Timetable-{HEX})",
        f"<https://www.notion.so/{HEX}>",
        f"**https://www.notion.so/{HEX}**",
    ],
)
def test_a_url_names_its_page(text: str) -> None:
    assert mentioned(text) == [KEY]


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        KEY,
        f"`https://www.notion.so/{HEX}`",
        f"https://www.notion.so/{HEX}0",
        f"https://www.notion.so/a{HEX}",
        f"https://www.notion.so/{HEX}/settings",
        f"https://www.notion.so/?v={HEX}",
        f"https://www.notion.so/#{HEX}",
        f"https://mynotion.so/{HEX}",
        f"https://www.notion.so.evil.test/{HEX}",
        f"https://developers.notion.com/{HEX}",
        "https://www.notion.so/product",
    ],
)
def test_what_only_looks_like_one_names_nothing(text: str) -> None:
    assert mentioned(text) == []


def test_a_hostile_text_takes_no_time() -> None:
    parts = ("notion.so/", "a" * 31 + "-", "https://notion.so?p=", "x.notion.site/-")
    began = time.process_time()
    for part in parts:
        mentioned(part * (200_000 // len(part)))
    assert time.process_time() - began < 5


@settings(max_examples=100, deadline=None)
@given(st.text("notion.s/?p=ab0-& ", max_size=80))
def test_any_text_is_read(text: str) -> None:
    assert all(len(key) == len(KEY) for key in mentioned(text))
