"""What Vercel does not tell yet of a deployment, why one was canceled, where it was deployed to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.core.changes import Change, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.later import WAITS_S, fresh
from ingest.sources.vercel.documents import documents
from tests.sources.vercel.deliveries import as_the_api, body, identity, said, seen

LINE = {"type": "stderr", "created": 3, "text": "lamps.ts: no such lamp"}
WARNING = {"type": "stdout", "created": 2, "text": "Compiling"}
MADE_AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
MONTHS = timedelta(days=60)


def failed(**more: Any) -> dict[str, JSON]:
    told = {"errorMessage": "it failed", **more}
    return as_the_api(body("deployment.error"), "ERROR", createdAt=1_772_445_600_000, **told)


def changes(
    deployment: dict[str, JSON],
    events: list[JSON] | None,
    hint: dict[str, JSON],
    after: timedelta = MONTHS,
) -> tuple[Change | Refresh, ...]:
    raw: JSON = {"deployment": deployment, "events": events}
    return documents(Lookup(identity(), hint, raw=raw, sent_at=MADE_AT + after))


def waits(*given: Any, **more: Any) -> list[float]:
    return [one.after_s for one in changes(*given, **more) if isinstance(one, Refresh)]


@pytest.mark.parametrize(
    ("message", "events", "is_awaited"),
    [
        ("it failed", [], True),
        ("it failed", [WARNING], True),
        (None, [LINE], True),
        (None, [], True),
        (None, None, True),
        ("it failed", [LINE], False),
        ("it failed", None, False),
    ],
)
def test_a_failure_that_is_not_told_yet_is_asked_for_again(
    message: str | None, events: list[JSON] | None, is_awaited: bool
) -> None:
    """Bug: a log that was empty when the event came stayed so for ever."""
    deployment = failed(errorMessage=message)
    found = changes(deployment, events, fresh())
    assert isinstance(found[0], Upsert), "what is known stands meanwhile"
    assert waits(deployment, events, fresh()) == (list(WAITS_S[:1]) if is_awaited else [])


def test_every_event_asks_for_what_comes_later_and_keeps_the_team() -> None:
    for name in ("deployment.created", "deployment.error", "deployment.checks.failed"):
        (ask,) = said(body(name)).changes
        assert isinstance(ask, Refresh)
        (again,) = [
            one for one in changes(failed(), [], dict(ask.hint)) if isinstance(one, Refresh)
        ]
        assert again.hint["teamId"] == ask.hint["teamId"] == "team_halcyon"


def test_what_a_list_tells_is_waited_for_while_it_is_new() -> None:
    assert waits(failed(), [], {}, after=timedelta(minutes=5)) == [WAITS_S[0]]
    assert waits(failed(), [], {}, after=MONTHS) == []
    assert waits(failed(), [], {}, after=-timedelta(minutes=5)) == []


def test_other_states_are_told_whole() -> None:
    for state in ("READY", "CANCELED", "BUILDING"):
        assert waits({**failed(errorMessage=None), "readyState": state}, None, fresh()) == []


def test_a_deployment_whose_files_are_still_uploaded_has_no_url_yet() -> None:
    uploading = {**failed(), "readyState": "INITIALIZING", "url": None}
    (again,) = changes(uploading, None, fresh())
    assert isinstance(again, Refresh)
    with pytest.raises(BadPayload, match=r"deployment\.url"):
        changes(uploading, None, {"again": len(WAITS_S)})


IGNORED_STEP = (
    "The Deployment has been canceled as a result of running the command defined in the "
    '"Ignored Build Step" setting.'
)


@pytest.mark.parametrize(
    ("state", "told", "reason"),
    [
        ("CANCELED", {"errorMessage": IGNORED_STEP}, f"Reason: {IGNORED_STEP}"),
        ("CANCELED", {"readyStateReason": "superseded"}, "Reason: superseded"),
        ("CANCELED", {"errorMessage": "m", "errorCode": "C", "errorStep": "s"}, "Reason: m (C)"),
        ("BLOCKED", {"seatBlock": {"blockCode": "TEAM_ACCESS_REQUIRED"}}, "TEAM_ACCESS_REQUIRED"),
        ("ERROR", {"readyStateReason": "no room"}, "Error: no room"),
        ("ERROR", {"errorMessage": "m", "errorCode": "C", "errorStep": "s"}, "Error: m (C, s)"),
    ],
)
def test_why_it_is_in_its_state_is_in_the_text(
    state: str, told: dict[str, Any], reason: str
) -> None:
    whole = seen(as_the_api(body("deployment.canceled"), state, **told))
    assert whole.body.endswith(reason)
    assert reason.endswith(str(whole.metadata["errorSummary"]))


@pytest.mark.parametrize("state", ["CANCELED", "BLOCKED", "READY"])
def test_no_reason_is_no_line(state: str) -> None:
    whole = seen(as_the_api(body("deployment.canceled"), state))
    assert "Reason" not in whole.body
    assert "errorSummary" not in whole.metadata


@pytest.mark.parametrize(
    ("told", "environment"),
    [
        ({"customEnvironment": {"id": "env_1", "slug": "qa"}}, "qa"),
        ({"customEnvironment": {"id": "env_1"}}, "env_1"),
        ({"customEnvironmentId": "env_1"}, "env_1"),
        ({"customEnvironment": None}, "preview"),
        ({"customEnvironment": 7, "customEnvironmentId": ""}, "preview"),
    ],
)
def test_a_custom_environment_is_no_preview(told: dict[str, Any], environment: str) -> None:
    whole = seen(as_the_api(body("deployment.ready.preview"), "READY", **told))
    assert whole.metadata["environment"] == environment
    assert f"Environment: {environment}" in whole.body
