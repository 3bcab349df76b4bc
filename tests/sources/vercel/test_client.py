"""Vercel's API by its meaning: what is there, what is gone, what is refused, when to wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from ingest.core.changes import Upsert
from ingest.core.errors import BadPayload, PermanentError, RateLimited, Refused, TransientError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.vercel import SOURCE
from ingest.sources.vercel.client import VercelClient, connect
from ingest.sources.vercel.demo.fake import Vercel, make, rate_limited
from ingest.sources.vercel.requests import LOG_EVENTS
from ingest.testing.fakes import Answer, Asked, Fake, Trouble, serving
from tests.sources.vercel.deliveries import CONNECTION, LAMPS, body, identity, upsert

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT_MS = 1_772_445_600_000
HOST = "web-h7x2lamp5-halcyon.vercel.app"
TEAM = "team_halcyon"
PAGE_SIZE = 3


@pytest.fixture
def vercel() -> Vercel:
    """Halcyon's project with one deployment in it."""
    fake = make()
    fake.put_team(TEAM, "halcyon")
    fake.put_team("team_other", "other")
    fake.put_project("prj_1", "web", TEAM)
    meta = body("deployment.ready")["payload"]["deployment"]["meta"]
    fake.deploy(LAMPS, "prj_1", HOST, at_ms=AT_MS, target="production", meta=meta)
    return fake


@pytest.fixture
def served(vercel: Vercel) -> Iterator[Fake]:
    with serving(vercel) as fake:
        yield fake


class Connect(Protocol):
    """A client as a connection would have it, with metadata that the test is about."""

    def __call__(
        self, *, suffix: str = "", token: str | None = None, **more: JSON
    ) -> VercelClient: ...


@pytest.fixture
def client(served: Fake) -> Iterator[Connect]:
    """Clients that are closed when the test is over."""
    with ExitStack() as opened:

        def made(*, suffix: str = "", token: str | None = None, **more: JSON) -> VercelClient:
            given = token or served.provider.token
            access = Access(served.url + suffix, given, {**CONNECTION, **more}, lambda: NOW)
            return opened.enter_context(closing(connect(access)))

        yield made


def document(of: VercelClient, id_: str = LAMPS) -> Upsert:
    sight = of.fetch_one(Lookup(identity(id_)))
    assert SOURCE.documents is not None
    (change,) = SOURCE.documents(Lookup(identity(id_), raw=sight.raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    return change


def test_a_deployment_is_looked_up_as_its_webhook_tells_it(
    served: Fake, client: Connect, vercel: Vercel
) -> None:
    vercel.become(LAMPS, "READY", at_ms=AT_MS + 90_000)
    whole = document(client())
    told = upsert(body("deployment.ready"))
    assert whole.title == told.title
    assert whole.body == told.body
    times = {"createdAt": "2026-03-02T10:00:00.000Z", "readyAt": "2026-03-02T10:01:30.000Z"}
    assert whole.metadata == {**told.metadata, **times}
    (asked,) = served.requests
    assert asked.path == f"/v13/deployments/{LAMPS}"
    assert asked.one("teamId") == TEAM


@pytest.mark.parametrize("suffix", ["", "/", "/v13", "/v9/"])
def test_the_base_may_end_in_a_slash_or_a_version(client: Connect, suffix: str) -> None:
    assert document(client(suffix=suffix)).source_id == LAMPS


def test_a_failure_brings_the_end_of_its_log(served: Fake, client: Connect, vercel: Vercel) -> None:
    for number in range(LOG_EVENTS + 20):
        vercel.log(LAMPS, "stderr", f"wrong {number}", at_ms=AT_MS + number)
    vercel.fail(LAMPS, at_ms=AT_MS, code="BUILD_FAILED", message="it failed", step="buildStep")
    whole = document(client())
    assert whole.metadata["errorCount"] == LOG_EVENTS
    assert whole.metadata["errorSummary"] == "it failed (BUILD_FAILED, buildStep)"
    assert whole.body.endswith(f"wrong {LOG_EVENTS + 18}\nwrong {LOG_EVENTS + 19}\n```")
    (asked,) = served.asked_for("/events")
    assert (asked.one("teamId"), asked.one("builds")) == (TEAM, "1")


def test_of_a_log_no_more_is_kept_than_was_asked_for(
    served: Fake, client: Connect, vercel: Vercel
) -> None:
    vercel.fail(LAMPS, at_ms=AT_MS, code="E", message="it failed", step="s")
    said = [{"type": "stderr", "text": str(n)} for n in range(LOG_EVENTS * 3)]
    served.troubles.append(Trouble(Answer(200, said), "/events"))
    assert document(client()).metadata["errorCount"] == LOG_EVENTS


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (403, "forbidden")])
def test_a_log_that_is_not_kept_or_may_not_be_read_is_none(
    served: Fake, client: Connect, vercel: Vercel, status: int, code: str
) -> None:
    vercel.fail(LAMPS, at_ms=AT_MS, code="E", message="it failed", step="s")
    served.troubles.append(Trouble(Answer(status, {"error": {"code": code}}), "/events"))
    assert "Build log" not in document(client()).body


