"""Commits, releases and files are mentioned by their pages, and by nothing that only looks so."""

from __future__ import annotations

import time

import pytest

from ingest.core.references import Context, Reference, extract, keep_owned
from ingest.sources.github.mentions import MENTIONS

SHA = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
LEDGER = "https://github.com/chen/ledger"
OWNED = {"github": {"ghe.acme.test"}}


def found(text: str, context: Context | None = None) -> tuple[Reference, ...]:
    home = context or Context("notion")
    return keep_owned(extract(text, home, (MENTIONS,)), OWNED)


def mentioned(text: str, context: Context | None = None) -> list[str]:
    return [r.key for r in found(text, context) if r.kind == "mention"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"{LEDGER}/commit/{SHA}", f"chen/ledger@{SHA}"),
        (f"{LEDGER}/commit/{SHA.upper()}?diff=split#r1", f"chen/ledger@{SHA}"),
        (f"see {LEDGER}/commit/0a1b2c3.", "chen/ledger@0a1b2c3"),
        (f"github.com/chen/ledger/commit/{SHA}", f"chen/ledger@{SHA}"),
        (f"[it]({LEDGER}/commit/{SHA})", f"chen/ledger@{SHA}"),
        (f"{LEDGER}/releases/tag/v1.2.0, at last", "chen/ledger@v1.2.0"),
        (f"{LEDGER}/releases/tag/%40chen%2Fcore%401.2.0", "chen/ledger@@chen/core@1.2.0"),
        (f"{LEDGER}/releases/tag/ios/1.2.0", "chen/ledger@ios/1.2.0"),
        (f"{LEDGER}/blob/main/docs/setup.md#ports", "chen/ledger:docs/setup.md"),
        (f"{LEDGER}/blob/{SHA}/docs/setup.md?plain=1#L3-L9", "chen/ledger:docs/setup.md"),
        (f"{LEDGER}/blame/HEAD/README.MD", "chen/ledger:README.MD"),
        (f"{LEDGER}/blob/master/docs/Getting%20Started.md", "chen/ledger:docs/Getting Started.md"),
        (f"https://ghe.acme.test/chen/ledger/commit/{SHA}", f"chen/ledger@{SHA}"),
    ],
)
def test_a_page_names_what_it_shows(text: str, key: str) -> None:
    assert mentioned(text) == [key]


@pytest.mark.parametrize(
    "text",
    [
        f"{SHA}, chen/ledger@{SHA} and commit {SHA}",
        f"{LEDGER}/commits/main and {LEDGER}/commit/main",
        f"{LEDGER}/commit/{SHA}0 and {LEDGER}/commit/0a1b2c",
        f"{LEDGER}/releases and {LEDGER}/releases/latest",
        f"{LEDGER}/releases/download/v1.2.0/app.zip",
        f"{LEDGER}/tree/main/docs and {LEDGER}/raw/main/docs/setup.md",
        f"{LEDGER}/blob/feature/tabs/docs/setup.md",
        f"{LEDGER}/blob/main/src/app.py#L12",
        f"{LEDGER}/blob/main/%00.md and {LEDGER}/blob/main/",
        f"`{LEDGER}/commit/{SHA}`",
        f"https://git.evil.test/chen/ledger/commit/{SHA}",
        f"https://evil.test/{LEDGER}/commit/{SHA}",
        f"https://github.com/orgs/ledger/commit/{SHA}",
    ],
)
def test_what_only_looks_like_a_page_is_none(text: str) -> None:
    assert mentioned(text, Context("github", "chen/ledger")) == []


def test_an_enterprise_of_ones_own_is_at_home_in_its_texts() -> None:
    home = Context("github", "chen/ledger", host="ghe.other.test")
    assert mentioned(f"https://ghe.other.test/chen/other/commit/{SHA}", home) == [
        f"chen/other@{SHA}"
    ]


def test_what_is_no_work_is_resolved_by_nobody() -> None:
    text = f"Fixes {LEDGER}/commit/{SHA}\n\nDepends on {LEDGER}/releases/tag/v2"
    edges = [(r.kind, r.key) for r in found(text) if r.kind != "mention"]
    assert edges == [
        ("dependsOn", "chen/ledger@v2"),
        ("relatedTo", f"chen/ledger@{SHA}"),
    ]


@pytest.mark.parametrize(
    "part",
    [
        "https://github.com/chen/ledger/blob/",
        "https://a.a/b/c/commit/0a1b2c",
        "/releases/tag/",
        f"{LEDGER}/blob/main/a",
    ],
)
def test_time_is_linear_in_the_text(part: str) -> None:
    text = part * (1_000_000 // len(part))
    began = time.process_time()
    assert mentioned(text) == []
    assert time.process_time() - began < 5
