"""`docs/providers`: events, rights and metadata that a page names are those that we ask for."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

import pytest

from ingest.sources.github import hooks, subscriptions
from ingest.sources.linear.subscriptions import _ADMIN
from ingest.sources.registry import source
from ingest.sources.zendesk.events import PREFIX
from ingest.sources.zendesk.subscriptions import _NEEDED, _SCOPES
from tests.docs.command_lines import of_ours
from tests.docs.pages import DOCS, commands
from tests.docs.wanted import EVENTS
from tests.factories import OURS

PAGES = {name: (DOCS / "providers" / f"{name}.md").read_text("utf-8") for name in sorted(OURS)}
SAID: Mapping[str, tuple[str, str]] = {
    "github": (subscriptions._RIGHTS, r"Webhooks|admin:repo_hook"),
    "linear": (_ADMIN, r"admin"),
    "notion": (source("notion").by_hand, r"Webhooks|pages|databases|data sources|comments"),
    "sentry": (
        source("sentry").by_hand,
        r"Issue & Event|Project|Organization|Custom",
    ),
    "vercel": (source("vercel").by_hand, r"owner|Pro|Enterprise"),
    "zendesk": (_SCOPES, r"webhooks:write|read"),
}
"""What the program says of each one's rights, and the words of it that the page has to have."""


def _table(page: str) -> dict[str, str]:
    """The rows of the section on events: the event, and what stands behind it."""
    section = page.partition("\n## Events\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \|(.*)$", section, re.MULTILINE))


def _connected(page: str) -> list[list[str]]:
    """The words of each command that connects."""
    lines = (line for shown in commands(page) for line in of_ours(shown))
    return [shlex.split(line) for line in lines if line.startswith("ingest source connect")]


@pytest.mark.parametrize("name", PAGES)
def test_the_events_of_a_page_are_those_that_we_ask_for(name: str) -> None:
    assert frozenset(_table(PAGES[name])) == EVENTS[name]


def test_what_not_every_github_knows_is_not_called_needed() -> None:
    told = _table(PAGES["github"])
    assert {event for event, said in told.items() if "| yes" in said} == set(hooks.NEEDED)


def test_zendesk_is_asked_for_its_events_with_the_prefix_of_the_page() -> None:
    assert PREFIX in PAGES["zendesk"]
    assert {*_NEEDED} == {f"{PREFIX}{event}" for event in _table(PAGES["zendesk"])}


@pytest.mark.parametrize("name", PAGES)
def test_a_right_that_the_program_names_is_on_the_page(name: str) -> None:
    said, words = SAID[name]
    named = {*re.findall(words, said)}
    assert len(named) == len(words.split("|"))
    assert not [word for word in named if word not in PAGES[name]]


@pytest.mark.parametrize("name", PAGES)
def test_a_connection_can_be_made_as_the_page_makes_it(name: str) -> None:
    """Its metadata are taken, and it names the filters that there are."""
    found, descriptor = source(name), source(name).descriptor
    lines = _connected(PAGES[name])
    assert lines
    for words in lines:
        given = words[words.index("--metadata") + 1].replace("…", "")
        metadata = json.loads(given)
        descriptor.connection.model_validate(metadata)
        assert descriptor.connection_tenants(metadata)
        assert words[words.index("connect") + 1] == name
        assert "--create-webhook" not in words or found.subscribe is not None
    filters = {*re.findall(r"--filter (\w+)=", PAGES[name])}
    assert filters <= set(descriptor.filters)
    assert bool(filters) == bool(descriptor.filters)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_route_and_every_field_that_may_be_told(name: str) -> None:
    assert f"/webhooks/{name}/ID`" in PAGES[name]
    fields = {*re.findall(r"[`\"]([a-z]+(?:[A-Z][a-z]+)+)[`\"]", PAGES[name])}
    known = {info.alias for info in source(name).descriptor.connection.model_fields.values()}
    of_tokens = {"appId", "privateKey", "clientId", "clientSecret", "refreshToken"}
    assert fields - of_tokens <= known


@pytest.mark.parametrize("name", PAGES)
def test_the_token_of_a_page_has_a_form_that_is_taken(name: str) -> None:
    """Of those that are JSON; the others are cut short there."""
    for line in commands(PAGES[name]):
        told = re.fullmatch(r"export \w+='(\{.*\})'", line)
        if told is None or "privateKey" in told[1]:
            continue
        source(name).descriptor.check_token(told[1].replace("…", "a-secret"))
