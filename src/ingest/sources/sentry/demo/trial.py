"""The webhook that `ingest send-test` sends for a project: an issue is raised. No I/O."""

from __future__ import annotations

from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.testing.sample import TRIAL_TEXT, TRIAL_TITLE, SampleDelivery, TrialWebhook

_ID = "9999999999999"
"""No issue has such an id for a long time."""


def trial(told: TrialWebhook) -> SampleDelivery:
    """An issue of the connection's project that was seen for the first time just now."""
    organization, slug = told.text("sentryOrganizationSlug"), told.text("sentryProjectSlug")
    id_, at = told.about or _ID, iso(told.sent_at)
    host = told.text("apiHost", "sentry.io")
    issue: dict[str, JSON] = {
        "id": id_,
        "shortId": f"{slug.upper()}-TEST",
        "title": f"{TRIAL_TITLE}: {TRIAL_TEXT}",
        "culprit": "ingest send-test",
        "permalink": f"https://{organization}.{host}/issues/{id_}/",
        "logger": None,
        "level": "info",
        "status": "unresolved",
        "substatus": "new",
        "statusDetails": {},
        "platform": "other",
        "project": {
            "id": told.text("sentryProjectId"),
            "name": slug,
            "slug": slug,
            "platform": "other",
        },
        "type": "default",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": {"title": TRIAL_TITLE},
        "count": "1",
        "userCount": 0,
        "firstSeen": at,
        "lastSeen": at,
        "assignedTo": None,
        "annotations": [],
        "numComments": 0,
    }
    headers = {
        "content-type": "application/json",
        "request-id": told.delivery_id.replace("-", ""),
        "sentry-hook-resource": "issue",
        "sentry-hook-timestamp": str(int(told.sent_at.timestamp())),
    }
    payload: dict[str, JSON] = {
        "action": "created",
        "installation": {"uuid": told.text("webhookId", told.delivery_id)},
        "data": {"issue": issue},
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
    }
    return SampleDelivery(0, f"issue {id_} raised", headers, payload)
