"""The webhook that `ingest send-test` sends for a project: a deployment is ready. No I/O."""

from __future__ import annotations

from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.testing.sample import TRIAL_TITLE, SampleDelivery, TrialWebhook

_ID = "dpl_ingestSendTest0000000000"


def trial(told: TrialWebhook) -> SampleDelivery:
    """A deployment of the connection's project that became ready just now."""
    project, name = told.text("vercelProjectId"), told.text("projectName")
    team, id_ = told.text("vercelTeamId"), told.about or _ID
    page = f"https://vercel.com/send-test/{name}"
    told_of: dict[str, JSON] = {
        "user": {"id": "user_sendTest"},
        "deployment": {
            "id": id_,
            "url": f"{name}-send-test.vercel.app",
            "name": name,
            "meta": {"githubCommitMessage": TRIAL_TITLE},
        },
        "links": {"deployment": f"{page}/{id_.removeprefix('dpl_')}", "project": page},
        "target": None,
        "project": {"id": project, "name": name},
        "plan": "pro",
        "regions": ["dub1"],
    }
    if team:
        told_of["team"] = {"id": team}
    payload: dict[str, JSON] = {
        "id": told.delivery_id,
        "type": "deployment.ready",
        "createdAt": to_micros(told.sent_at) // 1000,
        "region": "dub1",
        "payload": told_of,
    }
    headers = {"content-type": "application/json; charset=utf-8", "user-agent": "Vercel Webhooks"}
    return SampleDelivery(0, f"deployment {id_} ready", headers, payload)
