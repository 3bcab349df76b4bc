"""The webhook that `ingest send-test` sends for an account: a ticket is created. No I/O."""

from __future__ import annotations

from ingest.core.values import JSON
from ingest.testing.sample import TRIAL_TEXT, TRIAL_TITLE, SampleDelivery, TrialWebhook

_TICKET = "999999999999"
"""No account has as many tickets."""


def trial(told: TrialWebhook) -> SampleDelivery:
    """A ticket of the connection's account that was created just now."""
    account, id_, at = told.text("zendeskAccountId"), told.about or _TICKET, told.second
    detail: dict[str, JSON] = {
        "id": id_,
        "subject": TRIAL_TITLE,
        "description": TRIAL_TEXT,
        "status": "NEW",
        "custom_status": None,
        "priority": None,
        "type": None,
        "tags": ["ingest-send-test"],
        "requester_id": "1",
        "submitter_id": "1",
        "assignee_id": None,
        "group_id": None,
        "organization_id": None,
        "brand_id": None,
        "form_id": None,
        "external_id": None,
        "actor_id": "1",
        "is_public": True,
        "via": {"channel": "web_form"},
        "created_at": at,
        "updated_at": at,
    }
    payload: dict[str, JSON] = {
        "type": "zen:event-type:ticket.created",
        "account_id": int(account) if account.isdigit() else account,
        "id": told.delivery_id,
        "time": at,
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{id_}",
        "event": {},
        "detail": detail,
    }
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Zendesk Webhook",
        "x-zendesk-account-id": account,
        "x-zendesk-webhook-id": told.text("webhookId", "send-test"),
        "x-zendesk-webhook-invocation-id": told.delivery_id,
    }
    return SampleDelivery(0, f"ticket {id_} created", headers, payload)
