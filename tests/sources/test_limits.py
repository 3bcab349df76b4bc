"""Limits as the sources tell them: whose they are, what a request takes, what headers say is left.

The headers are those of each provider's documents, in its own units.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from ingest.core.values import JSON
from ingest.sources.limits import Call, Limit, LimitReading, RateLimits
from ingest.sources.registry import source

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
IN_90_S = int(NOW.timestamp()) + 90
REST, GRAPHQL = Call("GET", "/repos/halcyon/app/issues"), Call("POST", "/graphql")
ISSUE = Call("GET", "/api/0/organizations/halcyon/issues/17/")
DEPLOYMENTS = Call("GET", "/v6/deployments")
TICKET = Call("GET", "/api/v2/tickets/9.json")
ARTICLE = Call("GET", "/api/v2/help_center/articles/9")
EXPORT = Call("GET", "/api/v2/incremental/tickets/cursor.json")


def limits_of(name: str) -> RateLimits:
    found = source(name).limits
    assert found is not None
    return found


def read(name: str, call: Call, headers: Mapping[str, str]) -> dict[str, LimitReading]:
    return {one.limit: one for one in limits_of(name).read(call, headers, NOW)}


def taken(name: str, call: Call) -> dict[str, int]:
    """What a request takes, by the limit."""
    weights = {one.name: one.counts(call) for one in limits_of(name).each}
    return {limit: weight for limit, weight in weights.items() if weight is not None}


@pytest.mark.parametrize(
    ("name", "call", "headers", "expected"),
    [
        pytest.param(
            "github",
            REST,
            {
                "x-ratelimit-limit": "12500",
                "x-ratelimit-remaining": "4987",
                "x-ratelimit-used": "13",
                "x-ratelimit-reset": str(IN_90_S),
                "x-ratelimit-resource": "core",
            },
            [LimitReading("rest", 4987, 90.0, 12_500)],
            id="github: epoch seconds",
        ),
        pytest.param(
            "github",
            GRAPHQL,
            {
                "x-ratelimit-limit": "5000",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(IN_90_S),
                "x-ratelimit-resource": "graphql",
            },
            [LimitReading("graphql", 0, 90.0, 5000)],
            id="github: points of GraphQL",
        ),
        pytest.param(
            "github",
            REST,
            {
                "x-ratelimit-remaining": "9",
                "x-ratelimit-reset": str(IN_90_S),
                "x-ratelimit-resource": "search",
            },
            [],
            id="github: of what is not asked here",
        ),
        pytest.param(
            "linear",
            GRAPHQL,
            {
                "x-ratelimit-requests-limit": "5000",
                "x-ratelimit-requests-remaining": "4900",
                "x-ratelimit-requests-reset": str(IN_90_S * 1000 + 500),
                "x-complexity": "66",
                "x-ratelimit-complexity-limit": "2000000",
                "x-ratelimit-complexity-remaining": "1999934.5",
                "x-ratelimit-complexity-reset": str(IN_90_S * 1000),
            },
            [
                LimitReading("requests", 4900, 90.5, 5000),
                LimitReading("complexity", 1_999_934, 90.0, 2_000_000),
            ],
            id="linear: epoch milliseconds",
        ),
        pytest.param("notion", REST, {"retry-after": "30"}, [], id="notion: no headers"),
        pytest.param(
            "sentry",
            ISSUE,
            {
                "x-sentry-rate-limit-limit": "5",
                "x-sentry-rate-limit-remaining": "4",
                "x-sentry-rate-limit-reset": str(IN_90_S),
                "x-sentry-rate-limit-concurrentlimit": "25",
                "x-sentry-rate-limit-concurrentremaining": "24",
            },
            [LimitReading("one issue", 4, 90.0, 5)],
            id="sentry: epoch seconds, of the endpoint",
        ),
        pytest.param(
            "vercel",
            DEPLOYMENTS,
            {
                "x-ratelimit-limit": "500",
                "x-ratelimit-remaining": "499",
                "x-ratelimit-reset": str(IN_90_S),
            },
            [LimitReading("deployments", 499, 90.0, 500)],
            id="vercel: epoch seconds",
        ),
        pytest.param(
            "vercel",
            DEPLOYMENTS,
            {"x-ratelimit-remaining": "499", "x-ratelimit-reset": str(IN_90_S * 1000)},
            [LimitReading("deployments", 499, 90.0)],
            id="vercel: milliseconds, as seen",
        ),
        pytest.param(
            "zendesk",
            TICKET,
            {"x-rate-limit": "700", "x-rate-limit-remaining": "699", "ratelimit-reset": "41"},
            [LimitReading("support", 699, 41.0, 700)],
            id="zendesk: seconds to wait",
        ),
        pytest.param(
            "zendesk",
            ARTICLE,
            {"ratelimit-limit": "400", "ratelimit-remaining": "10"},
            [LimitReading("help center", 10, 60.0, 400)],
            id="zendesk: of the minute, and of the other pool",
        ),
        pytest.param(
            "zendesk",
            EXPORT,
            {
                "x-rate-limit": "700",
                "x-rate-limit-remaining": "650",
                "zendesk-ratelimit-incremental-exports": "total=30; remaining=29; resets=55",
            },
            [
                LimitReading("support", 650, 60.0, 700),
                LimitReading("exports", 29, 55.0, 30),
            ],
            id="zendesk: an endpoint's own",
        ),
    ],
)
def test_headers_are_read_in_their_units(
    name: str, call: Call, headers: Mapping[str, str], expected: list[LimitReading]
) -> None:
    assert read(name, call, headers) == {one.limit: one for one in expected}


@pytest.mark.parametrize("told", ["", "total=30; resets=55", "remaining=; resets=5", "remaining=x"])
def test_a_header_of_an_endpoint_that_makes_no_sense_tells_nothing(told: str) -> None:
    headers = {"zendesk-ratelimit-incremental-exports": told}
    assert read("zendesk", EXPORT, headers) == {}


def test_a_reset_is_told_by_the_servers_own_clock() -> None:
    """Ours is an hour behind."""
    headers = {
        "date": "Mon, 02 Mar 2026 13:00:00 GMT",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-reset": str(IN_90_S + 3600),
    }
    assert read("github", REST, headers)["rest"].resets_s == 90.0


@pytest.mark.parametrize(
    ("name", "call", "expected"),
    [
        ("github", REST, {"rest": 1, "rest a minute": 1}),
        ("github", Call("POST", "/repos/halcyon/app/hooks"), {"rest": 1, "rest a minute": 5}),
        ("github", GRAPHQL, {"graphql": 1, "graphql a minute": 1}),
        ("github", Call("POST", "/api/graphql"), {"graphql": 1, "graphql a minute": 1}),
        ("linear", GRAPHQL, {"requests": 1, "complexity": 0}),
        ("notion", Call("POST", "/v1/search"), {"requests": 1}),
        ("sentry", ISSUE, {"one issue": 1}),
        ("sentry", Call("GET", f"{ISSUE.path}events/latest/"), {"one event": 1}),
        ("sentry", Call("GET", "/api/0/projects/halcyon/app/events/"), {"a project's events": 1}),
        ("sentry", Call("GET", "/api/0/projects/halcyon/app/events/abc/"), {"one event": 1}),
        ("sentry", Call("GET", "/api/0/organizations/halcyon/issues/"), {"others": 1}),
        ("vercel", DEPLOYMENTS, {"deployments": 0}),
        ("vercel", Call("GET", "/v13/deployments/dpl_1"), {"one deployment": 0}),
        ("vercel", Call("GET", "/v3/deployments/dpl_1/events"), {"build log": 0}),
        ("zendesk", TICKET, {"support": 1}),
        ("zendesk", ARTICLE, {"help center": 1}),
        ("zendesk", EXPORT, {"support": 1, "exports": 1}),
    ],
)
def test_a_request_takes_from_its_own_limits(
    name: str, call: Call, expected: dict[str, int]
) -> None:
    assert taken(name, call) == expected


APP = json.dumps({"appId": 7, "privateKey": "…"})
CLIENT = {"clientId": "c-1", "clientSecret": "s"}
FIRST = json.dumps({**CLIENT, "refreshToken": "r-1"})
NEXT = json.dumps({**CLIENT, "refreshToken": "r-2"})


@pytest.mark.parametrize(
    ("name", "metadata", "given", "owner"),
    [
        ("github", {"githubInstallationId": "99"}, APP, "installation 99"),
        ("github", {"githubInstallationId": "0"}, "ghp_1", None),
        ("linear", {"linearOrganizationId": "o"}, "lin_api_1", None),
        ("linear", {"linearOrganizationId": "o"}, FIRST, "app c-1 of o"),
        ("linear", {"linearOrganizationId": "o"}, NEXT, "app c-1 of o"),
        ("linear", {"linearOrganizationId": "o"}, "{no JSON", None),
        ("notion", {}, "ntn_1", None),
        ("sentry", {"sentryOrganizationSlug": "halcyon"}, "t", "organization halcyon"),
        ("vercel", {"vercelTeamId": "team_1"}, "t", "team team_1"),
        ("vercel", {}, "t", None),
        ("zendesk", {"zendeskSubdomain": "halcyon"}, "t", "account halcyon"),
    ],
)
def test_a_limit_belongs_to_whom_its_provider_says(
    name: str, metadata: Mapping[str, JSON], given: str, owner: str | None
) -> None:
    """None: to the token itself."""
    assert {one.owner(metadata, given) for one in limits_of(name).each} == {owner}


def test_a_share_leaves_something_to_either() -> None:
    limit = Limit("requests", 10, 60, share=0.7)
    assert [limit.background(10, begun=begun) for begun in (False, True)] == [7, 8]
    assert limit.background(1, begun=False) == 1


def test_times_are_told_to_the_fraction() -> None:
    later = NOW - timedelta(seconds=0.5)
    (reading,) = limits_of("github").read(
        REST, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": str(IN_90_S)}, later
    )
    assert reading.resets_s == 90.5
