"""Linear's webhooks over its API: looked at, made, taken over, mended; what Linear cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ingest.core.errors import BadPayload, PermanentError, Refused, TransientError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.linear import SOURCE
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.linear.demo.fake_graphql import BadQuery
from ingest.sources.linear.demo.fake_webhooks import Hook
from ingest.sources.linear.events import IGNORED
from ingest.sources.linear.hooks import WANTED
from ingest.sources.subscriptions import MissedPage, Observation, Subscriptions
from ingest.testing.fakes import Answer, Fake, Trouble
from tests.sources.linear.deliveries import NAMES, ORGANIZATION, body, said
from tests.sources.linear.looking import NOW, looking, organization

URL = "https://ingest.example.test/webhooks/linear/7"
SECRET = "a-secret-that-we-made"


@contextmanager
def _subscriptions(linear: Linear, **metadata: JSON) -> Iterator[tuple[Subscriptions, Fake]]:
    with looking(linear) as look:
        access = Access(
            base_url=look.fake.url,
            token=linear.token,
            metadata={"linearOrganizationId": ORGANIZATION, **metadata},
            now=lambda: NOW,
        )
        assert SOURCE.subscribe is not None
        subscriptions = SOURCE.subscribe(access)
        try:
            yield subscriptions, look.fake
        finally:
            subscriptions.close()


def _with(**fields: JSON) -> tuple[Linear, Hook]:
    """An organization with one webhook, as we would make it but for these fields."""
    linear = organization()
    asked = {"url": URL, "resourceTypes": [*WANTED], "secret": SECRET, "allPublicTeams": True}
    made = linear.hooks.mutate("webhookCreate", {"input": asked})
    assert made is not None
    hook: Hook = made["webhook"]
    hook.update(fields)
    return linear, hook


def _wrong(seen: tuple[Observation, ...]) -> list[Observation]:
    return [one for one in seen if one.ok is False]


# What is asked for.


def test_only_what_normalise_makes_something_of_is_subscribed_to() -> None:
    heard = {payload["type"] for payload in map(body, NAMES) if said(payload).changes}
    assert heard == {*WANTED}
    assert not {*WANTED} & IGNORED.keys()


# Made.


def test_a_webhook_is_made_with_the_given_secret_and_sees_all_public_teams() -> None:
    linear = organization()
    with _subscriptions(linear) as (subscriptions, _):
        made = subscriptions.create(URL, SECRET)
        assert not _wrong(subscriptions.look(URL))
    (hook,) = linear.hooks.all.values()
    assert (hook["url"], hook["secret"], hook["allPublicTeams"]) == (URL, SECRET, True)
    assert {*hook["resourceTypes"]} == {*WANTED}
    assert (made.id, made.secret, made.metadata) == (hook["id"], None, {"webhookId": hook["id"]})
    assert SECRET not in repr(made)


@pytest.mark.parametrize(
    ("teams", "one"), [(["team-1"], "team-1"), (["team-1", "team-2"], None), (None, None)]
)
def test_a_connection_of_one_team_gets_a_webhook_of_that_team(
    teams: list[JSON] | None, one: str | None
) -> None:
    linear = organization()
    narrowed: dict[str, JSON] = {"onlyTeamIds": teams} if teams else {}
    with _subscriptions(linear, **narrowed) as (subscriptions, _):
        subscriptions.create(URL, SECRET)
        assert not _wrong(subscriptions.look(URL))
    (hook,) = linear.hooks.all.values()
    assert hook["allPublicTeams"] is (one is None)
    assert (hook["team"] or {}).get("id") == one


def test_a_webhook_that_is_there_is_taken_over_and_not_doubled() -> None:
    linear, hook = _with(enabled=False, resourceTypes=["Issue", "Cycle"], secret="theirs")
    with _subscriptions(linear) as (subscriptions, _):
        for _ in range(2):
            assert subscriptions.create(URL, SECRET).id == hook["id"]
    assert len(linear.hooks.all) == 1
    assert (hook["enabled"], hook["secret"]) == (True, SECRET)
    assert {*hook["resourceTypes"]} == {*WANTED, "Cycle"}


def test_a_secret_that_linear_made_instead_is_told() -> None:
    linear = organization()
    with _subscriptions(linear) as (subscriptions, fake):
        subscriptions.create(URL, SECRET)
        (hook,) = linear.hooks.all.values()
        hook["secret"] = "lin_wh_of_its_own"
        told = {"success": True, "webhook": hook}
        listing = linear.answer
        fake.provider = _Instead(linear.token, listing, {"webhookUpdate": told})
        assert subscriptions.create(URL, SECRET).secret == "lin_wh_of_its_own"


def test_a_webhook_of_another_route_is_left_alone() -> None:
    linear, hook = _with(url="https://ingest.example.test/webhooks/linear/8")
    with _subscriptions(linear) as (subscriptions, _):
        made = subscriptions.create(URL, SECRET)
    assert made.id != hook["id"]
    assert hook["url"].endswith("8")


# Looked at and mended.


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"enabled": False}, "disabled"),
        ({"resourceTypes": ["Issue"]}, "Comment"),
        ({"url": "https://elsewhere.example.test/"}, "elsewhere"),
    ],
)
def test_what_is_wrong_is_said_and_mended(fields: dict[str, JSON], word: str) -> None:
    linear, hook = _with(**fields)
    with _subscriptions(linear, webhookId=hook["id"]) as (subscriptions, _):
        (wrong,) = _wrong(subscriptions.look(URL))
        assert word in wrong.said
        assert wrong.mendable
        assert wrong.remedy
        mended = subscriptions.mend(URL, SECRET)
        assert mended is not None
        assert mended.id == hook["id"]
        assert not _wrong(subscriptions.look(URL))
        assert subscriptions.mend(URL, SECRET) is None


def test_a_webhook_that_is_not_there_is_said_and_made() -> None:
    linear = organization()
    with _subscriptions(linear) as (subscriptions, _):
        (wrong,) = _wrong(subscriptions.look(URL))
        assert wrong.mendable
        assert subscriptions.mend(URL, SECRET)
    assert len(linear.hooks.all) == 1


def test_a_webhook_that_signs_with_another_secret_is_mended() -> None:
    linear, hook = _with(secret="theirs")
    with _subscriptions(linear) as (subscriptions, _):
        assert subscriptions.mend(URL, SECRET)
    assert hook["secret"] == SECRET


def test_a_webhook_of_one_team_alone_is_said_and_cannot_be_mended() -> None:
    linear, _ = _with(allPublicTeams=False, team={"id": "team-1"})
    with _subscriptions(linear) as (subscriptions, _fake):
        (wrong,) = _wrong(subscriptions.look(URL))
        assert ("team-1" in wrong.said, wrong.mendable) == (True, False)
        assert "team-1" in subscriptions.create(URL, SECRET).said
    with _subscriptions(linear, onlyTeamIds=["team-1"]) as (subscriptions, _fake):
        assert not _wrong(subscriptions.look(URL))


def test_the_webhook_of_an_oauth_app_shows_no_url() -> None:
    linear, hook = _with(url=None)
    with _subscriptions(linear, webhookId=hook["id"]) as (subscriptions, _):
        seen = subscriptions.look(URL)
        assert not _wrong(seen)
        assert [one.ok for one in seen].count(None) == 1
        assert subscriptions.mend(URL, SECRET) is None
    assert hook["url"] is None


@pytest.mark.parametrize(("hours", "is_ok"), [(1, False), (7, False), (9, True)])
def test_failures_are_told_since_when_until_their_last_retry_is_over(
    hours: int, *, is_ok: bool
) -> None:
    linear, hook = _with()
    for status, before in ((500, hours), (None, hours - 0.5)):
        at = NOW - timedelta(hours=before)
        linear.hooks.fail(hook["id"], status, "no", at)
    with _subscriptions(linear) as (subscriptions, _):
        failing = subscriptions.look(URL)[-1]
    assert failing.ok is is_ok
    if not is_ok:
        assert f"2 deliveries failed since 2026-03-02T{12 - hours:02}" in failing.said
        assert "no answer" in failing.said


def test_failures_that_linear_does_not_show_any_more_are_unknown() -> None:
    linear, _ = _with()
    refused = Answer(400, {"errors": [{"message": 'Cannot query field "failures".'}]})
    with _subscriptions(linear) as (subscriptions, fake):
        fake.provider = _Instead(linear.token, linear.answer, {}, {"WebhookFailures": refused})
        assert subscriptions.look(URL)[-1].ok is None


# Who may not.


def test_a_token_that_may_not_see_webhooks_is_an_unknown_and_refused_where_it_acts() -> None:
    linear = organization()
    linear.hooks.admin = False
    with _subscriptions(linear) as (subscriptions, _):
        (seen,) = subscriptions.look(URL)
        assert seen.ok is None
        assert "admin" in seen.remedy
        for act in (subscriptions.create, subscriptions.mend):
            with pytest.raises(Refused):
                act(URL, SECRET)
    assert "{url}" in SOURCE.by_hand


def test_a_wrong_token_is_refused() -> None:
    linear = organization()
    with _subscriptions(linear) as (subscriptions, _):
        linear.token = "lin_api_another"
        with pytest.raises(Refused):
            subscriptions.look(URL)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(503, {}), TransientError),
        (Answer(200, {"data": {"webhooks": {"nodes": None}}}), BadPayload),
        (Answer(200, {"data": {"webhooks": {"nodes": [{}], "pageInfo": {}}}}), BadPayload),
        (Answer(200, {"data": {"webhooks": {"nodes": [], "pageInfo": {}}}}), BadPayload),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error(answer: Answer, kind: type[Exception]) -> None:
    with _subscriptions(organization()) as (subscriptions, fake):
        fake.troubles.append(Trouble(answer))
        with pytest.raises(kind):
            subscriptions.create(URL, SECRET)


def test_what_linear_does_not_say_it_did_is_not_done() -> None:
    linear = organization()
    with _subscriptions(linear) as (subscriptions, fake):
        fake.provider = _Instead(linear.token, linear.answer, {"webhookCreate": {"success": False}})
        with pytest.raises(PermanentError, match="webhookCreate"):
            subscriptions.create(URL, SECRET)


# What was missed.


def test_linear_keeps_nothing_that_could_be_had_again() -> None:
    linear, hook = _with()
    linear.hooks.fail(hook["id"], 500, "no", NOW)
    with _subscriptions(linear) as (subscriptions, fake):
        assert subscriptions.missed(NOW - timedelta(days=1)) == MissedPage()
        assert subscriptions.redeliver("execution-1") is False
        assert subscriptions.read("execution-1") is None
        assert not fake.requests


# The fake is as strict as Linear.


@pytest.mark.parametrize(
    "asked",
    [
        {"resourceTypes": ["Issue"], "allPublicTeams": True},
        {"url": URL, "allPublicTeams": True},
        {"url": URL, "resourceTypes": ["Issue"]},
        {"url": URL, "resourceTypes": ["IssueRelation"], "allPublicTeams": True},
        {"url": URL, "resourceTypes": ["Issue"], "allPublicTeams": True, "teamIds": []},
    ],
)
def test_the_fake_refuses_a_webhook_that_linear_would_refuse(asked: dict[str, JSON]) -> None:
    with pytest.raises(BadQuery):
        organization().hooks.mutate("webhookCreate", {"input": asked})


class _Instead:
    """The fake, but for what is answered to some mutations or operations."""

    def __init__(self, token: str, answer: object, roots: object, named: object = None) -> None:
        self.token, self._answer = token, answer
        self._roots, self._named = roots, named or {}

    def answer(self, asked: object) -> Answer:
        name = asked.body["operationName"]  # type: ignore[attr-defined]  # a request
        root = f"{name[0].lower()}{name[1:]}"
        if root in self._roots:  # type: ignore[operator]  # a mapping
            return Answer(200, {"data": {root: self._roots[root]}})  # type: ignore[index]  # as above
        if name in self._named:  # type: ignore[operator]  # as above
            return self._named[name]  # type: ignore[index,no-any-return]  # as above
        return self._answer(asked)  # type: ignore[operator,no-any-return]  # the fake's
