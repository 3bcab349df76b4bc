"""Issues of Sentry that are merged, renamed or lose a comment by now, as look-ups show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.sources.sentry.demo.fake import Sentry, make
from ingest.testing.fakes import serving
from tests.factories import VAULT, connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk
from tests.flows.halcyon import Sent
from tests.sources.sentry.deliveries import told

pytestmark = pytest.mark.integration

_DUE = "UPDATE lightfast_lookups SET next_attempt_at = now(), patient_until = now()"


@dataclass
class Halcyon:
    """A store with the project of Sentry and a repository that speaks of its issues."""

    desk: Desk
    sentry: Sentry
    clients: Clients
    project: str
    repository: str

    def end(self, *sent: Sent) -> None:
        for one in sent:
            to = self.project if one.source_type == "sentry" else self.repository
            self.desk.deliver(to, one)
        self.desk.work()
        for _ in range(3):
            self.desk.run(_DUE)
            drain_lookups(self.desk.engine, self.clients, go_on=lambda: True)
            self.desk.work()

    def raised(self, number: int, action: str = "issue.created") -> Sent:
        """One of its issues, as it is told of; Sentry has it unless it is merged away."""
        fixture = told(action)
        issue = {**fixture["body"]["data"]["issue"], **_names(number)}
        if str(number) not in {*self.sentry.issues, *self.sentry.merged}:
            self.sentry.put_issue(issue)
        fixture["body"]["data"]["issue"] = issue
        return Sent("sentry", fixture["body"], fixture["headers"])

    def commented(self, number: int) -> Sent:
        fixture = told("comment.created")
        fixture["body"]["data"]["issue_id"] = number
        return Sent("sentry", fixture["body"], fixture["headers"])


def _names(number: int) -> dict[str, Any]:
    return {"id": str(number), "shortId": f"WEB-{number}"}


@pytest.fixture
def works(engine: sa.Engine) -> Iterator[Halcyon]:
    sentry = make("halcyon")
    sentry.put_project("web", "501")
    store = make_store(engine)
    with serving(sentry) as fake:
        clients = Clients(VAULT, {"sentry": fake.url})
        project = connect(engine, "sentry", stores=[store], token=sentry.token)
        repository = connect(engine, "github", stores=[store])
        yield Halcyon(Desk(engine), sentry, clients, project, repository)
        clients.close()


def test_what_it_was_called_finds_the_other_and_stays_bound(works: Halcyon) -> None:
    """Bug: only its number did, and references to its short id were lost."""
    works.end(works.raised(8), works.raised(9), works.raised(10))
    works.end(halcyon.issue(1, body="Fixes WEB-8, and see WEB-9"))
    works.sentry.merge("8", "9")
    works.end(works.raised(8, "issue.assigned"))
    assert works.desk.found("WEB-8") == works.desk.found("8") == ["WEB-9"]
    assert works.desk.targets("halcyon/web#1") == {"WEB-8": True, "WEB-9": True}
    works.sentry.merge("9", "10")
    works.sentry.merged["8"] = "10"
    works.end(works.raised(9, "issue.assigned"))
    for key in ("8", "9", "WEB-8", "WEB-9"):
        assert works.desk.found(key) == ["WEB-10"]
    assert works.desk.targets("halcyon/web#1") == {"WEB-8": True, "WEB-9": True}


@pytest.mark.parametrize("is_commented_first", [True, False])
def test_one_that_was_merged_before_anybody_knew_it_is_found_too(
    works: Halcyon, is_commented_first: bool
) -> None:
    works.raised(8)
    works.raised(9)
    works.sentry.merge("8", "9")
    sent = [works.raised(8), works.commented(8), halcyon.issue(1, body="Fixes WEB-8")]
    works.end(*(reversed(sent) if is_commented_first else sent))
    assert works.desk.found("WEB-8") == ["WEB-9"]
    assert works.desk.targets("halcyon/web#1") == {"WEB-8": True}


def test_a_renaming_that_a_look_up_shows_is_learned(works: Halcyon) -> None:
    works.end(works.raised(8))
    works.sentry.rename_project("web", "shop")
    written = works.commented(8)
    written.body["data"]["project_slug"] = "shop"
    note = {"id": "1234", "text": written.body["data"]["comment"]}
    works.sentry.comment("8", {**note, "dateCreated": "2026-03-02T08:50:00Z"})
    works.end(written)
    works.end(works.raised(8, "issue.assigned"))
    assert {*works.desk.documents()} == {"SHOP-8", "8/comment/1234"}
    works.end(halcyon.issue(1, body="Fixes SHOP-8, as WEB-8 was"))
    assert works.desk.targets("halcyon/web#1") == {"SHOP-8": True, "WEB-8": True}
    ended = works.desk.rows("SELECT DISTINCT status FROM lightfast_webhook_deliveries")
    assert [row["status"] for row in ended] == ["processed"]


def test_a_comment_that_was_seen_after_the_time_at_which_its_end_is_told_goes(
    works: Halcyon,
) -> None:
    """Bug: told to the second, its end seemed older than what a look-up of that second saw."""
    works.end(works.raised(8))
    written, gone = works.commented(8), works.commented(8)
    note = {"id": "1234", "text": written.body["data"]["comment"]}
    works.sentry.comment("8", {**note, "dateCreated": "2026-03-02T08:50:00Z"})
    works.end(written)
    assert {*works.desk.documents()} == {"WEB-8", "8/comment/1234"}
    works.sentry.uncomment("8", "1234")
    works.end(replace(gone, body={**gone.body, "action": "deleted"}))
    assert {*works.desk.documents()} == {"WEB-8"}
