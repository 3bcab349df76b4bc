"""What tokens are made from, as people give it; the one request that buys a token; and the client
that keeps its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.core.errors import BadInput, IngestError, RateLimited, Refused
from ingest.sources.access import Access, Issued, Renewal
from ingest.sources.contract import Client, Source
from ingest.sources.linear.demo import fake as fake_linear
from ingest.sources.masking import HIDDEN
from ingest.sources.registry import all_sources, source
from ingest.sources.renewing import KeptTokens, spare_s
from ingest.sources.zendesk.demo import fake as fake_zendesk
from ingest.testing.fake_tokens import FakeTokens
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.factories import METADATA

CLIENT = {"clientId": "client-1", "clientSecret": "the-secret-of-a-client-1"}
REFRESH = "the-first-refresh-token"
RENEWING = {name: found for name, found in all_sources().items() if found.renewal is not None}
NAMES = ("linear", "zendesk")


class Clock:
    """The provider's and ours."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 26, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


def _renewal(name: str) -> Renewal:
    found = source(name).renewal
    assert found is not None
    return found


@contextmanager
def _at(name: str, tokens: FakeTokens) -> Iterator[tuple[Fake, Access]]:
    provider: Any = {"zendesk": fake_zendesk, "linear": fake_linear}[name].make()
    provider.tokens = tokens
    if name == "linear":
        provider.organization["id"] = METADATA[name]["linearOrganizationId"]
    more = {"refreshToken": tokens.refresh_token} if tokens.refresh_token else {}
    with serving(provider) as fake:
        yield fake, Access(fake.url, json.dumps({**CLIENT, **more}), METADATA[name], tokens.now)


def _tokens(refresh: str | None = None, lives_s: float | None = 1800.0) -> FakeTokens:
    return FakeTokens(CLIENT["clientId"], CLIENT["clientSecret"], refresh, lives_s, Clock())


def _client(name: str, access: Access) -> Client:
    connect = source(name).connect
    assert connect is not None
    return connect(access)


# What people give.


