"""The fake's integrations: custom applications, their installations, and the log of their webhooks.

docs.sentry.io, "API: Custom Integrations", and `sentry_apps/api` of getsentry/sentry: an update is
partial, and a webhook needs the scope of what it tells; the log tells when and with what status a
webhook was answered, and neither its id nor its body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.testing.fakes import Answer

RESOURCES = frozenset({"comment", "error", "issue", "preprod_artifact", "seer"})
HIDDEN = "*" * 64
_MAY_CHANGE = frozenset(
    {"allowedOrigins", "events", "isAlertable", "name", "schema", "scopes", "webhookUrl"}
)


@dataclass(slots=True)
class Applications:
    """Integrations by slug, installations by uuid, and the log of each, the newest first.

    may_see_log: the log is for owners of the organization alone.
    may_write: changing an integration needs `org:write`.
    """

    organization: str
    by_slug: dict[str, dict[str, Any]] = field(default_factory=dict)
    installations: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    may_see_log: bool = True
    may_write: bool = True

    def put(self, slug: str, **told: Any) -> dict[str, Any]:
        """An internal integration that is installed, as a person makes one."""
        self.by_slug[slug] = {
            "slug": slug,
            "uuid": f"app-{slug}",
            "name": slug.title(),
            "status": "internal",
            "webhookUrl": None,
            "events": [],
            "scopes": ["event:read", "org:read", "project:read"],
            "isAlertable": False,
            "schema": {},
            "verifyInstall": False,
            "clientSecret": None,
            **told,
        }
        self.install(slug, f"installation-{slug}")
        return self.by_slug[slug]

    def install(self, slug: str, uuid: str, status: str = "installed") -> None:
        """The integration is installed."""
        self.installations[uuid] = {
            "app": {"slug": slug, "uuid": self.by_slug[slug]["uuid"]},
            "organization": {"slug": self.organization},
            "uuid": uuid,
            "status": status,
        }

    def sent(self, slug: str, at: datetime, status: int, event: str = "issue.created") -> None:
        """A webhook was sent, and answered so; 0: it was not answered in time."""
        told = {
            "webhookUrl": self.by_slug[slug]["webhookUrl"],
            "sentryAppSlug": slug,
            "eventType": event,
            "date": f"{at:%Y-%m-%d %H:%M:%S.%f}+00:00",
            "responseCode": status,
            "organization": {"name": self.organization, "slug": self.organization},
        }
        self.log.setdefault(slug, []).insert(0, told)

    def change(self, slug: str, asked: Mapping[str, Any]) -> Answer:
        """An update: what is not named stays."""
        app = self.by_slug.get(slug)
        if app is None:
            return Answer(404, {"detail": "Could not find the requested sentry app"})
        if not self.may_write:
            return Answer(403, {"detail": "You do not have permission to perform this action."})
        events, scopes = asked.get("events", app["events"]), asked.get("scopes", app["scopes"])
        if not set(events) <= RESOURCES:
            return Answer(400, {"events": ["Invalid event subscription"]})
        if events and "event:read" not in scopes:
            return Answer(400, {"events": ["webhooks require the event:read permission."]})
        if events and not asked.get("webhookUrl", app["webhookUrl"]):
            return Answer(400, {"webhookUrl": ["webhookUrl required if events are enabled"]})
        app.update({name: told for name, told in asked.items() if name in _MAY_CHANGE})
        return Answer(body=app)

    def requests(self, slug: str) -> Answer:
        """The log of one integration."""
        if slug not in self.by_slug:
            return Answer(404, {"detail": "Could not find the requested sentry app"})
        if not self.may_see_log:
            return Answer(403, {"detail": "You do not have permission to perform this action."})
        return Answer(body=self.log.get(slug, []))
