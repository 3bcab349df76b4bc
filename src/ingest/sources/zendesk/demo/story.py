"""Zendesk's part: the passenger who told of it first, and the help center's answer. No I/O.

The shapes are those of Zendesk's event subscriptions, and of the template for its triggers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.values import JSON
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.testing.sample import SampleDelivery

ACCOUNT = 90400
TICKET, ARTICLE, SECTION = 7890, 360001112223, 360000004501
_PASSENGER, _MARIT = 361000000017, 361000000002

_SUBJECT = "The ferry on the board had left the day before"
_DESCRIPTION = (
    "At 00:20 the board at pier 3 said that a ferry leaves at 23:50. We waited for an hour, and "
    "then it turned out that this was yesterday's."
)
_TRACKED = (
    "Thank you for telling us. We follow this in "
    "https://linear.app/brindle/issue/DEP-12/passengers-wait-for-ferries-that-left-yesterday"
)
_MENDED = "The board is right again since two o'clock. A taxi is on us."
_NOTE = "She wants a taxi paid; finance says yes."
_TITLE = "When does the board change days?"
_TEXT = (
    "<h2>At midnight</h2><p>A board shows what leaves next, so it changes days "
    "<strong>at midnight</strong>, on the clock of the pier.</p>"
    "<ul><li>Until then it shows the last ferries of today.</li>"
    "<li>After that the first ones of tomorrow.</li></ul>"
    '<p>Something else on it? Tell us, as somebody did in <a href="/hc/en-us/requests/7890">'
    "request 7890</a>.</p>"
)

_CREATED_AT, _TRACKED_AT = "2026-03-02T07:10:00Z", "2026-03-02T08:05:00Z"
_SOLVED_AT, _PUBLISHED_AT = "2026-03-02T14:20:00Z", "2026-03-02T15:00:00Z"


def provider() -> Zendesk:
    """The account when all is over."""
    account = make()
    account.put_user(_PASSENGER, "Tove Lind")
    account.put_user(_MARIT, "Marit", "agent")
    account.put_ticket(
        TICKET,
        _SUBJECT,
        _DESCRIPTION,
        by=_PASSENGER,
        at=_CREATED_AT,
        status="solved",
        priority="high",
        type="problem",
        tags=["boards", "pier-3"],
        assignee_id=_MARIT,
    )
    account.add_comment(TICKET, _TRACKED, by=_MARIT, at=_TRACKED_AT)
    account.add_comment(TICKET, _NOTE, by=_MARIT, at="2026-03-02T09:00:00Z", public=False)
    account.add_comment(TICKET, _MENDED, by=_MARIT, at=_SOLVED_AT)
    account.put_section(SECTION, "At the pier")
    account.put_article(ARTICLE, _TITLE, _TEXT, section=SECTION, at=_PUBLISHED_AT)
    return account


def _detail(at: str, **fields: JSON) -> dict[str, JSON]:
    return {
        "id": str(TICKET),
        "subject": _SUBJECT,
        "description": _DESCRIPTION,
        "status": "OPEN",
        "custom_status": "360000000077",
        "priority": "HIGH",
        "type": "PROBLEM",
        "tags": ["boards", "pier-3"],
        "requester_id": str(_PASSENGER),
        "submitter_id": str(_PASSENGER),
        "assignee_id": str(_MARIT),
        "group_id": "360000000099",
        "organization_id": None,
        "brand_id": "360000000010",
        "form_id": "360000000088",
        "external_id": None,
        "actor_id": str(_MARIT),
        "is_public": True,
        "via": {"channel": "web_form"},
        "created_at": _CREATED_AT,
        "updated_at": at,
        **fields,
    }


def _delivery(
    arrives_min: int,
    title: str,
    type_: str,
    detail: Mapping[str, JSON],
    event: Mapping[str, JSON],
    *,
    at: str,
) -> SampleDelivery:
    about = type_.partition(".")[0]
    payload: dict[str, JSON] = {
        "type": f"zen:event-type:{type_}",
        "account_id": ACCOUNT,
        "id": f"3d7c0b6e-9a41-4c1d-8f00-{arrives_min:012d}",
        "time": at.replace("Z", ".672717030Z"),
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:{about}:{detail['id']}",
        "event": dict(event),
        "detail": dict(detail),
    }
    return SampleDelivery(arrives_min, title, _headers(arrives_min), payload)


def _headers(arrives_min: int) -> dict[str, str]:
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Zendesk Webhook",
        "x-zendesk-account-id": str(ACCOUNT),
        "x-zendesk-webhook-id": "01JBRINDLEFERRIES0000000WH",
        "x-zendesk-webhook-invocation-id": f"01JBRINDLEFERRIES00000I{arrives_min:03d}",
    }


_COMMENT: dict[str, JSON] = {
    "comment": {
        "id": str(TICKET * 10_000 + 2),
        "body": _TRACKED,
        "is_public": True,
        "author": {"id": str(_MARIT), "is_staff": True, "name": "Marit"},
    }
}
_PUBLISHED: dict[str, JSON] = {
    "author_id": str(_MARIT),
    "category_id": "360000004400",
    "locale": "en-us",
    "section_id": str(SECTION),
    "title": _TITLE,
}

METADATA: Mapping[str, JSON] = {
    "zendeskSubdomain": "brindle",
    "zendeskAccountId": str(ACCOUNT),
}
"""What the connection of the story stands for; laid over the sample\'s."""

DELIVERIES = (
    _delivery(
        40,
        "ticket 7890 solved (before it is created)",
        "ticket.status_changed",
        _detail(_SOLVED_AT, status="SOLVED"),
        {"current": "SOLVED", "previous": "OPEN"},
        at=_SOLVED_AT,
    ),
    _delivery(
        41,
        "ticket 7890 created by a passenger",
        "ticket.created",
        _detail(_CREATED_AT, status="NEW", assignee_id=None, priority=None, type=None),
        {},
        at=_CREATED_AT,
    ),
    _delivery(
        42,
        "a comment on it",
        "ticket.comment_added",
        _detail(_TRACKED_AT),
        _COMMENT,
        at=_TRACKED_AT,
    ),
    _delivery(
        43,
        "an article published",
        "article.published",
        {"id": str(ARTICLE), "brand_id": "360000000010"},
        _PUBLISHED,
        at=_PUBLISHED_AT,
    ),
    SampleDelivery(
        44,
        "a trigger's word of ticket 7890",
        _headers(44),
        {
            "source": "zendesk-trigger",
            "action": "ticket.updated",
            "ticket_id": TICKET,
            "updated_at": _SOLVED_AT,
            "status": "Solved",
        },
    ),
)
