"""How Zendesk sends: the time of sending is a signed header, `account_id` says whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.core.times import iso
from ingest.sources.zendesk import events
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.testing.recorded import Recorded, Sending

_PREFIX = "zen:event-type:"
_UNNAMED = "unnamed:"
_SOMEBODY, _SECTION = 361000000001, 360000000001


def _event_action(of: Recorded) -> tuple[str, str]:
    """(`ticket`, `created`); of a trigger's body its template and what that says."""
    kind = str(of.payload.get("type") or "").removeprefix(_PREFIX)
    if kind:
        event, _, action = kind.partition(".")
        return event, action
    return str(of.payload.get("source") or "trigger"), str(of.payload.get("action") or "")


def _connection(of: Recorded) -> str:
    """Triggers' bodies name no account: those of one origin came to one webhook."""
    told = of.payload.get("account_id") or of.headers.get("x-zendesk-account-id")
    return str(told) if told else _UNNAMED + of.origin.partition("@")[0]


def _metadata(connection: str, _of: Sequence[Recorded]) -> dict[str, Any]:
    return {"type": "zendesk", "zendeskSubdomain": "recorded", "zendeskAccountId": connection}


def _headers(of: Recorded, delivery_id: str, now: datetime) -> dict[str, str]:
    named = _connection(of)
    account = {} if named.startswith(_UNNAMED) else {"x-zendesk-account-id": named}
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Zendesk Webhook",
        "x-zendesk-webhook-id": "01RECORDED000000000000000W",
        "x-zendesk-webhook-invocation-id": delivery_id,
        "x-zendesk-webhook-signature-timestamp": iso(now),
        **account,
    }


def _number(told: Any) -> int | None:
    text = str(told)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _object(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = within.get(name)
    return found if isinstance(found, dict) else {}


def _provider(recorded: Sequence[Recorded]) -> Zendesk:
    """Every ticket and article that is named, as its latest payload tells it."""
    account = make()
    account.subdomain = "recorded"
    account.put_user(_SOMEBODY, "Somebody")
    account.put_section(_SECTION, "All")
    for of in sorted(recorded, key=_told_at):
        event, action = _event_action(of)
        detail = _object(of.payload, "detail")
        subject = str(of.payload.get("subject") or "").rpartition(":")[2]
        written = events.ticket_named(of.payload)
        id_ = _number(detail.get("id") or written or subject)
        if id_ is not None and event == "article":
            _put_article(account, id_, action, _object(of.payload, "event"), _told_at(of))
        elif id_ is not None and (event == "ticket" or written is not None):
            _put_ticket(account, id_, action, detail, _told_at(of))
    return account


def _told_at(of: Recorded) -> str:
    detail = _object(of.payload, "detail")
    told = detail.get("updated_at") or of.payload.get("updated_at") or of.payload.get("time")
    return str(told)[:19] + "Z" if isinstance(told, str) else "2026-01-01T00:00:00Z"


def _put_ticket(
    account: Zendesk, id_: int, action: str, detail: Mapping[str, Any], at: str
) -> None:
    account.deleted.pop(id_, None)
    words = ("status", "priority", "type")
    account.put_ticket(
        id_,
        str(detail.get("subject") or f"Ticket {id_}"),
        str(detail.get("description") or f"What ticket {id_} is about."),
        by=_SOMEBODY,
        at=str(detail.get("created_at") or at),
        tags=detail.get("tags") or [],
        assignee_id=_number(detail.get("assignee_id")),
        is_public=detail.get("is_public") is not False,
        **{word: str(detail[word]).lower() for word in words if detail.get(word)},
    )
    account.edit_ticket(id_, at=at)
    if action in ("soft_deleted", "marked_as_spam", "permanently_deleted"):
        account.delete_ticket(id_)


def _put_article(
    account: Zendesk, id_: int, action: str, event: Mapping[str, Any], at: str
) -> None:
    title = str(event.get("title") or f"Article {id_}")
    section = _number(event.get("section_id")) or _SECTION
    draft = action == "unpublished"
    body = f"<p>What article {id_} says.</p>"
    account.put_article(id_, title, body, section=section, at=at, draft=draft)


SENDING = Sending(_connection, _metadata, _headers, _event_action, provider=_provider)