def test_a_log_that_may_not_be_read_is_none_and_one_that_is_missing_is_empty(
    served: Fake, client: Connect, vercel: Vercel
) -> None:
    vercel.fail(LAMPS, at_ms=AT_MS, code="E", message="it failed", step="s")
    for status, events in ((400, None), (402, None), (403, None), (404, []), (410, [])):
        served.troubles.append(Trouble(Answer(status, {}), "/events"))
        raw: Any = client().fetch_one(Lookup(identity())).raw
        assert raw["events"] == events


@pytest.mark.parametrize(
    ("told", "environment", "is_asked"),
    [
        ({"customEnvironment": {"id": "env_1", "slug": "qa"}}, "qa", False),
        ({"customEnvironment": {"id": "env_1"}}, "acceptance", True),
        ({"customEnvironmentId": "env_1"}, "acceptance", True),
        ({"customEnvironment": {"id": "env_2"}}, "env_2", True),
        ({"customEnvironmentId": "../.."}, "../..", False),
        ({}, "preview", False),
    ],
)
def test_a_custom_environment_has_its_name(
    served: Fake,
    client: Connect,
    vercel: Vercel,
    told: dict[str, Any],
    environment: str,
    is_asked: bool,
) -> None:
    vercel.environments["env_1"] = "acceptance"
    vercel.become(LAMPS, "READY", at_ms=AT_MS, target=None, **told)
    assert document(client()).metadata["environment"] == environment
    assert bool(served.asked_for("/custom-environments/")) == is_asked


def test_what_is_removed_is_gone_where_its_project_can_be_read(
    served: Fake, client: Connect, vercel: Vercel
) -> None:
    vercel.remove(LAMPS)
    assert client().fetch_one(Lookup(identity())).raw is None
    assert served.asked_for("/v9/projects/prj_1")


def test_410_is_gone_too(served: Fake, client: Connect) -> None:
    served.troubles.append(Trouble(Answer(410, {"error": {"code": "gone"}}), "/v13/"))
    assert client().fetch_one(Lookup(identity())).raw is None


def test_without_its_team_nothing_is_gone_but_everything_refused(client: Connect) -> None:
    with pytest.raises(Refused, match="vercelTeamId"):
        client(vercelTeamId=None).fetch_one(Lookup(identity()))
    with pytest.raises(Refused, match="team_other"):
        client(vercelTeamId="team_other").fetch_one(Lookup(identity()))


def test_the_team_of_the_payload_helps_where_the_connection_names_none(client: Connect) -> None:
    ask = Lookup(identity(), {"teamId": TEAM})
    assert client(vercelTeamId=None).fetch_one(ask).raw is not None


def test_a_removed_project_is_no_proof(client: Connect, vercel: Vercel) -> None:
    vercel.remove_project("prj_1")
    with pytest.raises(Refused, match="prj_1"):
        client().fetch_one(Lookup(identity()))


def test_a_deployment_that_is_only_marked_is_deleted_and_can_return(
    client: Connect, vercel: Vercel
) -> None:
    vercel.become(LAMPS, "READY", at_ms=AT_MS)
    vercel.delete(LAMPS, at_ms=AT_MS)
    sight = client().fetch_one(Lookup(identity()))
    assert isinstance(sight.raw, dict)
    assert SOURCE.documents is not None
    (gone,) = SOURCE.documents(Lookup(identity(), raw=sight.raw, sent_at=NOW))
    assert not isinstance(gone, Upsert)
    vercel.restore(LAMPS, at_ms=AT_MS + 1)
    assert document(client()).metadata["status"] == "READY"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, {"error": {"code": "unauthorized"}}),
        Answer(402, {"error": {"code": "payment_required"}}),
        Answer(403, {"error": {"code": "forbidden", "invalidToken": True}}),
    ],
)
def test_a_refusal_is_a_refusal(served: Fake, client: Connect, answer: Answer) -> None:
    served.troubles.append(Trouble(answer))
    with pytest.raises(Refused):
        client().fetch_one(Lookup(identity()))


def test_a_wrong_token_or_team_is_refused(client: Connect) -> None:
    for of in (client(token="wrong"), client(vercelTeamId="team_nobodys")):
        with pytest.raises(Refused):
            of.fetch_one(Lookup(identity()))
        with pytest.raises(Refused):
            of.check()


