"""Rich text as Markdown: marks, links, mentions; one text however it is cut."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.sources.notion.demo.shapes import mention, rich
from ingest.sources.notion.rich_text import linked, markdown, mentioned, plain, safe_url
from tests.sources.notion.deliveries import PAGE

PAGE_URL = f"https://www.notion.so/{PAGE.replace('-', '')}"


HEX = PAGE.replace("-", "")
ELSE = "8e068aad71d75394973d14ea31c4f760"


def mentioning(kind: str, shown: str, **what: Any) -> dict[str, Any]:
    return {**rich(shown), "type": "mention", "mention": {"type": kind, **what}}


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        ([rich("a plain word")], "a plain word"),
        ([rich("bold", bold=True), rich(" and not")], "**bold** and not"),
        ([rich("both", bold=True, italic=True)], "***both***"),
        ([rich("gone", strikethrough=True), rich(" under", underline=True)], "~~gone~~ under"),
        ([rich(" blanks ", bold=True), rich("x")], " **blanks** x"),
        ([rich("a", bold=True), rich("b", bold=True)], "**ab**"),
        ([rich("x = 1", code=True)], "`x = 1`"),
        ([rich("a `tick`", code=True)], "`` a `tick` ``"),
        ([rich("the docs", href="https://x.test/a b")], "[the docs](https://x.test/a%20b)"),
        ([rich("[1]", href="https://x.test/")], "[\\[1\\]](https://x.test/)"),
        ([rich("https://x.test/", href="https://x.test/")], "<https://x.test/>"),
        ([rich("f()", href="https://x.test/", code=True)], "[`f()`](https://x.test/)"),
        ([rich("inside", href="/26e81d0e")], "[inside](https://www.notion.so/26e81d0e)"),
        ([rich("no way", href="javascript:alert(1)")], "no way"),
        ([rich("one\n```\ntwo")], "one\n\\```\ntwo"),
        ([{"type": "equation", "equation": {"expression": "e=mc^2"}}], "$e=mc^2$"),
        ([mention(PAGE, "Timetable")], f"[Timetable]({PAGE_URL})"),
        ([mentioning("database", "Trains", database={"id": PAGE})], f"[Trains]({PAGE_URL})"),
        ([mentioning("user", "@old", user={"id": "u", "name": "Marit"})], "@Marit"),
        ([mentioning("user", "@Anonymous", user={"id": "u"})], "@Anonymous"),
        ([mentioning("date", "tomorrow", date={"start": "2026-03-02", "end": None})], "2026-03-02"),
        (
            [mentioning("date", "x", date={"start": "2026-03-02", "end": "2026-03-04"})],
            "2026-03-02 → 2026-03-04",
        ),
        (
            [mentioning("link_preview", "pull/1", link_preview={"url": "https://x.test/pull/1"})],
            "[pull/1](https://x.test/pull/1)",
        ),
        (
            [
                mentioning(
                    "link_mention", "x", link_mention={"href": "https://x.test", "title": "X"}
                )
            ],
            "[X](https://x.test)",
        ),
        ([mentioning("custom_emoji", "x", custom_emoji={"name": "train"})], ":train:"),
        ([mentioning("template_mention", "@Today", template_mention={})], "@Today"),
        (None, ""),
        (["junk", 7, None, {}], ""),
    ],
)
def test_a_text_is_shown_as_markdown(items: Any, shown: str) -> None:
    assert markdown(items) == shown


def test_the_plain_text_has_no_marks() -> None:
    assert plain([rich("bold", bold=True), rich(" "), mention(PAGE, "Timetable")]) == (
        "bold Timetable"
    )


def test_what_a_text_mentions_and_links_to_is_told() -> None:
    items: Any = [mention(PAGE, "x"), rich("y", href="https://x.test/"), rich("z")]
    assert list(mentioned(items)) == [(PAGE, "page mention")]
    assert list(linked(items)) == [PAGE_URL, "https://x.test/"]


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/a.png?X-Amz-Date=20260302&X-Amz-Signature=0",
        "https://file.notion.so/f/a.png?table=block&expirationTimestamp=1772445600000",
    ],
)
def test_what_expires_in_a_url_is_cut_off(url: str) -> None:
    assert safe_url(url) == url.partition("?")[0]


@pytest.mark.parametrize("url", ["", None, 7, "http://[::1", "data:text/html,x", "word"])
def test_what_is_no_url_of_the_web_is_none(url: Any) -> None:
    assert safe_url(url) is None


@pytest.mark.parametrize(
    ("told", "rest"),
    [
        (f"https://app.notion.com/p/{HEX}", ""),
        (f"https://app.notion.com/p/Timetable-{HEX}?pvs=4", ""),
        (f"https://www.notion.so/acme/Timetable-of-2026-{HEX}", ""),
        (f"https://notion.com/{HEX.upper()}/", ""),
        (f"https://www.notion.so/{ELSE}?v={ELSE}&p={HEX}&pm=s", f"?v={ELSE}"),
        (f"https://www.notion.so/{HEX}?pvs=4#{ELSE}", f"#{ELSE}"),
        (f"https://app.notion.com/{HEX}?v={ELSE}&source=copy_link", f"?v={ELSE}"),
        (f"/Timetable-{HEX}", ""),
        (f"/{HEX}?d={ELSE}", f"?d={ELSE}"),
    ],
)
def test_a_page_has_one_url_whatever_notion_calls_it_by_now(told: str, rest: str) -> None:
    """Since June 2026 the same link is told with another host, and a text would read otherwise."""
    assert safe_url(told) == f"{PAGE_URL}{rest}"
    assert markdown([rich("here", href=told)]) == f"[here]({PAGE_URL}{rest})"
    if told.startswith("http"):
        assert markdown([rich(told, href=told)]) == f"<{PAGE_URL}{rest}>"


@pytest.mark.parametrize(
    "told",
    [
        f"https://halcyon.notion.site/Timetable-{HEX}",
        f"https://evil.test/www.notion.so/{HEX}",
        f"https://www.notion.so.evil.test/{HEX}",
        "https://www.notion.so/product",
        f"https://developers.notion.com/{HEX}",
    ],
)
def test_another_url_stays_as_it_is(told: str) -> None:
    assert safe_url(told) == told
