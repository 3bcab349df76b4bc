"""Webhooks at GitHub: made once, put right as a whole, and asked for what did not get through."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.core.errors import PermanentError, Refused, TransientError
from ingest.sources.contract import Message
from ingest.sources.github import SOURCE
from ingest.sources.github.events import IGNORED
from ingest.sources.github.hooks import NEEDED, WANTED, YOUNG
from ingest.sources.github.normalise import normalise
from ingest.sources.github.subscriptions import HOOK_ID, RepositoryHooks
from ingest.sources.subscriptions import Missed, Observation, Subscriptions
from ingest.testing.fakes import Answer, Trouble
from tests.sources.github.looking import ID, Looking, looking
from tests.sources.github.test_client_app import _app, _token

URL = "https://hooks.example.com/webhooks/github/con_1"
SECRET = "a secret that we made"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
ISSUE = {"action": "opened", "issue": {"number": 1}}


def _only(at: Looking) -> dict[str, Any]:
    (hook,) = at.github.repositories[ID].hooks.values()
    return hook


def _wrong(found: tuple[Observation, ...]) -> list[Observation]:
    return [one for one in found if one.ok is False]


def _put(at: Looking, **fields: Any) -> dict[str, Any]:
    """A hook that somebody made by hand."""
    config = {"url": URL, "content_type": "json", "insecure_ssl": "0", "secret": "another"}
    repository = at.github.repositories[ID]
    hook = {
        "id": 7,
        "name": "web",
        "active": True,
        "events": [*NEEDED, *YOUNG],
        "config": config,
        "last_response": {"code": 200, "status": "active", "message": "OK"},
    }
    repository.hooks[7], repository.deliveries[7] = hook | fields, []
    return repository.hooks[7]


def test_what_is_asked_for_is_what_is_understood() -> None:
    assert not WANTED & IGNORED.keys()
    for event in WANTED:
        headers = {"x-github-event": event}
        with pytest.raises(PermanentError):  # what the body lacks, and no unknown event
            normalise(Message(headers, {}, "key", START, "101"))


def test_a_hook_is_made_with_our_secret_and_the_events_that_we_read() -> None:
    with looking() as at:
        made = at.hooks().create(URL, SECRET)
        hook = _only(at)
        assert made.metadata == {HOOK_ID: str(hook["id"])}
        assert made.secret is None
        assert hook["config"] == {
            "url": URL,
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": SECRET,
        }
        assert set(hook["events"]) == WANTED
        assert hook["active"]
        assert _wrong(at.hooks().look(URL)) == []
        assert SECRET not in repr(made)


def test_a_hook_that_is_there_is_taken_over_and_keeps_the_events_of_others() -> None:
    with looking() as at:
        _put(at, events=["star", "push"], active=False)
        at.hooks().create(URL, SECRET)
        at.hooks().create(URL, SECRET)
        hook = _only(at)
        assert hook["config"]["secret"] == SECRET
        assert set(hook["events"]) == WANTED | {"star"}
        assert hook["active"]


def test_whoever_is_faster_made_the_hook_that_is_taken_over() -> None:
    with looking() as at:
        _put(at, events=["push"])
        at.fake.troubles.append(Trouble(Answer(200, []), "/hooks", method="GET"))
        at.hooks().create(URL, SECRET)
        assert _only(at)["config"]["secret"] == SECRET


def test_a_github_that_does_not_know_all_events_sends_the_others() -> None:
    with looking() as at:
        unknown = Answer(422, {"message": "Validation Failed"})
        at.fake.troubles.append(Trouble(unknown, "/hooks", method="POST", times=2))
        at.hooks().create(URL, SECRET)
        assert set(_only(at)["events"]) == {*NEEDED}
        assert _wrong(at.hooks().look(URL)) == []
        at.fake.troubles.append(Trouble(unknown, "/hooks/", method="PATCH", times=2))
        at.hooks().create(URL, SECRET)
        assert set(_only(at)["events"]) == {*NEEDED}


def test_the_newest_event_keeps_the_other_young_ones_from_nobody() -> None:
    with looking() as at:
        unknown = Answer(422, {"message": "Validation Failed"})
        at.fake.troubles.append(Trouble(unknown, "/hooks", method="POST"))
        at.hooks().create(URL, SECRET)
        assert set(_only(at)["events"]) == WANTED - {"issue_relates_to"}


def test_a_hook_on_a_later_page_is_found() -> None:
    with looking() as at:
        at.github.page_size = 2
        for n in range(5):
            at.hooks().create(f"https://other{n}.example.com", SECRET)
        _put(at)
        assert _wrong(at.hooks().look(URL)) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"active": False}, "switched off"),
        ({"events": ["push"]}, "does not send delete"),
        ({"config": {"url": URL, "content_type": "form", "secret": "x"}}, "as a form"),
        ({"config": {"url": URL, "content_type": "json"}}, "without a signature"),
        (
            {"config": {"url": URL, "content_type": "json", "secret": "x", "insecure_ssl": "1"}},
            "certificate",
        ),
        ({"last_response": {"code": 401, "status": "x"}}, "another secret"),
    ],
)
def test_what_is_wrong_with_a_hook_is_seen_and_mended(fields: dict[str, Any], said: str) -> None:
    with looking() as at:
        _put(at, **fields)
        hooks = at.hooks()
        (wrong,) = _wrong(hooks.look(URL))
        assert said in wrong.said
        assert wrong.mendable
        assert wrong.remedy
        assert hooks.mend(URL, SECRET) is not None
        at.github.repositories[ID].hooks[7]["last_response"] = {"code": 200}
        assert _wrong(hooks.look(URL)) == []
        assert _only(at)["config"]["secret"] == SECRET
        assert hooks.mend(URL, SECRET) is None


def test_a_route_that_does_not_answer_is_told_and_cannot_be_mended() -> None:
    with looking() as at:
        _put(at, last_response={"code": 502, "status": "invalid HTTP response: 502"})
        for n in range(3):
            at.github.deliver(ID, "push", {}, guid=f"g{n}", at=_at(n), status="502", code=502)
        answered, since = _wrong(at.hooks().look(URL))
        assert "502" in answered.said
        assert "since 2026-03-02T12:00:00.000Z" in since.said
        assert not answered.mendable
        assert at.hooks().mend(URL, SECRET) is None


def test_a_missing_hook_is_made_by_mending() -> None:
    with looking() as at:
        (missing,) = at.hooks().look(URL)
        assert (missing.ok, missing.mendable) == (False, True)
        assert at.hooks().mend(URL, SECRET) is not None
        assert _only(at)["config"]["url"] == URL


def test_a_token_that_may_not_see_hooks_says_so_and_what_to_do() -> None:
    with looking() as at:
        at.github.repositories[ID].administered = False
        (seen,) = at.hooks().look(URL)
        assert seen.ok is None
        assert "admin:repo_hook" in seen.remedy
        with pytest.raises(Refused, match="by hand"):
            at.hooks().create(URL, SECRET)
        assert at.hooks(**{HOOK_ID: "7"}).missed(START).missed == ()
    assert "{url}" in SOURCE.by_hand


def test_trouble_at_github_is_no_missing_hook() -> None:
    with looking() as at:
        at.fake.troubles.append(Trouble(Answer(503, {}), "/hooks"))
        with pytest.raises(TransientError):
            at.hooks().look(URL)


# What did not get through.


def _at(minute: int) -> str:
    return f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def _lost(at: Looking, guid: str, minute: int, **how: Any) -> None:
    failed = {"status": "Service Unavailable", "code": 503, **how}
    at.github.deliver(ID, failed.pop("event", "issues"), ISSUE, guid=guid, at=_at(minute), **failed)


def _missed(at: Looking, since: datetime = START, hook: str = "7") -> list[Missed]:
    """All pages; the cursor goes through JSON."""
    found: list[Missed] = []
    cursor: Any = None
    for _ in range(50):
        page = at.hooks(**{HOOK_ID: hook}).missed(since, cursor)
        found += page.missed
        if page.cursor is None:
            return found
        cursor = json.loads(json.dumps(page.cursor))
    raise AssertionError("it never ends")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_delivery_is_missed_where_no_attempt_succeeded(size: int) -> None:
    with looking() as at:
        at.github.page_size = size
        _put(at)
        _lost(at, "lost", 1)
        _lost(at, "later", 2)
        _lost(at, "fine", 3, status="OK", code=200)
        _lost(at, "twice", 4)
        _lost(at, "of no interest", 5, event="star")
        _lost(at, "twice", 6, redelivery=True)
        _lost(at, "later", 7, status="OK", code=200, redelivery=True)
        _lost(at, "fine", 8, redelivery=True)
        found = {one.delivery_key: one.at for one in _missed(at)}
        assert found == {
            "lost": START + timedelta(minutes=1),
            "twice": START + timedelta(minutes=6),
        }


@pytest.mark.parametrize("size", [1, 100])
def test_what_is_older_than_asked_for_ends_the_search(size: int) -> None:
    with looking() as at:
        at.github.page_size = size
        _put(at)
        for n in range(10):
            _lost(at, f"g{n}", n)
        at.asked("")
        found = _missed(at, START + timedelta(minutes=7))
        assert {one.delivery_key for one in found} == {"g7", "g8", "g9"}
        assert at.asked("/deliveries") <= 5


def test_a_cursor_that_is_not_taken_any_more_begins_anew() -> None:
    with looking() as at:
        _put(at)
        _lost(at, "lost", 1)
        at.fake.troubles.append(Trouble(Answer(422, {"message": "cursor"}), "/deliveries"))
        page = at.hooks(**{HOOK_ID: "7"}).missed(START, {"next": {"cursor": "v9"}, "open": {}})
        assert [one.delivery_key for one in page.missed] == ["lost"]


def test_without_a_hook_of_ours_nothing_is_missed() -> None:
    with looking() as at:
        _put(at)
        _lost(at, "lost", 1)
        assert at.hooks().missed(START).missed == ()
        hooks = at.hooks()
        hooks.look(URL)
        assert [one.delivery_key for one in hooks.missed(START).missed] == ["lost"]
        assert _missed(at, hook="8") == []


def test_a_missed_delivery_is_sent_once_more() -> None:
    with looking() as at:
        _put(at)
        _lost(at, "lost", 1)
        (missed,) = _missed(at)
        assert at.hooks().redeliver(missed.handle)
        assert _missed(at) == []
        again = at.github.repositories[ID].deliveries[7][-1]
        assert (again["guid"], again["redelivery"]) == ("lost", True)
        for handle in ("7/999", "8/1", "x", "7/../1", ""):
            assert not at.hooks().redeliver(handle)


@pytest.mark.parametrize("status", [403, 404, 422])
def test_where_github_does_not_send_again_that_is_said(status: int) -> None:
    with looking() as at:
        _put(at)
        _lost(at, "lost", 1)
        (missed,) = _missed(at)
        at.fake.troubles.append(Trouble(Answer(status, {"message": "no"}), "/attempts"))
        assert not at.hooks().redeliver(missed.handle)


def test_a_missed_delivery_can_be_read_out_of_the_log() -> None:
    with looking() as at:
        _put(at)
        _lost(at, "lost", 1)
        (missed,) = _missed(at)
        found = at.hooks().read(missed.handle)
        assert found is not None
        assert found.headers["x-github-event"] == "issues"
        assert found.headers["x-github-delivery"] == missed.delivery_key
        assert "x-hub-signature-256" not in found.headers
        assert json.loads(found.body)["issue"] == {"number": 1}
        assert SOURCE.descriptor.tenants(found.headers, json.loads(found.body)) == (str(ID),)
        assert at.hooks().read("7/999") is None


# A GitHub App's.

APP_WIDE = URL.rpartition("/")[0]


def _app_hooks(at: Looking) -> Subscriptions:
    _app(at)
    assert at.github.app is not None
    at.github.app.events = [*NEEDED, *YOUNG]
    return at.hooks(_token())


def test_the_webhook_of_an_app_is_taken_where_it_is_nobodys() -> None:
    with looking() as at:
        hooks = _app_hooks(at)
        assert at.github.app is not None
        (nobody,) = hooks.look(URL)
        assert (nobody.ok, nobody.mendable) == (False, True)
        assert hooks.mend(URL, SECRET) is not None
        assert at.github.app.hook["url"] == URL
        assert at.github.app.hook["secret"] == SECRET
        assert _wrong(hooks.look(URL)) == []
        assert hooks.mend(URL, SECRET) is None


def test_the_webhook_of_an_app_that_sends_elsewhere_is_left_alone() -> None:
    with looking() as at:
        hooks = _app_hooks(at)
        assert at.github.app is not None
        at.github.app.hook = {"url": "https://elsewhere.example.com", "content_type": "json"}
        (seen,) = hooks.look(URL)
        assert (seen.ok, seen.mendable) == (False, False)
        assert APP_WIDE in seen.remedy
        with pytest.raises(PermanentError, match="elsewhere"):
            hooks.create(URL, SECRET)
        assert hooks.mend(URL, SECRET) is None
        assert "secret" not in at.github.app.hook


def test_the_route_for_all_of_an_app_is_ours_and_its_secret_stays() -> None:
    with looking() as at:
        hooks = _app_hooks(at)
        assert at.github.app is not None
        before = {"url": APP_WIDE, "content_type": "form", "secret": "the app's"}
        at.github.app.hook = dict(before)
        at.github.app.events = ["push"]
        form, events = _wrong(hooks.look(URL))
        assert "as a form" in form.said
        assert "issues" in events.said
        assert [form.mendable, events.mendable] == [False, False]
        hooks.create(URL, SECRET)
        assert hooks.mend(URL, SECRET) is None
        assert at.github.app.hook == before


def test_of_an_app_only_what_is_of_the_repository_is_missed() -> None:
    with looking() as at:
        hooks = _app_hooks(at)
        at.github.add(202, "halcyon/other")
        _lost(at, "ours", 1)
        for guid, status in (("theirs", "Timed Out"), ("also", "OK")):
            at.github.deliver(202, "issues", ISSUE, guid=guid, at=_at(2), status=status)
        (missed,) = hooks.missed(START).missed
        assert missed.delivery_key == "ours"
        found = hooks.read(missed.handle)
        assert found is not None
        assert json.loads(found.body)["installation"] == {"id": 7}
        assert hooks.redeliver(missed.handle)
        assert hooks.missed(START).missed == ()


def test_a_key_that_github_does_not_know_is_refused() -> None:
    with looking() as at:
        hooks = _app_hooks(at)
        at.github.app = None
        with pytest.raises(Refused):
            hooks.look(URL)
        assert isinstance(at.hooks(), RepositoryHooks)
