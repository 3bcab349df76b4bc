"""How deployments are mentioned in text, and what only looks like one."""

from __future__ import annotations

import time

import pytest

from ingest.core.references import Context, extract
from ingest.sources.vercel.mentions import MENTIONS, is_own_host

LAMPS = "dpl_Hx7Signals0000Lamps0001"
HOST = "web-h7x2lamp5-halcyon.vercel.app"


def named(text: str) -> list[str]:
    return sorted({r.key for r in extract(text, Context("linear"), [MENTIONS])})


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"broken since {LAMPS}.", LAMPS),
        (f"({LAMPS})", LAMPS),
        (f"https://{HOST}/boards?day=1", HOST),
        (f"see {HOST}, it is dark", HOST),
        (f"[preview](https://{HOST})", HOST),
        ("HTTPS://WEB-H7X2LAMP5-HALCYON.VERCEL.APP", HOST),
        ("https://vercel.com/halcyon/web/Hx7Signals0000Lamps0001", LAMPS),
        ("https://vercel.com/halcyon/web/Hx7Signals0000Lamps0001/logs", LAMPS),
        (f"https://vercel.com/halcyon/web/deployments/{LAMPS}", LAMPS),
        (f"https://vercel.com/web/{LAMPS}", LAMPS),
        (f"https://vercel.live/open-feedback/{HOST}?via=pr-comment", HOST),
        (f"https://vercel.com/deployments/{HOST}", HOST),
    ],
)
def test_a_deployment_is_named(text: str, key: str) -> None:
    assert named(text) == [key]


@pytest.mark.parametrize(
    "text",
    [
        "dpl_short",
        "https://vercel.com/halcyon/web/internationalization",
        f"https://{HOST}.evil.example",
        f"my{LAMPS}",
        "web.vercel.app",
        "https://web-docs.vercel.app",
        "https://web-git-main-halcyon.vercel.app",
        "https://web-git-h7x2lamp5-halcyon.vercel.app",
        "https://web-workspace-docs.vercel.app",
        f"https://x.{HOST}",
        f"https://evil.test/{HOST}",
        "https://web-git-h7x2lamp5-halcyon.preview.halcyon.test",
        f"{HOST}.example.com/x".replace("app.", "apps."),
        "https://vercel.com/docs/builds/configure-a-build#corepack",
        "https://vercel.com/halcyon/web/settings",
        "https://vercel.com/halcyon/Hx7Signals0000Lamps0001",
        f"`{LAMPS}`",
    ],
)
def test_what_names_no_deployment(text: str) -> None:
    assert named(text) == []


def test_one_deployment_said_in_two_ways_is_two_keys_of_one_document() -> None:
    assert named(f"{LAMPS} at https://{HOST}") == [LAMPS, HOST]


def test_previews_under_a_domain_of_the_team_s_own_belong_to_their_project() -> None:
    url = "https://web-h7x2lamp5-halcyon.preview.halcyon.test/boards"
    found = extract(url, Context("linear"), [MENTIONS])
    assert [(r.key, r.prefix) for r in found] == [(url.split("/")[2], "web")]


def test_own_hosts_have_a_hash() -> None:
    assert is_own_host(HOST)
    assert not is_own_host("web.vercel.app")
    assert not is_own_host("web-h7x2lamp5-halcyon")


@pytest.mark.parametrize(
    "text",
    [
        "dpl_" * 50_000,
        ".vercel.app" * 30_000,
        "a-" * 100_000 + ".vercel.app",
        "vercel.com/" * 30_000,
    ],
)
def test_hostile_text_is_read_in_no_time(text: str) -> None:
    began = time.process_time()
    list(MENTIONS.find(text, Context("vercel")))
    assert time.process_time() - began < 5
