"""A comment that an event tells, where there is no token: a document of its own, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.listing import Unlisted
from ingest.sources.zendesk.client import connect
from ingest.sources.zendesk.demo.fake import make
from ingest.sources.zendesk.documents import again
from ingest.sources.zendesk.listing import LISTING, unlisted
from ingest.testing.fakes import serving
from tests.sources.zendesk.deliveries import CONNECTION, NOW, WITH_NOTES, asked, body, identity

_COMMENT = identity("comment", 9001)


def comments(
    payload: Mapping[str, Any], connection: Mapping[str, JSON] = CONNECTION
) -> tuple[Change, ...]:
    """What a payload tells beside its ticket where nobody can be asked."""
    _ticket, *found = asked(payload, connection).otherwise
    return tuple(found)


def _payload(suffix: str = "comment_added", **comment: JSON) -> dict[str, Any]:
    made = body("ticket.comment_added") | {"type": f"zen:event-type:ticket.{suffix}"}
    made["event"]["comment"] |= comment
    return made


def test_a_comment_is_told_with_its_event() -> None:
    """Bug: without a token its text was nowhere."""
    (found,) = comments(_payload())
    assert isinstance(found, Upsert)
    assert (found.identity, found.parent) == (_COMMENT, identity("ticket", 4512))
    assert (found.title, found.body) == ("Comment on ticket 4512", "A mechanic is on the way.")
    assert found.source_id == "comment:9001"
    assert found.created_at == datetime(2026, 3, 9, 8, 0, 1, 672717, tzinfo=UTC)
    assert found.metadata == {
        "type": "zendesk",
        "kind": "comment",
        "url": "https://halcyon.zendesk.com/agent/tickets/4512",
        "updatedAt": "2026-03-09T08:00:01Z",
        "commentId": 9001,
        "ticketId": 4512,
        "authorId": 361000000002,
        "authorName": "Inês Faria",
    }


def test_with_a_token_it_is_read_with_its_ticket() -> None:
    assert asked(_payload()).identity == identity("ticket", 4512)


@pytest.mark.parametrize("public", [False, None, "perhaps"])
def test_a_note_is_told_to_those_who_want_notes(public: JSON) -> None:
    assert comments(_payload(is_public=public)) == ()
    (found,) = comments(_payload(is_public=public), WITH_NOTES)
    assert isinstance(found, Upsert)


def test_what_is_made_private_is_gone_and_stays_gone() -> None:
    (gone,) = comments(_payload("comment_made_private", is_public=True))
    assert isinstance(gone, Delete)
    assert (gone.identity, gone.final) == (_COMMENT, False)
    later = _payload("comment_made_private") | {"time": "2026-03-09T08:00:02Z"}
    (hidden,), (told,) = comments(later), comments(_payload())
    assert isinstance(hidden, Delete)
    assert isinstance(told, Upsert)
    assert hidden.version is not None
    assert hidden.version > told.version


def test_what_is_redacted_keeps_what_is_left_of_it() -> None:
    (left,) = comments(_payload("comment_redacted", body="A ▇▇▇▇ is on the way."))
    assert isinstance(left, Upsert)
    assert left.body == "A ▇▇▇▇ is on the way."
    (gone,) = comments(_payload("comment_redacted", body=None))
    assert isinstance(gone, Delete)


def test_the_description_is_no_further_comment() -> None:
    description = body("ticket.comment_added")["detail"]["description"]
    assert comments(_payload(body=description.replace("\n", "\n\n"))) == ()


@pytest.mark.parametrize("junk", [None, "x", [], {}, {"id": "x", "body": "y"}, {"body": "y"}])
def test_an_event_that_tells_no_comment_tells_its_ticket(junk: JSON) -> None:
    payload = _payload()
    payload["event"] = {"comment": junk}
    assert comments(payload) == ()
    payload["event"] = junk
    assert comments(payload) == ()
    assert comments(_payload(body="")) == comments(_payload() | {"time": None}) == ()


def test_a_full_listing_ends_what_stands_in_its_ticket_by_now() -> None:
    tickets = LISTING.resource("tickets")
    assert tickets is not None
    assert "comment" in tickets.kinds & tickets.leaves_out
    absent = Unlisted(_COMMENT, "comment:9001", {}, NOW, CONNECTION, NOW)
    assert unlisted(absent) == Refresh(_COMMENT)
    with serving(make()) as fake:
        access = Access(fake.url, fake.provider.token, CONNECTION, lambda: NOW)
        with closing(connect(access)) as client:
            assert client.fetch_one(Lookup(_COMMENT)).raw is None
    (told,) = comments(_payload())
    assert isinstance(told, Upsert)
    assert again(told) is None
