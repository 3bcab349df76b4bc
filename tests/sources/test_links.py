"""Links to the things of all sources: whichever way a URL is written, it says the same."""

from __future__ import annotations

import pytest

from ingest.core.references import Context, Reference, extract, keep_owned
from ingest.sources.registry import all_sources, syntaxes

HOME = Context("github", "halcyon/web")
OWNED = {
    "github": {"ghe.halcyon.test"},
    "sentry": {"errors.halcyon.test:9000", "BOARDS"},
    "vercel": {"boards"},
    "zendesk": {"halcyon", "help.halcyon.test"},
}
DEPLOYMENT = "Hx7Signals0000Lamps0001"
PAGE = "26e81d0e-6fcc-5ed9-b55e-c15fe8c89db1"
HEX = PAGE.replace("-", "")

PAGES = [
    ("github", "https://github.com/acme/ledger/issues/605", "acme/ledger#605"),
    ("linear", "https://linear.app/halcyon/issue/OPS-605/dark-boards", "OPS-605"),
    ("notion", f"https://app.notion.com/p/Timetable-{HEX}", PAGE),
    ("sentry", "https://halcyon.sentry.io/issues/1170820605/", "1170820605"),
    ("vercel", f"https://vercel.com/halcyon/boards/{DEPLOYMENT}", f"dpl_{DEPLOYMENT}"),
    ("zendesk", "https://halcyon.zendesk.com/agent/tickets/605", "#605"),
]
WRITTEN = [
    "{url}",
    "<{url}>",
    "{url}.",
    "{shouted}",
    "**{url}**",
    "{url}?utm_source=mail&x=1",
    "{url}#below",
    "[dark boards]({url})",
    "[#605](<{url}>)",
    '[ENG-605]({url} "the title")',
    "[over two\nlines]({url})",
    '<a href="{url}">#605</a>',
    "[dark boards][below]\n\n[below]: {url}",
    "[dark boards][BELOW].\n\n[below]: <{url}> 'the title'",
    "[#605][]\n\n[#605]: {url}",
    "[#605]\n\n[#605]: {url}",
    "[GH-605]\n\n[gh-605]:\n  {url}",
    "[^1]\n\n[^1]: {url}",
    "[1].\n\n[1] {url}",
]


def found(text: str, context: Context = HOME) -> tuple[Reference, ...]:
    return keep_owned(extract(text, context, syntaxes()), OWNED)


def said(text: str, context: Context = HOME) -> set[tuple[str, str, str]]:
    return {(r.kind, r.source, r.key) for r in found(text, context)}


