"""Bodies that an admin wrote: whatever they call it, they name a ticket and no more."""

from __future__ import annotations

import pytest

from ingest.core.changes import Refresh
from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.flows.receiving.payload import read_payload
from ingest.sources.registry import source
from tests.sources.zendesk.deliveries import asked, body, identity, said


def test_an_event_that_calls_its_ticket_by_another_name_is_understood() -> None:
    payload = body("ticket.created.thin")
    del payload["detail"], payload["subject"]
    payload["ticket"] = {"id": 4513, "subject": "Lift"}
    assert asked(payload).identity == identity("ticket", 4513)


@pytest.mark.parametrize(
    "template",
    [
        {"ticketId": "4512", "title": "Lift", "url": "halcyon.zendesk.com/agent/tickets/4512"},
        {"ticket.id": "4512", "ticket.status": "Open"},
        {"id": "4512", "title": "Lift", "link": "halcyon.zendesk.com/agent/tickets/4512"},
        {"id": 4512, "subject": "Lift", "type": "Incident", "via": "Voice"},
        {"ticket": {"id": "4512", "subject": "Lift"}, "event": "created_ticket"},
        {"ticket": 4512, "comment": "Is it out of order?"},
        {"type": "newMessage", "ticketId": "4512", "comment": "Is it out of order?"},
        {"type": "ticket.updated", "ticket_id": "4512"},
        {"source": "zendesk", "ticket_id": "4512", "subject": "9"},
    ],
)
def test_a_template_of_an_admins_own_names_its_ticket(template: dict[str, JSON]) -> None:
    assert asked(template) == Refresh(identity("ticket", 4512))
    event = said(template).event
    assert (event["action"], event["ticketId"]) == ("ticket.updated", 4512)


@pytest.mark.parametrize(
    "template", [{"id": "4512"}, {"id": 7, "name": "Halcyon"}, {"ticket": "x"}]
)
def test_a_template_that_names_no_ticket_is_skipped(template: dict[str, JSON]) -> None:
    assert said(template).skip is not None


def test_a_triggers_body_names_a_ticket_and_no_more() -> None:
    assert asked(body("zendesk-trigger")) == Refresh(identity("ticket", 4512))
    assert asked({"ticket_id": "4512"}).identity == identity("ticket", 4512)
    with pytest.raises(BadPayload, match="ticket_id: not an id"):
        said({"source": "zendesk-trigger", "ticket_id": "{{ticket.id}}"})


@pytest.mark.parametrize("raw", ["\n", "\r\n", "\t", "\x0b", "\x00", "\x1f"])
def test_a_text_that_a_template_puts_in_as_it_is_may_hold_control_characters(raw: str) -> None:
    """Bug: `{{ticket.description}}` has line feeds, so its ticket was refused for good."""
    text = f'{{"ticket_id": 4512, "description": "one{raw}two", "title": "\\ud83d\\ud800"}}'
    payload = read_payload(source("zendesk").descriptor, {}, text.encode())
    assert asked(payload).identity == identity("ticket", 4512)
    assert payload["description"] == f"one{raw}two".replace("\x00", "\ufffd")
    for name in ("github", "linear", "notion", "sentry", "vercel"):
        with pytest.raises(BadPayload, match="not JSON"):
            read_payload(source(name).descriptor, {}, text.encode())


@pytest.mark.parametrize(
    "text", ['{"a": "x\n"', '{"a": "x\n" "b": 1}', '{"a": "\n", "b": NaN}', '{\x0b"a": "\n"}', "\n"]
)
def test_a_body_with_another_fault_is_none(text: str) -> None:
    with pytest.raises(BadPayload, match="not JSON"):
        read_payload(source("zendesk").descriptor, {}, text.encode())


def test_the_number_of_a_ticket_is_never_a_deliverys_key() -> None:
    invoked = {"x-zendesk-webhook-invocation-id": "i1"}
    key = source("zendesk").descriptor.delivery_key
    assert key(invoked, {"id": 4512, "type": "Incident", "title": "Lift"}) == "i1"
    assert key(invoked, body("ticket.created") | {"id": 77}) == "77"
