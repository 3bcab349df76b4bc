"""Webhooks over the API of the fake: made once, mended, looked at; what they failed to bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON, loads
from ingest.sources.access import Access
from ingest.sources.contract import Message
from ingest.sources.subscriptions import Missed, Observation
from ingest.sources.zendesk import SOURCE, events
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.sources.zendesk.descriptor import DESCRIPTOR
from ingest.sources.zendesk.normalise import normalise
from ingest.sources.zendesk.subscriptions import ZendeskSubscriptions, subscribe
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.zendesk.deliveries import CONNECTION, NAMES, body, headers

URL = "https://ingest.example.test/webhooks/zendesk/c1"
NEEDED = [f"zen:event-type:{kind}" for kind in events.WANTED]
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture
def account() -> Zendesk:
    return make()


@pytest.fixture
def fake(account: Zendesk) -> Iterator[Fake]:
    with serving(account) as running:
        yield running


@contextmanager
def _of(fake: Fake, hook: str | None = None) -> Iterator[ZendeskSubscriptions]:
    told: dict[str, JSON] = {**CONNECTION, **({"webhookId": hook} if hook else {})}
    access = Access(fake.url, fake.provider.token, told, lambda: NOON)
    with closing(subscribe(access)) as made:
        yield made


@pytest.fixture
def hooks(fake: Fake) -> Iterator[ZendeskSubscriptions]:
    with _of(fake) as made:
        yield made


def _changes(fake: Fake) -> list[str]:
    return [asked.method for asked in fake.requests if asked.method != "GET"]


# Making one.


def test_a_webhook_is_made_with_the_events_that_we_need_and_zendesks_own_secret(
    account: Zendesk, fake: Fake, hooks: ZendeskSubscriptions
) -> None:
    made = hooks.create(URL, "a-secret-that-nobody-takes")
    (hook,) = account.hooks.hooks.values()
    assert (hook["endpoint"], hook["status"], hook["subscriptions"]) == (URL, "active", NEEDED)
    assert (hook["http_method"], hook["request_format"]) == ("POST", "json")
    assert made.id == hook["id"]
    assert made.secret == account.hooks.secrets[made.id]
    assert made.metadata == {"webhookId": made.id}
    assert made.secret not in repr(made)
    DESCRIPTOR.connection.model_validate({**CONNECTION, **made.metadata})
    assert all(one.ok for one in hooks.look(URL) if one.ok is not None)


def test_one_that_is_there_is_taken_over_and_what_it_has_stays(
    account: Zendesk, fake: Fake, hooks: ZendeskSubscriptions
) -> None:
    first = hooks.create(URL, "s")
    again = hooks.create(URL, "s")
    assert (again.id, again.secret, again.metadata) == (first.id, first.secret, first.metadata)
    assert _changes(fake) == ["POST"]
    account.hooks.hooks.clear()
    by_hand = account.hooks.put(
        URL + "/", ["zen:event-type:ticket.group_assignment_changed"], status="inactive"
    )
    taken = hooks.create(URL, "s")
    hook = account.hooks.hooks[by_hand]
    assert taken.id == by_hand
    assert taken.secret == account.hooks.secrets[by_hand]
    assert hook["status"] == "active"
    assert hook["subscriptions"] == ["zen:event-type:ticket.group_assignment_changed", *NEEDED]
    assert hook["name"] == "By hand"


def test_webhooks_of_others_and_of_triggers_are_left_alone(
    account: Zendesk, hooks: ZendeskSubscriptions
) -> None:
    account.hooks.page_size = 1
    elsewhere = account.hooks.put("https://elsewhere.example", ["zen:event-type:user.created"])
    triggered = account.hooks.put(URL, ["conditional_ticket_events"], status="inactive")
    before = {one: dict(account.hooks.hooks[one]) for one in (elsewhere, triggered)}
    made = hooks.create(URL, "s")
    assert made.id not in before
    assert {one: account.hooks.hooks[one] for one in before} == before
    (seen,) = [one for one in hooks.look(URL) if "triggers" in one.said]
    assert seen.ok is None


def test_what_is_lacking_is_seen_and_mended_once(
    account: Zendesk, fake: Fake, hooks: ZendeskSubscriptions
) -> None:
    (missing,) = hooks.look(URL)
    assert (missing.ok, missing.mendable) == (False, True)
    made = hooks.mend(URL, "s")
    assert made is not None
    assert hooks.mend(URL, "s") is None
    account.hooks.hooks[made.id] |= {"status": "inactive", "subscriptions": NEEDED[4:]}
    bad = [one for one in hooks.look(URL) if one.ok is False]
    assert all(one.mendable and one.remedy for one in bad)
    assert "article.published, article.unpublished, article.vote_changed and 1 more" in bad[1].said
    fake.requests.clear()
    mended = hooks.mend(URL, "s")
    assert mended is not None
    assert mended.secret == account.hooks.secrets[made.id]
    assert _changes(fake) == ["PATCH"]
    assert not [one for one in hooks.look(URL) if one.ok is False]
    assert hooks.mend(URL, "s") is None


def test_two_that_send_the_same_are_told(account: Zendesk, hooks: ZendeskSubscriptions) -> None:
    account.hooks.put(URL, NEEDED, status="inactive")
    active = account.hooks.put(URL, NEEDED)
    found = hooks.look(URL)
    assert active in found[0].said
    assert any("2 webhooks" in one.said for one in found)


def test_who_may_not_manage_webhooks_is_told_what_to_give(
    account: Zendesk, hooks: ZendeskSubscriptions
) -> None:
    account.hooks.may_manage = False
    for ask in (hooks.look, lambda url: hooks.create(url, "s"), lambda url: hooks.mend(url, "s")):
        with pytest.raises(Refused, match="webhooks:write"):
            ask(URL)
    account.role = None
    with pytest.raises(Refused, match="does not know"):
        hooks.look(URL)


def test_a_webhook_that_is_refused_is_an_error(fake: Fake, hooks: ZendeskSubscriptions) -> None:
    fake.troubles = [Trouble(Answer(400, {"errors": [{"title": "too many"}]}), method="POST")]
    with pytest.raises(PermanentError, match="too many"):
        hooks.create(URL, "s")
    fake.troubles = [Trouble(Answer(body={"signing_secret": {}}), path="signing_secret")]
    with pytest.raises(BadPayload, match="secret"):
        hooks.create(URL, "s")
    fake.troubles = [Trouble(Answer(body={"webhooks": None}))]
    with pytest.raises(BadPayload):
        hooks.look(URL)


# Which events.


def test_what_is_asked_for_becomes_documents_and_nothing_is_that_does_not() -> None:
    assert not [kind for kind in events.WANTED if events.ignored_because(kind)]
    assert len(set(events.WANTED)) == len(events.WANTED)
    named = {events.kind(body(name)) for name in NAMES}
    ignored = {kind for kind in named if events.ignored_because(kind)}
    assert ignored
    assert not ignored & set(events.WANTED)


def test_a_source_says_where_a_person_has_to_click() -> None:
    assert SOURCE.subscribe is subscribe
    assert "{url}" in SOURCE.by_hand
    assert "\n" not in SOURCE.by_hand


# Its log.


def _at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def _health(hooks: ZendeskSubscriptions) -> Observation:
    return hooks.look(URL)[3]


def test_a_webhook_that_fails_says_since_when_and_that_its_breaker_opened(
    account: Zendesk, hooks: ZendeskSubscriptions
) -> None:
    hook = hooks.create(URL, "s").id
    account.hooks.page_size = 2
    assert _health(hooks).ok is None
    account.hooks.sent(hook, {}, at=_at(0))
    assert _health(hooks).ok is True
    account.hooks.sent(hook, {}, at=_at(5), status="terminated", code=502)
    account.hooks.sent(hook, None, at=_at(6), status="circuit broken")
    account.hooks.sent(hook, {}, at=_at(9), status="accepted")
    account.hooks.sent(hook, {}, at=_at(8), status="terminated", code=503)
    found = _health(hooks)
    assert found.ok is False
    assert f"since {_at(5)} (3 failed, the last at {_at(8)}" in found.said
    assert "503" in found.said
    assert "circuit breaker" in found.said
    assert found.remedy
    assert not found.mendable
    account.hooks.sent(hook, {}, at=_at(11))
    assert _health(hooks).ok is True


def _fixture(name: str) -> Mapping[str, JSON]:
    return body(name)


def test_what_failed_is_missed_once_and_can_be_read_as_it_was_sent(
    account: Zendesk, fake: Fake
) -> None:
    hook = account.hooks.put(URL, NEEDED)
    sent, lost = _fixture("ticket.status_changed"), _fixture("ticket.comment_added")
    account.hooks.sent(hook, lost, at=_at(-600), status="terminated", code=500)
    account.hooks.sent(hook, sent, at=_at(0))
    account.hooks.sent(hook, sent, at=_at(1), failed=["timeout", "terminated"])
    id_ = account.hooks.sent(
        hook, lost, at=_at(2), status="terminated", code=502, failed=["timeout"], account="900"
    )
    account.hooks.sent(hook, None, at=_at(3), status="throttled")
    account.hooks.sent(hook, _fixture("user.created"), at=_at(4), status="failed")
    with _of(fake, hook) as hooks:
        page = hooks.missed(NOON - timedelta(minutes=30))
        key = DESCRIPTOR.delivery_key(headers("ticket.comment_added"), lost)
        assert page.cursor is None
        assert page.missed == (Missed(str(key), f"{hook}/{id_}", NOON + timedelta(minutes=2)),)
        found = hooks.read(page.missed[0].handle)
        assert hooks.redeliver(page.missed[0].handle) is False
        assert hooks.read(f"{hook}/01NOSUCH") is None
    assert found is not None
    assert DESCRIPTOR.delivery_key(found.headers, lost) == key
    assert found.headers.keys() <= DESCRIPTOR.kept_headers
    assert found.headers["x-zendesk-account-id"] == "900"
    assert b"comment_added" in found.body


def test_a_delivery_that_is_read_means_what_the_webhook_would_have_meant(
    account: Zendesk, fake: Fake
) -> None:
    hook = account.hooks.put(URL, NEEDED)
    payload = _fixture("ticket.status_changed")
    account.hooks.sent(hook, payload, at=_at(0), status="terminated")
    with _of(fake, hook) as hooks:
        (one,) = hooks.missed(NOON - timedelta(hours=1)).missed
        found = hooks.read(one.handle)
    assert found is not None
    read = loads(found.body)
    assert isinstance(read, dict)
    said = [
        normalise(Message({}, told, "key", NOON, "900", CONNECTION)) for told in (read, payload)
    ]
    assert said[0].changes == said[1].changes


def test_a_long_log_is_walked_a_page_at_a_time_and_each_is_missed_once(
    account: Zendesk, fake: Fake
) -> None:
    hook = account.hooks.put(URL, NEEDED)
    account.hooks.page_size = 30
    for number in range(70):
        payload = {**_fixture("ticket.comment_added"), "id": f"event-{number}"}
        account.hooks.sent(hook, payload, at=_at(number), status="terminated")
    keys: list[str] = []
    with _of(fake, hook) as hooks:
        cursor: JSON = None
        for _ in range(20):
            before = len(fake.requests)
            page = hooks.missed(NOON + timedelta(minutes=5), cursor)
            assert len(fake.requests) - before <= 20
            keys += [one.delivery_key for one in page.missed]
            cursor = page.cursor
            if cursor is None:
                break
    assert keys == [f"event-{number}" for number in range(69, 4, -1)]


def test_a_connection_that_names_no_webhook_has_missed_nothing_that_is_known(
    account: Zendesk, fake: Fake, hooks: ZendeskSubscriptions
) -> None:
    assert hooks.missed(NOON).missed == ()
    assert fake.requests == []
    with _of(fake, "01GONE") as others, pytest.raises(Refused):
        others.missed(NOON)


@pytest.mark.parametrize("handle", ["", "/", "../x/..", "a/b/c", "01/../../users"])
def test_a_handle_bends_no_path(fake: Fake, hooks: ZendeskSubscriptions, handle: str) -> None:
    with pytest.raises(PermanentError):
        hooks.read(handle)
    assert fake.requests == []
