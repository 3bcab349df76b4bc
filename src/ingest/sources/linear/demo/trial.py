"""The webhook that `ingest send-test` sends for an organization: an issue is created. No I/O."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.testing.sample import TRIAL_TEXT, TRIAL_TITLE, SampleDelivery, TrialWebhook

_NUMBER = 999_999_999
"""No team has as many issues."""


def trial(told: TrialWebhook) -> SampleDelivery:
    """An issue of the connection's team, or of the first of those that it wants."""
    organization, key = told.text("linearOrganizationId"), told.text("linearTeamKey")
    only = told.metadata.get("onlyTeamIds")
    team = str(only[0]) if isinstance(only, list) and only else told.text("linearTeamId")
    id_ = told.about or str(uuid5(NAMESPACE_URL, f"https://linear.app/{organization}/send-test"))
    identifier, at = f"{key}-{_NUMBER}", iso(told.sent_at)
    page = f"https://linear.app/send-test/issue/{identifier}"
    actor: dict[str, JSON] = {"id": str(uuid5(NAMESPACE_URL, page)), "name": "ingest send-test"}
    data: dict[str, JSON] = {
        "id": id_,
        "createdAt": at,
        "updatedAt": at,
        "identifier": identifier,
        "number": _NUMBER,
        "title": TRIAL_TITLE,
        "description": TRIAL_TEXT,
        "url": page,
        "priority": 0,
        "priorityLabel": "No priority",
        "teamId": team,
        "team": {"id": team, "key": key, "name": told.text("teamName")},
        "state": {"id": id_, "name": "Todo", "type": "unstarted", "color": "#e2e2e2"},
        "labels": [],
        "creatorId": actor["id"],
        "previousIdentifiers": [],
    }
    payload: dict[str, JSON] = {
        "action": "create",
        "type": "Issue",
        "actor": {**actor, "type": "user"},
        "createdAt": at,
        "organizationId": organization,
        "webhookId": told.text("webhookId", told.delivery_id),
        "data": data,
        "url": page,
    }
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Linear-Webhook",
        "linear-event": "Issue",
        "linear-delivery": told.delivery_id,
    }
    return SampleDelivery(0, f"issue {identifier} created", headers, payload)
