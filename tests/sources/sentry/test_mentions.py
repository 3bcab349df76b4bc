"""How issues are mentioned: short ids of owned projects, and the URLs of pages."""

from __future__ import annotations

import time

import pytest

from ingest.core.references import Context, extract, keep_owned
from ingest.sources.sentry.mentions import MENTIONS

_OWNED = {
    "sentry": {
        "errors.halcyon.example",
        "WEB",
        "FRONT-END",
        "API",
        "SENTRY",
        "SENTRY-FOR-SENTRY",
        "MY_APP",
    }
}


def _found(text: str) -> list[tuple[str, str]]:
    """(kind, key) of what a pull request's text says of issues."""
    context = Context("github", "halcyon/web")
    found = keep_owned(extract(text, context, (MENTIONS,)), _OWNED)
    return [(reference.kind, reference.key) for reference in found]


def _keys(text: str) -> list[str]:
    return [key for kind, key in _found(text) if kind == "mention"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("WEB-7F came back", ["WEB-7F"]),
        ("letters only: SENTRY-PXV.", ["SENTRY-PXV"]),
        ("digits only: WEB-123, WEB-9", ["WEB-123", "WEB-9"]),
        ("(FRONT-END-9)", ["FRONT-END-9"]),
        ("SENTRY-FOR-SENTRY-2KV", ["SENTRY-FOR-SENTRY-2KV"]),
        ("MY_APP-1A2/WEB-3", ["MY_APP-1A2", "WEB-3"]),
        ("not ours: ENG-12, UTF-8, CVE-2026-1234", []),
        ("WEB-01, WEB-7F-backport, WEB-7.5, XWEB-7F, x.WEB-7F, a@WEB-7F", []),
        ("web-app, web-7f, API-KEY, API-URL, WEB-UI", []),
        ("`WEB-7F` and\n```\nWEB-8\n```", []),
        ("ABSENT-WEB-7F", []),
        (
            "Fixes web-7f2, front-end-9k1. Closes: sentry-2kv",
            ["FRONT-END-9K1", "SENTRY-2KV", "WEB-7F2"],
        ),
        ("fix web-3d, fixes web-v22, fix api-keys, closes web-2", []),
        ("see web-7f2, prefix web-7f2", []),
        ("_WEB-7F_ and __FRONT-END-9__", ["FRONT-END-9", "WEB-7F"]),
        ("WEB-7F.log, API-V2, WEB-RTC, FRONT-END-TEAM, WEB-SERVER", []),
    ],
)
def test_short_ids(text: str, keys: list[str]) -> None:
    assert _keys(text) == keys


@pytest.mark.parametrize(
    "url",
    [
        "https://halcyon.sentry.io/issues/1170820242/",
        "https://halcyon.sentry.io/issues/1170820242/?project=501&query=is%3Aunresolved",
        "https://halcyon.sentry.io/issues/1170820242/events/e4874d664c3540c1a32eab185f12c5ab/",
        "https://sentry.io/organizations/halcyon/issues/1170820242",
        "https://sentry.io/organizations/halcyon/issues/1170820242/events/latest/.",
        "https://de.sentry.io/api/0/organizations/halcyon/issues/1170820242/",
        "https://sentry.io/api/0/issues/1170820242/",
        "https://sentry.io/halcyon/web/issues/1170820242/",
        "https://app.getsentry.com/halcyon/web/group/1170820242/",
        "https://errors.halcyon.example:9000/organizations/halcyon/issues/1170820242/",
        "https://errors.halcyon.example/issues/1170820242/",
        "https://errors.halcyon.example/halcyon/web/group/1170820242/",
        "https://errors.halcyon.example/api/0/issues/1170820242/",
        "halcyon.sentry.io/issues/1170820242",
        "[the boards](https://halcyon.sentry.io/issues/1170820242/)",
        "[WEB-7](https://halcyon.sentry.io/issues/1170820242/)",
        "<https://halcyon.sentry.io/issues/1170820242/>",
    ],
)
def test_pages(url: str) -> None:
    assert ("mention", "1170820242") in _found(f"See {url}")
    assert ("resolves", "1170820242") in _found(f"Fixes {url}")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/halcyon/web/issues/17",
        "https://docs.sentry.io/product/issues/",
        "https://halcyon.sentry.io/issues/1170820242x",
        "https://sentry.io.example/issues/17",
        "https://notsentry.io/issues/17",
        "https://halcyon.sentry.io/performance/?project=501",
        "https://example.com/x/y/group/17",
        "https://example.com/x/y/issues/17",
        "https://halcyon.sentry.io/issues/OTHER-7F/",
        "https://halcyon.sentry.io/issues/alert-rules/",
        "https://docs.sentry.io/issues/17",
    ],
)
def test_other_pages_are_none(url: str) -> None:
    assert _keys(url) == []


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("WEB-7F", "WEB-7F"),
        ("**FRONT-END-9**", "FRONT-END-9"),
        ("ABSENT-7F", "ABSENT-7F"),
        ("ENG-9", "1170820242"),
        ("API-KEY", "1170820242"),
    ],
)
def test_a_page_is_called_by_the_short_id_that_its_label_is(label: str, key: str) -> None:
    """What could as well be the key of a tracker's issue is none."""
    text = f"Fixes [{label}](https://halcyon.sentry.io/issues/1170820242/)"
    assert [named for kind, named in _found(text) if kind == "resolves"] == [key]


def test_a_page_by_its_short_id() -> None:
    for id_ in ("WEB-7F", "web-7f"):
        url = f"https://halcyon.sentry.io/issues/{id_}/?project=501"
        assert _found(f"Fixes {url}") == [("mention", "WEB-7F"), ("resolves", "WEB-7F")]


@pytest.mark.parametrize(
    "word", ["Fix", "Fixes", "fixed", "close", "Closes:", "closed", "resolve:", "Resolves"]
)
def test_the_words_that_resolve(word: str) -> None:
    assert ("resolves", "WEB-7F") in _found(f"{word} WEB-7F")


def test_a_list_shares_its_word() -> None:
    found = _found("Fixes WEB-7F, FRONT-END-9 and API-2")
    resolved = [key for kind, key in found if kind == "resolves"]
    assert resolved == ["API-2", "FRONT-END-9", "WEB-7F"]


def test_a_word_of_more_than_one_source_is_no_edge_by_itself() -> None:
    assert _found("WEB-7F is not fixed by this") == [("mention", "WEB-7F")]


@pytest.mark.parametrize(
    "text",
    [
        "A-" * 200_000,
        "A_" * 200_000,
        "A" * 400_000,
        "WEB-" + "9" * 400_000,
        "https://" + "a." * 200_000 + "sentry.io/issues/1",
        "a.bc/" * 100_000 + "issues/1",
        "/issues/" * 60_000,
        "sentry.io/" + "a/" * 200_000 + "issues/1",
    ],
    ids=range(8),
)
def test_hostile_texts_take_no_longer_than_long_ones(text: str) -> None:
    began = time.process_time()
    list(MENTIONS.find(text, Context("github")))
    assert time.process_time() - began < 5.0
