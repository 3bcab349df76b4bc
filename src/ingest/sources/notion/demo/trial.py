"""The webhook that `ingest send-test` sends for a workspace: a page has other content. No I/O.

Notion's events hold no content: what they speak of is looked up, so it has to be there.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.testing.sample import SampleDelivery, TrialWebhook


def trial(told: TrialWebhook) -> SampleDelivery:
    """A page of the connection's workspace, whose content was updated just now."""
    workspace = told.text("notionWorkspaceId")
    page = told.about or str(uuid5(NAMESPACE_URL, f"https://www.notion.so/{workspace}/send-test"))
    person = str(uuid5(NAMESPACE_URL, "https://www.notion.so/send-test/person"))
    payload: dict[str, JSON] = {
        "id": told.delivery_id,
        "timestamp": iso(told.sent_at),
        "workspace_id": workspace,
        "workspace_name": told.text("notionWorkspaceName"),
        "subscription_id": told.text("webhookId", told.delivery_id),
        "integration_id": person,
        "type": "page.content_updated",
        "authors": [{"id": person, "type": "person"}],
        "attempt_number": 1,
        "api_version": "2025-09-03",
        "entity": {"id": page, "type": "page"},
        "data": {"parent": {"id": workspace, "type": "space"}, "updated_blocks": []},
    }
    headers = {"content-type": "application/json", "user-agent": "notion-webhooks/1.0"}
    return SampleDelivery(0, f"page {page} updated", headers, payload)