@pytest.mark.parametrize(
    ("answer", "wait_s"),
    [
        (rate_limited(int(NOW.timestamp()) + 30), 30),
        (rate_limited(int(NOW.timestamp()) + 30, in_body=True), 30),
        (rate_limited((int(NOW.timestamp()) + 30) * 1000), 30),
        (Answer(429, {}, {"retry-after": "7", "x-ratelimit-reset": "9"}), 7),
        (Answer(403, {"error": {"code": "rate_limited"}}), 60),
        (Answer(429, b"no JSON", {"x-ratelimit-reset": "soon"}), 60),
        (rate_limited(10), 1),
    ],
)
def test_a_limit_says_how_long(
    served: Fake, client: Connect, answer: Answer, wait_s: float
) -> None:
    dated = {"date": "Mon, 02 Mar 2026 12:00:00 GMT", **answer.headers}
    served.troubles.append(Trouble(Answer(answer.status, answer.body, dated)))
    with pytest.raises(RateLimited) as limited:
        client().fetch_one(Lookup(identity()))
    assert limited.value.retry_after_s == pytest.approx(wait_s, abs=1)


def test_trouble_at_vercel_passes(served: Fake, client: Connect) -> None:
    served.troubles.append(Trouble(Answer(502, b"bad gateway")))
    with pytest.raises(TransientError):
        client().fetch_one(Lookup(identity()))


def test_trouble_while_the_project_is_asked_for_proves_nothing(
    served: Fake, client: Connect, vercel: Vercel
) -> None:
    vercel.remove(LAMPS)
    served.troubles.append(Trouble(Answer(500, b""), "/projects/"))
    with pytest.raises(TransientError):
        client().fetch_one(Lookup(identity()))


def test_an_answer_that_is_no_deployment_is_named(served: Fake, client: Connect) -> None:
    served.troubles.append(Trouble(Answer(200, [])))
    with pytest.raises(BadPayload):
        client().fetch_one(Lookup(identity()))


def test_an_answer_that_is_another_deployment_is_none(
    served: Fake, client: Connect, vercel: Vercel
) -> None:
    """Bug: it was written over the one that was asked for."""
    vercel.deploy("dpl_other", "prj_1", "host-other", at_ms=AT_MS)
    headers = {"authorization": f"Bearer {vercel.token}"}
    asked = Asked("GET", "/v13/deployments/dpl_other", {"teamId": [TEAM]}, headers, None, "")
    served.troubles.append(Trouble(vercel.answer(asked), "/v13/"))
    with pytest.raises(BadPayload, match=r"deployment\.id"):
        client().fetch_one(Lookup(identity()))


def test_a_check_names_the_project(client: Connect) -> None:
    assert client().check() == "reads deployments of project web"


def test_what_is_no_id_of_a_deployment_is_never_asked_for(served: Fake, client: Connect) -> None:
    for id_ in ("../projects/prj_1?x=1", "..", ".", "", "dpl_1/events"):
        with pytest.raises(PermanentError, match="the id of a Vercel deployment"):
            client().fetch_one(Lookup(identity(id_)))
    assert served.requests == []


def test_a_document_can_be_looked_up_again(client: Connect) -> None:
    whole = document(client())
    ask = SOURCE.again(whole)
    assert ask is not None
    assert ask.identity == whole.identity


def _page(vercel: Vercel, **query: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {vercel.token}"}
    asked = {"teamId": [TEAM], "projectId": ["prj_1"], **{k: [v] for k, v in query.items()}}
    answer = vercel.answer(Asked("GET", "/v7/deployments", asked, headers, None, ""))
    page: dict[str, Any] = answer.body
    return page


def test_the_fake_lists_page_by_page_newest_first(vercel: Vercel) -> None:
    vercel.page_size = PAGE_SIZE
    for number in range(2 * PAGE_SIZE):
        vercel.deploy(f"dpl_{number}", "prj_1", f"host-{number}", at_ms=AT_MS + 1 + number)
    page, listed = _page(vercel), []
    while True:
        listed += [item["uid"] for item in page["deployments"]]
        if page["pagination"]["next"] is None:
            break
        page = _page(vercel, until=str(page["pagination"]["next"]))
    assert listed == [*(f"dpl_{n}" for n in reversed(range(2 * PAGE_SIZE))), LAMPS]
    assert _page(vercel, state="READY")["deployments"] == []
    assert _page(vercel, since=str(AT_MS + 6))["pagination"]["count"] == 1


def test_a_connection_without_a_project_is_refused() -> None:
    with pytest.raises(Refused, match="vercelProjectId"):
        connect(Access("http://127.0.0.1:1", "a token of a test", {}, lambda: NOW))
