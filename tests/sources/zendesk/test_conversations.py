"""What is said in a ticket beside the plain text of its comments: calls, chats, HTML alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ingest.core.changes import Upsert
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.zendesk.client import ZendeskClient, connect
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.sources.zendesk.documents import documents
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.zendesk.deliveries import CONNECTION, NOW, WITH_NOTES, document, identity

_INES, _RUI = 361000000002, 361000000001
_AT, _LATER = "2026-03-09T07:40:00Z", "2026-03-09T09:00:00Z"


@pytest.fixture
def account() -> Zendesk:
    made = make()
    made.put_user(_INES, "Inês\nFaria", "agent")
    made.put_ticket(4512, "Lift", "Out of order.", by=_RUI, at=_AT)
    made.add_comment(4512, "Call from +351 000", by=_INES, at=_LATER)
    return made


def _raw(account: Zendesk, **comment: JSON) -> Any:
    first, call = account.comments[4512]
    told = {**call, **comment}
    return {
        "ticket": account.tickets[4512],
        "comments": [first, told],
        "users": [*account.users.values()],
    }


def _said(account: Zendesk, **comment: JSON) -> str:
    """What stands below the heading of the second comment."""
    found = document("ticket", 4512, _raw(account, **comment)).body
    heading, _, text = found.partition("\n\n### ")[2].partition("\n\n")
    assert heading == f"Inês Faria, {_LATER}"
    return text


def test_what_was_said_in_a_call_is_text(account: Zendesk) -> None:
    """Bug: a voicemail's transcript stands beside the comment's text, and was not read."""
    told: JSON = {"transcription_text": "The lift is stuck.", "transcription_visible": True}
    assert _said(account, type="VoiceComment", data=told) == (
        "Call from +351 000\n\nThe lift is stuck."
    )
    hidden: JSON = {"transcription_text": "The lift is stuck.", "transcription_visible": False}
    assert _said(account, data=hidden) == "Call from +351 000"
    said = "Voicemail: The lift is stuck."
    assert _said(account, data=told, plain_body=said) == said


def test_a_transcript_of_a_chat_is_text(account: Zendesk) -> None:
    history: JSON = [
        {"type": "ChatJoin", "actor_name": "Rui"},
        {"type": "ChatMessage", "actor_name": "Rui", "message": "It is stuck."},
        {"type": "ChatMessage", "actor_name": None, "message": "Since when?"},
    ]
    assert _said(account, type="ChatTranscript", plain_body="", body=None, html_body=None) == ""
    told = _said(account, type="ChatTranscript", history=history)
    assert told == "Call from +351 000\n\nRui: It is stuck.\nsomebody: Since when?"


@pytest.mark.parametrize("junk", ["x", [], {}, 7, {"transcription_text": 7}, [{"message": []}]])
def test_what_makes_no_sense_there_says_nothing(account: Zendesk, junk: JSON) -> None:
    assert _said(account, data=junk, history=junk) == "Call from +351 000"


@pytest.mark.parametrize("plain", [None, "", "  ", "&nbsp;"])
def test_a_comment_without_a_plain_text_is_its_html_or_its_body(
    account: Zendesk, plain: str | None
) -> None:
    """Bug: an empty plain text hid the others."""
    assert _said(account, plain_body=plain, html_body="<p>In <b>HTML</b>.</p>") == "In **HTML**."
    assert _said(account, plain_body=plain, html_body="<p></p>", body="Bare.") == "Bare."
    assert _said(account, plain_body=plain, html_body=None, body="Bare.") == "Bare."


def test_a_note_s_transcript_is_a_note(account: Zendesk) -> None:
    told: JSON = {"transcription_text": "The code is 7."}
    raw = _raw(account, public=False, data=told)
    assert "The code" not in document("ticket", 4512, raw).body
    assert "The code is 7." in document("ticket", 4512, raw, WITH_NOTES).body


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("```\na", "\\```\na"),
        ("a\n~~~ sh\nb", "a\n\\~~~ sh\nb"),
        ("```\na\n```\n````\nb\n```", "```\na\n```\n\\````\nb\n\\```"),
        ("```\na\n~~~", "\\```\na\n\\~~~"),
        *((whole, whole) for whole in ("```\na\n```", "~~~~\n```\n~~~~~", "a ``` b", "    ```\na")),
    ],
)
def test_code_that_somebody_left_open_ends_with_what_he_said(
    account: Zendesk, said: str, expected: str
) -> None:
    """Bug: all that others said below it was code, in which nothing is mentioned."""
    account.edit_ticket(4512, at=_LATER, description=f"x\n{said}")
    body = document("ticket", 4512, _raw(account, plain_body=f"x\n{said}")).body
    assert body.count(f"x\n{expected}") == 2
    assert "\n\n### Inês Faria" in body


# A chat, whose messages stand in the log of the conversation.


@pytest.fixture
def fake(account: Zendesk) -> Iterator[Fake]:
    via: JSON = {"channel": "native_messaging", "source": {"from": {}, "to": {}}}
    account.edit_ticket(4512, at=_LATER, via=via)
    account.say(4512, "It is stuck.", by="Rui", at="2026-03-09T08:01:00Z")
    account.say(4512, "Since when?", by="Bot", at="2026-03-09T08:02:00Z")
    with serving(account) as running:
        yield running


@pytest.fixture
def client(fake: Fake) -> Iterator[ZendeskClient]:
    with closing(connect(Access(fake.url, fake.provider.token, CONNECTION, lambda: NOW))) as made:
        yield made


def _body(client: ZendeskClient) -> str:
    whom = identity("ticket", 4512)
    (change,) = documents(Lookup(whom, raw=client.fetch_one(Lookup(whom)).raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    return change.body


def test_the_messages_of_a_chat_are_read_with_its_ticket(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    account.page_size = 1
    assert _body(client) == (
        "Out of order.\n\n"
        "### Conversation, 2026-03-09T08:01:00Z\n\nRui: It is stuck.\nBot: Since when?\n\n"
        f"### Inês Faria, {_LATER}\n\nCall from +351 000"
    )
    assert len(fake.asked_for("/conversation_log")) == 2


def test_other_tickets_have_no_such_log(
    account: Zendesk, fake: Fake, client: ZendeskClient
) -> None:
    account.edit_ticket(4512, at=_LATER, via={"channel": "web"})
    assert "Conversation" not in _body(client)
    assert fake.asked_for("/conversation_log") == []


@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_a_log_that_is_not_shown_leaves_the_ticket_as_it_is(
    fake: Fake, client: ZendeskClient, status: int
) -> None:
    fake.troubles = [Trouble(Answer(status, {"error": "x"}), path="/conversation_log")]
    assert "It is stuck" not in _body(client)


@pytest.mark.parametrize(
    "ticket",
    [{"via": {"channel": "whatsapp"}}, {"via": {"channel": "web"}, "from_messaging_channel": True}],
)
def test_a_chat_in_a_list_is_told_as_by_a_look_up(client: ZendeskClient, ticket: JSON) -> None:
    talk = client.reader.conversation("4512", ticket)
    assert (talk.calls, len(talk.log or ())) == (2, 2)
    others: list[JSON] = [None, {}, {"via": None}, {"via": {"channel": "email"}}]
    for other in others:
        assert client.reader.conversation("4512", other).log is None
