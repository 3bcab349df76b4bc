"""A deletion for good that a payload tells: where somebody can be asked, that comes first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.ranks import is_final
from ingest.store.engine import transaction
from tests.flows import halcyon
from tests.flows.asking_github import ID, Works, works
from tests.flows.halcyon import Sent

pytestmark = pytest.mark.integration


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Works]:
    with works(engine) as made:
        yield made


def at_github(desk: Works, sent: Sent) -> Sent:
    """The issue that is told, standing at GitHub too."""
    desk.github.put(ID, "issue", sent.body["issue"])
    return sent


def impatient(desk: Works) -> None:
    """So much later that nothing is the API's lag any more."""
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_lookups SET patient_until = now()"))


def ledger(desk: Works) -> dict[str, Any]:
    (row,) = desk.rows("SELECT state, rank FROM lightfast_document_ledger WHERE kind = 'issue'")
    return row


def test_what_github_still_shows_is_not_gone_for_good(desk: Works) -> None:
    """Bug: whoever held the secret, or a captured body, deleted an issue that is there for ever."""
    desk.open()
    desk.end(at_github(desk, halcyon.issue(1, at=1, body="It stands.")))
    (id_,) = desk.deliver(halcyon.issue(1, at=1, action="deleted"))
    desk.work()
    desk.look_up()
    assert desk.delivery(id_)[0] == "processed"
    assert ledger(desk)["state"] == "deleted"
    assert not is_final(ledger(desk)["rank"])
    impatient(desk)
    desk.look_up()
    assert ledger(desk)["state"] == "live"
    assert len(desk.rows("SELECT 1 FROM lightfast_docs_documents")) == 1


def test_what_is_gone_there_too_is_gone_for_good(desk: Works) -> None:
    desk.open()
    desk.end(at_github(desk, halcyon.issue(1, at=1)))
    desk.github.delete(ID, "issue", 1)
    desk.end(halcyon.issue(1, at=1, action="deleted"))
    assert ledger(desk)["state"] == "deleted"
    assert is_final(ledger(desk)["rank"])
    desk.end(halcyon.issue(1, at=59, action="edited"))
    assert ledger(desk)["state"] == "deleted"


def test_a_lagging_api_does_not_bring_it_back(desk: Works) -> None:
    """It is asked again as long as the event is young, and believed then."""
    desk.open()
    desk.end(at_github(desk, halcyon.issue(1, at=1)))
    desk.end(halcyon.issue(1, at=1, action="deleted"))
    desk.github.delete(ID, "issue", 1)
    desk.look_up()
    assert is_final(ledger(desk)["rank"])


def test_without_a_token_the_payload_is_all_there_is(desk: Works) -> None:
    desk.open(token="")
    desk.end(halcyon.issue(1, at=1))
    assert desk.end(halcyon.issue(1, at=1, action="deleted")) == [("processed", "applied")]
    assert is_final(ledger(desk)["rank"])


def test_a_comment_and_the_tombstone_of_what_was_never_told(desk: Works) -> None:
    desk.open()
    desk.end(at_github(desk, halcyon.issue(1)))
    desk.end(halcyon.comment(11, action="deleted"))
    (row,) = desk.rows("SELECT state, rank FROM lightfast_document_ledger WHERE kind = 'comment'")
    assert row["state"] == "deleted"
    assert is_final(row["rank"])
