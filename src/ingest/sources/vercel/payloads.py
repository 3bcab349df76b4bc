"""Vercel's JSON as Vercel spells it: the envelope of a webhook, and a deployment of the API.

Law: required is only what no document can do without; whatever else is there in a form that we do
not know says nothing. Sources: vercel.com/docs/webhooks/webhooks-api, the names of before 2023
included, and the models of npm `@vercel/sdk`. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingest.core.errors import BadPayload
from ingest.core.times import from_epoch_ms, parse_time
from ingest.core.values import JSON
from ingest.sources.wire import Id, Nonblank, Object, WireModel, nonblank, read, unusable


class _Payload(WireModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Deployment(_Payload):
    """A deployment as a webhook carries it: without a state, as a rule, and without errors.

    Ids are `dpl_…` today, and were other texts in the past.
    """

    id: Id
    url: Nonblank = None
    name: Nonblank = None
    meta: Object = Field(default_factory=dict)
    target: Nonblank = None
    inspector_url: Nonblank = None
    ready_state: Nonblank = None
    error_code: Nonblank = None
    error_message: Nonblank = None
    error_step: Nonblank = None
    custom_environment_id: Nonblank = None
    created_at: Any = None


class Told(_Payload):
    """What a delivery tells; `name`, `url` and `deploymentId` are those of the older events."""

    deployment: Deployment | None = None
    deployment_id: Nonblank = None
    links: Object = Field(default_factory=dict)
    name: Nonblank = None
    url: Nonblank = None
    target: Nonblank = None
    project: Any = None
    project_id: Nonblank = None
    team: Object = Field(default_factory=dict)


class Seen(Deployment):
    """`GET /v13/deployments/{id}`, and an item of the list, which calls the id `uid`."""

    created: Any = None
    ready: Any = None
    state: Nonblank = None
    checks_state: Nonblank = None
    source: Nonblank = None
    git_source: Object = Field(default_factory=dict)
    custom_environment: Object = Field(default_factory=dict)
    ready_state_reason: Nonblank = None
    seat_block: Object = Field(default_factory=dict)
    project: Object = Field(default_factory=dict)
    project_id: Nonblank = None
    deleted_at: Any = None
    deleted: Any = None
    undeleted_at: Any = None
    undeleted: Any = None
    soft_deleted_by_retention: Any = None

    @property
    def status(self) -> str | None:
        """Its state, by either of the names that it has."""
        told = self.ready_state or self.state
        return told.upper() if told else None

    @property
    def environment(self) -> str | None:
        """A custom environment's name; its id where that is all that is told."""
        named = nonblank(self.custom_environment, "slug")
        return named or nonblank(self.custom_environment, "id") or self.custom_environment_id

    @property
    def reason(self) -> str | None:
        """Why it is in the state that it is in, in Vercel's words; of a block by its code."""
        told = self.error_message or self.ready_state_reason
        return told or nonblank(self.seat_block, "blockCode")

    @property
    def made(self) -> JSON:
        """When it was made, by either of the names that this has."""
        told: JSON = self.created_at if self.created_at is not None else self.created
        return told

    @property
    def is_gone(self) -> bool:
        """Deleted and not restored since, though for about 30 days it can be."""
        if self.status == "DELETED":
            return True
        told = (self.deleted_at, self.deleted, self.soft_deleted_by_retention)
        return any(bool(mark) for mark in told) and not self._is_restored

    @property
    def has_aged_out(self) -> bool:
        """Gone because the project keeps none that are so old; nobody deleted it."""
        return self.is_gone and bool(self.soft_deleted_by_retention)

    @property
    def _is_restored(self) -> bool:
        gone = time_if(self.deleted_at) or time_if(self.deleted)
        back = time_if(self.undeleted_at) or time_if(self.undeleted)
        return back is not None and (gone is None or back >= gone)


def seen(raw: Mapping[str, JSON]) -> Seen:
    """A deployment of the API, looked up or listed."""
    told = dict(raw)
    told.setdefault("id", told.get("uid"))
    return read(Seen, told, "deployment")


def time(raw: JSON, path: str) -> datetime:
    """A time in milliseconds since 1970, as Vercel tells them, or in ISO 8601."""
    try:
        if isinstance(raw, str):
            return from_epoch_ms(int(raw)) if _is_number(raw) else parse_time(raw)
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return from_epoch_ms(raw)
    except (ValueError, OverflowError):
        raise BadPayload(path, "not a time") from None
    raise unusable(raw, path, "not a time")


def time_if(raw: JSON) -> datetime | None:
    """The same where nothing depends on it."""
    try:
        return time(raw, "time")
    except BadPayload:
        return None


def _is_number(raw: str) -> bool:
    return raw.isascii() and raw.isdigit() and len(raw) <= 20


_ENVELOPE = "clientId createdAt id ownerId payload region teamId type userId webhookId"
_PAYLOAD = """
    alias deployment deploymentId inspectorUrl links name plan project projectId regions target team
    type url user
"""
_DEPLOYMENT = """
    alias createdAt creator customEnvironmentId errorCode errorMessage errorStep id inspectorUrl
    meta name projectId ready readyState regions state target url
"""

ENVELOPE_FIELDS = frozenset(_ENVELOPE.split())
PAYLOAD_FIELDS = frozenset(_PAYLOAD.split())
DEPLOYMENT_FIELDS = frozenset(_DEPLOYMENT.split())
"""Every field of a deployment's event that we have heard of; another one is drift."""
