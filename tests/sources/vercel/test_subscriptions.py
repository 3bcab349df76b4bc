"""Vercel's webhooks for a connection: made, looked at and mended, and none of anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.core.errors import BadPayload, PermanentError, RateLimited, Refused, TransientError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.subscriptions import MissedPage
from ingest.sources.vercel import SOURCE
from ingest.sources.vercel.demo.fake import Vercel
from ingest.sources.vercel.demo.hooks import EVENTS
from ingest.sources.vercel.events import ignored_because
from ingest.sources.vercel.subscriptions import MOST_HOOKS, WANTED, VercelSubscriptions, subscribe
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.vercel.deliveries import CONNECTION
from tests.sources.vercel.listing import NOW, PROJECT, TEAM, halcyon

URL = "https://ingest.halcyon.example/webhooks/vercel/con_1"
GIVEN = "a secret that we made ourselves"


@pytest.fixture
def vercel() -> Vercel:
    return halcyon()


@pytest.fixture
def fake(vercel: Vercel) -> Iterator[Fake]:
    with serving(vercel) as served:
        yield served


@contextmanager
def of(fake: Fake, *, token: str | None = None, **more: JSON) -> Iterator[VercelSubscriptions]:
    metadata = {**CONNECTION, "webhookId": None, **more}
    access = Access(fake.url, token or fake.provider.token, metadata, lambda: NOW)
    with closing(subscribe(access)) as made:
        yield made


def hook(vercel: Vercel, *, url: str = URL, **more: Any) -> str:
    told: dict[str, Any] = {"events_": [*WANTED], "owner": TEAM, "projects": [PROJECT], **more}
    made: str = vercel.hooks.put(url, **told)["id"]
    return made


def test_a_webhook_is_made_for_the_project_and_the_events_that_change_something(
    vercel: Vercel, fake: Fake
) -> None:
    with of(fake) as hooks:
        made = hooks.create(URL, GIVEN)
    (one,) = vercel.hooks.made.values()
    assert (one["url"], one["projectIds"], one["ownerId"]) == (URL, [PROJECT], TEAM)
    assert one["events"] == [*WANTED]
    assert (made.id, made.secret) == (one["id"], one["secret"])
    assert made.metadata == {"webhookId": one["id"]}
    assert one["secret"] not in repr(made)


def test_no_event_is_asked_for_that_nothing_comes_of() -> None:
    assert set(WANTED) <= EVENTS
    assert len(set(WANTED)) == len(WANTED)
    reasons = [ignored_because(name) for name in WANTED]
    assert all("unknown type" in reason for reason in reasons), "none of them is ignored"
    assert "{url}" in SOURCE.by_hand


def test_made_twice_there_is_one_whose_secret_is_known(vercel: Vercel, fake: Fake) -> None:
    with of(fake) as hooks:
        first, second = hooks.create(URL, GIVEN), hooks.create(URL, GIVEN)
    assert first.id != second.id
    assert [one["secret"] for one in vercel.hooks.made.values()] == [second.secret]


def test_a_webhook_of_somebody_else_is_left_alone(vercel: Vercel, fake: Fake) -> None:
    vercel.put_team("team_other", "other")
    others = {
        hook(vercel, url="https://elsewhere.example"),
        hook(vercel, projects=["prj_2"]),
        hook(vercel, owner="team_other"),
    }
    with of(fake) as hooks:
        assert not hooks.look(URL)[0].ok
        made = hooks.create(URL, GIVEN)
    assert vercel.hooks.made.keys() == {*others, made.id}


def test_where_there_is_no_room_the_old_one_goes_first(vercel: Vercel, fake: Fake) -> None:
    old = hook(vercel)
    for number in range(MOST_HOOKS - 1):
        hook(vercel, url=f"https://{number}.example")
    with of(fake) as hooks:
        made = hooks.create(URL, GIVEN)
        assert old not in vercel.hooks.made
        assert len(vercel.hooks.made) == MOST_HOOKS
        with pytest.raises(PermanentError, match="No more than 20"):
            hooks.create("https://new.example", GIVEN)
    assert made.id in vercel.hooks.made


def test_one_that_cannot_be_made_leaves_the_old_one(vercel: Vercel, fake: Fake) -> None:
    old = hook(vercel)
    for status, error in ((400, PermanentError), (403, Refused), (500, TransientError)):
        fake.troubles[:] = [Trouble(Answer(status, {}), "/webhooks", method="POST")]
        with of(fake) as hooks, pytest.raises(error):
            hooks.create(URL, GIVEN)
        assert vercel.hooks.made.keys() == {old}


@pytest.mark.parametrize("answer", [{}, [], {"id": "h"}, {"secret": "s"}, None])
def test_one_that_is_made_without_its_secret_is_an_error(fake: Fake, answer: Any) -> None:
    fake.troubles[:] = [Trouble(Answer(200, answer), "/webhooks", method="POST")]
    with of(fake) as hooks, pytest.raises(BadPayload):
        hooks.create(URL, GIVEN)


def test_what_is_right_is_said_and_left(vercel: Vercel, fake: Fake) -> None:
    id_ = hook(vercel)
    with of(fake, webhookId=id_) as hooks:
        *found, log = hooks.look(URL)
        assert [one.ok for one in found] == [True, True]
        assert log.ok is None
        assert hooks.mend(URL, GIVEN) is None
    assert vercel.hooks.made.keys() == {id_}
    assert {one.method for one in fake.requests} == {"GET"}


def test_one_for_all_projects_will_do(vercel: Vercel, fake: Fake) -> None:
    hook(vercel, projects=None, events_=[*WANTED, "project.created"])
    with of(fake) as hooks:
        assert hooks.mend(URL, GIVEN) is None


def test_none_at_all_is_mended(vercel: Vercel, fake: Fake) -> None:
    with of(fake) as hooks:
        (nothing,) = hooks.look(URL)
        assert (nothing.ok, nothing.mendable) == (False, True)
        mended = hooks.mend(URL, GIVEN)
    assert mended is not None
    assert vercel.hooks.made[mended.id]["secret"] == mended.secret


def test_a_missing_event_is_named_and_mended_by_another_webhook(vercel: Vercel, fake: Fake) -> None:
    id_ = hook(vercel, events_=[name for name in WANTED if name != "deployment.error"])
    with of(fake, webhookId=id_) as hooks:
        wrong = [one for one in hooks.look(URL) if one.ok is False]
        assert [one.mendable for one in wrong] == [True]
        assert "deployment.error" in wrong[0].said
        mended = hooks.mend(URL, GIVEN)
    assert mended is not None
    assert mended.secret is not None
    assert vercel.hooks.made.keys() == {mended.id} != {id_}


def test_one_that_somebody_else_made_has_a_secret_that_nobody_here_knows(
    vercel: Vercel, fake: Fake
) -> None:
    hook(vercel)
    with of(fake, webhookId="account_hook_of_before") as hooks:
        assert hooks.look(URL)[0].ok is False
        mended = hooks.mend(URL, GIVEN)
    assert mended is not None
    assert vercel.hooks.made.keys() == {mended.id}


def test_of_doubles_the_known_one_is_kept(vercel: Vercel, fake: Fake) -> None:
    ids = [hook(vercel) for _ in range(3)]
    with of(fake, webhookId=ids[1]) as hooks:
        assert [one.mendable for one in hooks.look(URL) if one.ok is False] == [True]
        mended = hooks.mend(URL, GIVEN)
    assert mended is not None
    assert (mended.id, mended.secret) == (ids[1], None)
    assert vercel.hooks.made.keys() == {ids[1]}


def test_a_double_that_somebody_deletes_meanwhile_is_no_error(vercel: Vercel, fake: Fake) -> None:
    ids = [hook(vercel) for _ in range(2)]
    fake.troubles[:] = [Trouble(Answer(404, {}), "/webhooks/", method="DELETE")]
    with of(fake, webhookId=ids[0]) as hooks:
        assert hooks.mend(URL, GIVEN) is not None


def test_a_token_that_may_not_see_webhooks_is_told_apart_from_a_wrong_one(fake: Fake) -> None:
    fake.troubles[:] = [Trouble(Answer(403, {}), "/webhooks", times=9)]
    with of(fake) as hooks:
        (hidden,) = hooks.look(URL)
        assert (hidden.ok, hidden.mendable) == (None, False)
        assert hidden.remedy
        for act in (hooks.create, hooks.mend):
            with pytest.raises(Refused):
                act(URL, GIVEN)
    with of(fake, token="another-token-than-the-right-one") as hooks, pytest.raises(Refused):
        hooks.look(URL)
    with of(fake, vercelTeamId="team_nobodys") as hooks, pytest.raises(Refused):
        hooks.look(URL)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, {"webhooks": []}), BadPayload),
        (Answer(200, b"no JSON"), BadPayload),
        (Answer(404, {}), PermanentError),
        (Answer(429, {}, {"retry-after": "7"}), RateLimited),
        (Answer(500, b""), TransientError),
    ],
)
def test_what_is_no_list_makes_nothing(
    vercel: Vercel, fake: Fake, answer: Answer, error: type[Exception]
) -> None:
    id_ = hook(vercel)
    for act in ("look", "create", "mend"):
        fake.troubles[:] = [Trouble(answer, "/webhooks")]
        with of(fake) as hooks, pytest.raises(error):
            getattr(hooks, act)(URL, *([] if act == "look" else [GIVEN]))
    assert vercel.hooks.made.keys() == {id_}


@pytest.mark.parametrize("junk", [None, 7, {}, {"id": 1, "url": URL}, {"id": "h", "url": [URL]}])
def test_junk_in_the_list_is_nobody_s_webhook(fake: Fake, junk: JSON) -> None:
    fake.troubles[:] = [Trouble(Answer(200, [junk]), "/webhooks")]
    with of(fake) as hooks:
        (nothing,) = hooks.look(URL)
        assert nothing.ok is False


def test_a_personal_account_has_webhooks_of_its_own(vercel: Vercel, fake: Fake) -> None:
    vercel.put_project("prj_own", "own")
    with of(fake, vercelProjectId="prj_own", vercelTeamId=None) as hooks:
        made = hooks.create(URL, GIVEN)
        assert hooks.mend(URL, GIVEN) is None
    assert vercel.hooks.made[made.id]["ownerId"] == "user_1"


def test_there_is_no_log_to_read(fake: Fake) -> None:
    with of(fake) as hooks:
        assert hooks.missed(datetime(2026, 3, 1, tzinfo=UTC)) == MissedPage()
        assert not hooks.redeliver("any")
        assert hooks.read("any") is None
    assert fake.requests == []
