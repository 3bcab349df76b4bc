"""Linear's webhooks as the fake keeps them: made, changed, failing. No I/O.

Documents: `WebhookCreateInput`, `WebhookUpdateInput` and `Webhook` of Linear's schema.graphql.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.core.times import iso
from ingest.sources.linear.demo.fake_graphql import BadQuery
from ingest.sources.linear.demo.fake_schema import RESOURCE_TYPES

Hook = dict[str, Any]
_MADE_AT = "2026-01-01T00:00:00.000Z"
_CREATE = frozenset(
    {"allPublicTeams", "enabled", "id", "label", "resourceTypes", "secret", "teamId", "url"}
)
_UPDATE = frozenset({"enabled", "label", "resourceTypes", "secret", "url"})
_KEPT_FAILURES = 50


class Forbidden(Exception):
    """Only admins, and apps with the scope `admin`, see webhooks."""


@dataclass(slots=True)
class Hooks:
    """The webhooks of an organization. `admin`: whether the token may see them at all."""

    admin: bool = True
    all: dict[str, Hook] = field(default_factory=dict)

    def listed(self) -> list[Hook]:
        """All of them, newest first; raises `Forbidden`."""
        self._enter()
        return [*reversed(self.all.values())]

    def one(self, id_: Any) -> Hook | None:
        """That one, None where there is none; raises `Forbidden`."""
        self._enter()
        return self.all.get(str(id_))

    def mutate(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """A `WebhookPayload`, None for a webhook that is not there; raises `BadQuery`."""
        self._enter()
        known: Mapping[str, Callable[[Mapping[str, Any]], Hook | None]] = {
            "webhookCreate": self._create,
            "webhookUpdate": self._update,
        }
        hook = known[name](arguments)
        return hook and {"success": True, "lastSyncId": 1.0, "webhook": hook}

    def fail(self, id_: str, status: int | None, said: str, at: datetime) -> None:
        """A delivery failed; the last 50 are kept."""
        failures = self.all[id_]["failures"]
        number = len(failures) + 1
        failures.append(
            {
                "id": f"failure-{number}",
                "executionId": f"execution-{number}",
                "httpStatus": status,
                "responseOrError": said,
                "createdAt": iso(at),
                "url": self.all[id_]["url"],
            }
        )
        del failures[:-_KEPT_FAILURES]

    def _enter(self) -> None:
        if not self.admin:
            raise Forbidden("Only admins can manage webhooks")

    def _create(self, arguments: Mapping[str, Any]) -> Hook:
        given = _input(arguments, _CREATE)
        if not given.get("url") or given.get("resourceTypes") is None:
            raise BadQuery('Field "url" of required type "String!" was not provided.')
        if bool(given.get("teamId")) is bool(given.get("allPublicTeams")):
            raise BadQuery("Either teamId or allPublicTeams is needed", "INVALID_INPUT")
        id_ = given.get("id") or f"webhook-{len(self.all) + 1}"
        hook: Hook = {
            "id": id_,
            "createdAt": _MADE_AT,
            "updatedAt": _MADE_AT,
            "archivedAt": None,
            "url": given["url"],
            "enabled": given.get("enabled", True),
            "label": given.get("label"),
            "allPublicTeams": bool(given.get("allPublicTeams")),
            "team": {"id": given["teamId"]} if given.get("teamId") else None,
            "resourceTypes": given["resourceTypes"],
            "secret": given.get("secret") or f"lin_wh_of_{id_}",
            "failures": [],
        }
        self.all[id_] = hook
        return hook

    def _update(self, arguments: Mapping[str, Any]) -> Hook | None:
        hook = self.all.get(str(arguments.get("id")))
        if hook is not None:
            hook.update(_input(arguments, _UPDATE))
        return hook


def _input(arguments: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    told = arguments.get("input") or {}
    for name in told.keys() - known:
        raise BadQuery(f'Field "{name}" is not defined by the input.')
    for name in {*told.get("resourceTypes", ())} - RESOURCE_TYPES:
        raise BadQuery(f"{name} is no WebhookResourceType", "INVALID_INPUT")
    return dict(told)