def shouted(url: str) -> str:
    """The URL with scheme and host in capitals."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.upper()}://{host.upper()}{slash}{path}"


def test_every_source_has_a_page_here() -> None:
    mentioned = {name for name, source in all_sources().items() if source.mentions is not None}
    assert {source for source, *_ in PAGES} == mentioned


@pytest.mark.parametrize(("source", "url", "key"), PAGES, ids=[source for source, *_ in PAGES])
@pytest.mark.parametrize("written", WRITTEN)
def test_a_page_is_named_however_its_link_is_written(
    written: str, source: str, url: str, key: str
) -> None:
    text = f"Fixes {written.format(url=url, shouted=shouted(url))}"
    assert said(text) == {("mention", source, key), ("resolves", source, key)}
    assert all(r.origin == "url" and r.evidence in text for r in found(text))


@pytest.mark.parametrize(("source", "url", "key"), PAGES, ids=[source for source, *_ in PAGES])
@pytest.mark.parametrize(
    "written",
    [
        "`{url}`",
        "```\n{url}\n```",
        "<!-- {url} -->",
        "> {url}",
        "https://archive.example/web/2026/{url}",
        "https://login.example/?next={url}",
        "[words][other]\n\n[other]: https://archive.example/{url}",
    ],
)
def test_what_stands_in_code_or_in_another_url_names_nothing(
    written: str, source: str, url: str, key: str
) -> None:
    assert said(f"Fixes\n{written.format(url=url)}") == set()


@pytest.mark.parametrize(("source", "url", "key"), PAGES, ids=[source for source, *_ in PAGES])
def test_a_tag_and_a_cell_of_a_table_are_mentions(source: str, url: str, key: str) -> None:
    for text in (f"Fixes the boards ({url})", f"| Fixes | {url} |\n| --- | --- |"):
        assert said(text) == {("mention", source, key)}


@pytest.mark.parametrize(
    "text",
    [
        "Fixes [#700][i]\n\n[i]: https://tracker.example/700",
        "closes [ENG-30][j]\n\n[j]: https://tracker.example/browse/ENG-30",
        "Fixes [#605]\n\n[#605]: https://redirect.github.com/acme/ledger/issues/605",
        "[BOARDS-7F]\n\n[boards-7f]: https://tracker.example/BOARDS-7F",
        "[Ticket #605][]\n\n[ticket #605]: https://tracker.example/ticket/605",
    ],
)
def test_a_label_that_is_defined_as_something_else_names_nothing(text: str) -> None:
    assert said(text) == set()


def test_a_label_that_nothing_defines_is_read_as_it_stands() -> None:
    assert said("Fixes [#605], see [#7][nowhere]") == {
        *(("mention", "github", f"halcyon/web#{number}") for number in (605, 7)),
        ("resolves", "github", "halcyon/web#605"),
        ("relatedTo", "github", "halcyon/web#7"),
    }


def test_defined_labels_make_a_list() -> None:
    text = (
        "Fixes [ENG-1][a], [ENG-2][b] and [the third][c]\n\n"
        "[a]: https://linear.app/halcyon/issue/ENG-1\n"
        "[b]: https://linear.app/halcyon/issue/ENG-2/x\n"
        "[c]: https://linear.app/halcyon/issue/ENG-3\n"
        "[d]: https://linear.app/halcyon/issue/ENG-4"
    )
    resolved = {key for kind, _, key in said(text) if kind == "resolves"}
    mentioned = {key for kind, _, key in said(text) if kind == "mention"}
    assert resolved == {"ENG-1", "ENG-2", "ENG-3"}
    assert mentioned == resolved | {"ENG-4"}


def test_two_urls_in_a_row_are_two() -> None:
    text = ",".join(f"https://github.com/acme/ledger/pull/{number}" for number in (1, 2))
    assert {key for *_, key in said(text)} == {"acme/ledger#1", "acme/ledger#2"}
    text = "見https://github.com/acme/ledger/pull/1、修#12"
    assert {key for *_, key in said(text)} == {"acme/ledger#1", "halcyon/web#12"}


ELSEWHERE = [
    ("github", "https://ghe.halcyon.test/acme/ledger/pull/7/files", "acme/ledger#7"),
    ("sentry", "https://errors.halcyon.test:9000/halcyon/web/issues/17/", "17"),
    ("vercel", "https://boards-h7x2lamp5-halcyon.preview.halcyon.test/x", None),
    ("zendesk", "https://help.halcyon.test/hc/en-us/articles/36000111-Boards", "article:36000111"),
    ("zendesk", "https://help.halcyon.test/hc/requests/605", "#605"),
]


@pytest.mark.parametrize(("source", "url", "key"), ELSEWHERE)
def test_a_page_on_another_host_counts_where_a_connection_is_of_it(
    source: str, url: str, key: str | None
) -> None:
    host = url.split("/")[2]
    assert ("resolves", source, key or host) in said(f"Fixes {url}")
    assert keep_owned(extract(f"Fixes {url}", HOME, syntaxes()), {}) == ()


@pytest.mark.parametrize(("source", "url", "key"), [one for one in ELSEWHERE if one[2]])
def test_a_page_on_the_host_of_the_text_s_own_page_counts(source: str, url: str, key: str) -> None:
    at_home = Context(source, host=url.split("/")[2])
    kept = keep_owned(extract(url, at_home, syntaxes()), {})
    assert [(r.source, r.key) for r in kept] == [(source, key)]


def test_a_url_of_another_s_takes_nothing_from_a_key_that_counts() -> None:
    text = "acme/ledger#7 as in https://forge.other.test/acme/ledger/issues/7"
    assert said(text) == {("mention", "github", "acme/ledger#7")}
