"""An integration's webhooks over the API: what is seen of them, and what can be put right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.core.errors import BadInput, PermanentError, Refused
from ingest.sources.access import Access
from ingest.sources.sentry import SOURCE
from ingest.sources.sentry.demo.applications import HIDDEN, Applications
from ingest.sources.sentry.demo.fake import make
from ingest.sources.sentry.subscriptions import SentrySubscriptions
from ingest.sources.subscriptions import MissedPage, Subscribed
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.sentry.deliveries import CONNECTION

URL = "https://ingest.example/webhooks/sentry/7"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_OWN = {"webhookUrl": URL, "events": ["comment", "issue"]}


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(make("halcyon")) as fake:
        yield fake


@pytest.fixture
def apps(served: Fake) -> Applications:
    made = Applications("halcyon")
    served.provider.applications = made  # type: ignore[attr-defined]  # the fake of Sentry
    served.requests.clear()
    served.troubles.clear()
    return made


@contextmanager
def subscribed(fake: Fake, **metadata: Any) -> Iterator[SentrySubscriptions]:
    own = {**CONNECTION, "webhookId": "", **metadata}
    access = Access(fake.url, fake.provider.token, own, lambda: NOW)
    made = SentrySubscriptions(access)
    yield made
    made.close()


def _faults(fake: Fake, **metadata: Any) -> list[tuple[str, bool]]:
    """What is not right, and whether it can be mended."""
    with subscribed(fake, **metadata) as subscriptions:
        seen = subscriptions.look(URL)
    assert all(one.remedy for one in seen if one.ok is False)
    return [(one.said, one.mendable) for one in seen if one.ok is False]


def test_an_integration_that_is_right_has_no_fault(served: Fake, apps: Applications) -> None:
    apps.put("other", webhookUrl="https://elsewhere.example/")
    apps.put("third")
    apps.put("ingest", **_OWN)
    apps.sent("ingest", NOW, 200)
    assert _faults(served) == []
    assert _faults(served, webhookId="installation-ingest") == []
    with subscribed(served) as subscriptions:
        assert [one.said for one in subscriptions.look(URL)] == [
            f"the integration ingest sends to {URL}",
            "it sends comment, issue",
            "its last webhook was answered 200",
        ]


def test_without_an_integration_a_person_is_told_what_to_click(
    served: Fake, apps: Applications
) -> None:
    apps.put("other", webhookUrl="https://elsewhere.example/")
    with subscribed(served) as subscriptions:
        (missing,) = subscriptions.look(URL)
        assert not missing.ok
        assert missing.remedy == SOURCE.by_hand.format(url=URL)
        assert URL in missing.remedy
        with pytest.raises(BadInput, match="makes no integration"):
            subscriptions.create(URL, "a secret")
        assert subscriptions.mend(URL, "a secret") is None


def test_what_is_wrong_with_an_integration_is_told_one_by_one(
    served: Fake, apps: Applications
) -> None:
    apps.put("ingest", webhookUrl=URL, events=["comment.created"], scopes=["org:read"])
    apps.install("ingest", "installation-ingest", "pending")
    assert _faults(served) == [
        ("it does not send issue", True),
        ("it may not read issues", False),
        ("it is not installed", False),
    ]


def test_another_installation_than_the_connections_is_told(
    served: Fake, apps: Applications
) -> None:
    apps.put("ingest", **_OWN)
    assert _faults(served, webhookId="another") == [
        ("the connection's webhookId is that of another installation", False)
    ]


def test_failures_are_told_since_the_first_after_the_last_success(
    served: Fake, apps: Applications
) -> None:
    apps.put("ingest", **_OWN)
    for minutes, status in enumerate([500, 200, 401, 503, 0]):
        apps.sent("ingest", NOW + timedelta(minutes=minutes), status)
    assert _faults(served) == [
        ("its last 3 webhooks failed since 2026-03-02T12:02:00Z: no answer in time", False)
    ]
    apps.sent("ingest", NOW + timedelta(minutes=9), 200)
    assert _faults(served) == []


def test_what_the_token_may_not_see_is_neither_right_nor_wrong(
    served: Fake, apps: Applications
) -> None:
    apps.put("ingest", **_OWN)
    apps.may_see_log = False
    with subscribed(served) as subscriptions:
        assert [one.ok for one in subscriptions.look(URL)] == [True, True, None]
        served.troubles.append(Trouble(Answer(403, {"detail": "no"}), "/sentry-apps/"))
        (unseen,) = subscriptions.look(URL)
        assert (unseen.ok, unseen.remedy) == (None, "give a token with Organization: Read")
        served.troubles.append(Trouble(Answer(401, {"detail": "no"}), "/sentry-apps/"))
        with pytest.raises(Refused):
            subscriptions.look(URL)


def test_mending_points_the_connections_integration_here_and_drops_nothing(
    served: Fake, apps: Applications
) -> None:
    app = apps.put("ingest", webhookUrl="https://old.example/", events=["error"], isAlertable=True)
    before = {**app}
    with subscribed(served, webhookId="installation-ingest") as subscriptions:
        assert [one.mendable for one in subscriptions.look(URL)] == [True, True, False]
        mended = subscriptions.mend(URL, "a secret")
        assert mended == Subscribed(
            "ingest",
            f"ingest sends comment, error, issue to {URL}",
            metadata={"webhookId": "installation-ingest"},
        )
        assert subscriptions.mend(URL, "a secret") is None
    assert apps.by_slug["ingest"] == {
        **before,
        "webhookUrl": URL,
        "events": ["comment", "error", "issue"],
    }


def test_an_integration_of_others_too_is_not_pointed_elsewhere(
    served: Fake, apps: Applications
) -> None:
    apps.put("shared", webhookUrl="https://theirs.example/", status="published")
    with subscribed(served, webhookId="installation-shared") as subscriptions:
        assert subscriptions.mend(URL, "a secret") is None
        assert not any(one.mendable for one in subscriptions.look(URL))


def test_a_token_that_may_not_change_it_is_refused(served: Fake, apps: Applications) -> None:
    apps.put("ingest", webhookUrl=URL)
    apps.may_write = False
    with subscribed(served) as subscriptions, pytest.raises(Refused):
        subscriptions.mend(URL, "a secret")


def test_a_new_integration_is_taken_over_with_its_own_secret(
    served: Fake, apps: Applications
) -> None:
    apps.put("ingest", webhookUrl=URL, clientSecret="c" * 64)
    with subscribed(served) as subscriptions:
        made = subscriptions.create(URL, "a secret")
        assert (made.id, made.secret) == ("ingest", "c" * 64)
        assert made.metadata == {"webhookId": "installation-ingest"}
        assert subscriptions.create(URL, "a secret") == made
    assert apps.by_slug["ingest"]["events"] == ["comment", "issue"]
    assert sum(asked.method == "PUT" for asked in served.requests) == 1
    assert "c" * 64 not in repr(made)


@pytest.mark.parametrize("shown", [None, HIDDEN])
def test_a_secret_that_is_not_shown_has_to_be_copied(
    served: Fake, apps: Applications, shown: str | None
) -> None:
    """A secret of ours in its place would refuse every webhook."""
    apps.put("ingest", webhookUrl=URL, clientSecret=shown)
    with subscribed(served) as subscriptions, pytest.raises(BadInput, match="copy its Client"):
        subscriptions.create(URL, "a secret")
    assert apps.by_slug["ingest"]["events"] == []


def test_the_log_brings_nothing_back(served: Fake, apps: Applications) -> None:
    apps.put("ingest", **_OWN)
    apps.sent("ingest", NOW, 500)
    with subscribed(served) as subscriptions:
        assert subscriptions.missed(NOW - timedelta(days=1)) == MissedPage()
        assert not subscriptions.redeliver("1")
        assert subscriptions.read("1") is None


def test_an_integration_that_may_not_read_issues_is_refused_by_sentry(
    served: Fake, apps: Applications
) -> None:
    apps.put("ingest", webhookUrl=URL, scopes=["org:read"])
    with subscribed(served) as subscriptions, pytest.raises(PermanentError, match="event:read"):
        subscriptions.mend(URL, "a secret")