@pytest.mark.parametrize("name", NAMES)
def test_an_oauth_client_is_taken(name: str) -> None:
    descriptor = source(name).descriptor
    for more in ({}, {"scope": "read"}, {"scope": "tickets:read users:read"}):
        descriptor.check_token(json.dumps({**CLIENT, **more}))
    source("linear").descriptor.check_token(json.dumps({**CLIENT, "refreshToken": REFRESH}))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("{", "no JSON object"),
        ("{" * 100_000, "no JSON object"),
        ("{}", "clientId is missing"),
        ('{"clientId": "a"}', "clientSecret is missing"),
        ({**CLIENT, "clientSecret": ""}, "clientSecret is empty"),
        ({**CLIENT, "clientSecret": "two words"}, "clientSecret is empty"),
        ({**CLIENT, "clientId": 5}, "clientId is empty"),
        ({**CLIENT, "clientID": "a"}, "not known"),
        ({**CLIENT, "scope": " "}, "scope is empty"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_what_no_token_can_be_made_from_is_refused_with_the_form(
    name: str, told: Any, said: str
) -> None:
    given = told if isinstance(told, str) else json.dumps(told)
    with pytest.raises(BadInput, match=said) as refused:
        source(name).descriptor.check_token(given)
    assert '{"clientId": "…", "clientSecret": "…"' in str(refused.value)
    assert CLIENT["clientSecret"] not in str(refused.value)


def test_zendesk_takes_no_refresh_token() -> None:
    with pytest.raises(BadInput, match="not known"):
        source("zendesk").descriptor.check_token(json.dumps({**CLIENT, "refreshToken": "x"}))


@pytest.mark.parametrize("found", RENEWING.values(), ids=[*RENEWING])
def test_a_renewal_says_what_is_secret_of_any_text(found: Source) -> None:
    assert found.renewal is not None
    for told in ("", "{", "{}", "[]", "plain", '{"clientSecret": 5}', "{" * 100_000):
        assert found.renewal.secrets(told) == ()
    assert not found.renewal.applies("a-plain-token")


@pytest.mark.parametrize(
    ("name", "token", "word"),
    [
        ("zendesk", "agent@a.example/token:abc", "30 April 2027"),
        ("zendesk", "0a1b2c", "half an hour"),
        ("linear", "lin_oauth_1", "24 hours"),
        ("linear", "lin_api_1", None),
        ("linear", json.dumps(CLIENT), None),
        ("zendesk", json.dumps(CLIENT), None),
        ("notion", "ntn_1", None),
    ],
)
def test_a_token_that_ends_is_told(name: str, token: str, word: str | None) -> None:
    told = source(name).descriptor.token_end(token)
    assert (told is None) if word is None else (word in str(told))


# The request.


def test_zendesks_client_asks_with_json() -> None:
    with _at("zendesk", _tokens()) as (fake, access):
        issued = _renewal("zendesk").ask(access)
        (asked,) = fake.requests
    assert (asked.method, asked.path) == ("POST", "/oauth/tokens")
    assert asked.headers["content-type"] == "application/json"
    assert "authorization" not in asked.headers
    assert asked.body == {
        "grant_type": "client_credentials",
        "client_id": "client-1",
        "client_secret": CLIENT["clientSecret"],
        "scope": "read",
    }
    assert (issued.lives_s, issued.given) == (1800.0, None)
    assert issued.token not in repr(issued)


@pytest.mark.parametrize("refresh", [None, REFRESH])
def test_linears_client_asks_with_a_form(refresh: str | None) -> None:
    tokens = _tokens(refresh, 86_399.0)
    with _at("linear", tokens) as (fake, access):
        issued = _renewal("linear").ask(access)
        (asked,) = fake.requests
    assert (asked.method, asked.path) == ("POST", "/oauth/token")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    client = {"client_id": "client-1", "client_secret": CLIENT["clientSecret"]}
    of_client = {"grant_type": "client_credentials", "scope": "read"}
    of_token = {"grant_type": "refresh_token", "refresh_token": str(refresh)}
    assert asked.form() == client | (of_client if refresh is None else of_token)
    assert issued.lives_s == 86_399.0
    if refresh is None:
        assert issued.given is None
    else:
        next_one = {**CLIENT, "refreshToken": tokens.refresh_token}
        assert json.loads(str(issued.given)) == next_one


@pytest.mark.parametrize(
    ("told", "lives_s"), [("7200", 7200.0), (None, None), (0, None), ("x", None), (True, 1.0)]
)
def test_an_end_may_be_told_in_many_ways(told: Any, lives_s: float | None) -> None:
    with _at("zendesk", _tokens()) as (fake, access):
        body = {"access_token": "a-token", "expires_in": told}
        fake.troubles.append(Trouble(Answer(200, body)))
        assert _renewal("zendesk").ask(access) == Issued("a-token", lives_s)


def test_linears_limit_at_the_token_endpoint_is_a_limit() -> None:
    """It is a 400, as a refused grant is."""
    with _at("linear", _tokens()) as (fake, access):
        provider: Any = fake.provider
        fake.troubles.append(Trouble(provider.limited(access.now(), 90.0)))
        with pytest.raises(RateLimited):
            _renewal("linear").ask(access)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_grant_that_is_not_taken_says_what_to_give(name: str, status: int) -> None:
    echo = Answer(status, {"error": f"no {CLIENT['clientSecret']}"})
    with _at(name, _tokens()) as (fake, access):
        fake.troubles.append(Trouble(echo))
        with pytest.raises(Refused, match="give the") as raised:
            _renewal(name).ask(access)
    assert f"HTTP {status}, no {HIDDEN}" in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_stored_and_is_no_client_is_refused(name: str) -> None:
    with _at(name, _tokens()) as (fake, access):
        bad = Access(access.base_url, '{"clientId": "a"}', access.metadata, access.now)
        with closing_client(_client(name, bad)) as client, pytest.raises(Refused):
            client.check()
        assert not fake.requests


# A client that keeps its own.


def closing_client(client: Client) -> closing[Client]:
    return closing(client)


@pytest.mark.parametrize("name", NAMES)
def test_a_client_by_itself_renews_in_time_and_on_a_401(name: str) -> None:
    tokens = _tokens(REFRESH if name == "linear" else None)
    with _at(name, tokens) as (_, access), closing_client(_client(name, access)) as client:
        for _ in range(2):
            client.check()
        assert tokens.sold == 1
        tokens.revoke()
        client.check()
        assert tokens.sold == 2
        clock: Any = tokens.now
        clock.time += timedelta(seconds=1800 - 299)
        client.check()
        assert tokens.sold == 3


@pytest.mark.parametrize("status", [200, 400, 401])
def test_linear_may_say_in_many_ways_that_a_token_ended(status: int) -> None:
    said = {"message": "Authentication required", "extensions": {"code": "AUTHENTICATION_ERROR"}}
    tokens = _tokens(REFRESH)
    with _at("linear", tokens) as (fake, access), closing_client(_client("linear", access)) as one:
        one.check()
        fake.troubles.append(Trouble(Answer(status, {"errors": [said], "data": None}), "graphql"))
        one.check()
    assert tokens.sold == 2


def test_a_refresh_token_that_is_used_twice_takes_all_with_it() -> None:
    """The fake is as strict as Linear."""
    tokens = _tokens(REFRESH)
    with _at("linear", tokens) as (_, access):
        _renewal("linear").ask(access)
        with pytest.raises(Refused, match="authorize the app anew"):
            _renewal("linear").ask(access)
        assert not tokens.live


@pytest.mark.parametrize("lives_s", [60.0, 300.0, 1800.0, 86_400.0])
def test_a_token_is_renewed_soon_before_its_end(lives_s: float) -> None:
    assert 0 < spare_s(lives_s) <= min(300.0, lives_s / 4)


def test_nothing_shows_what_tokens_are_made_from() -> None:
    with _at("linear", _tokens(REFRESH)) as (_, access):
        kept = KeptTokens(access, _renewal("linear"))
        token = kept.current()
        shown = repr(kept) + repr(access)
        assert not [one for one in (token, REFRESH, CLIENT["clientSecret"]) if one in shown]
        for one in (token, REFRESH, CLIENT["clientSecret"]):
            assert one not in access.mask(f"<{one}>")


def test_a_fault_of_a_renewal_is_one_of_our_errors() -> None:
    with _at("zendesk", _tokens()) as (fake, access):
        fake.troubles.append(Trouble(Answer(200, b"x" * (2**20 + 1))))
        with pytest.raises(IngestError):
            _renewal("zendesk").ask(access)
