"""Vercel's JSON as Vercel spells it: the envelope of a webhook, and a deployment of the API.

Law: required is only what no document can do without; whatever else is there in a form that we do
not know says nothing. Sources: vercel.com/docs/webhooks/webhooks-api, the names of before 2023
included, and the models of npm `@vercel/sdk`. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ingest.core.canonical import clean
from ingest.core.errors import BadPayload
from ingest.core.times import from_epoch_ms, parse_time
from ingest.core.values import JSON

Id = Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f]+$", max_length=255)]
"""`dpl_…` today, other texts in the past: any printable text without blanks."""


def text(raw: object) -> str | None:
    """A text out of a field that nothing depends on; whatever is no text says nothing."""
    return clean(raw) if isinstance(raw, str) and raw.strip() else None


def fields(raw: object) -> Mapping[str, JSON]:
    """An object's fields; whatever is no object has none."""
    return raw if isinstance(raw, Mapping) else {}


Word = Annotated[str | None, BeforeValidator(text)]
"""A text that may be absent, null or something else."""
Fields = Annotated[dict[str, Any], BeforeValidator(lambda raw: dict(fields(raw)))]
"""An object that may be absent, null or something else."""


class _Payload(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True, extra="ignore"
    )


class Deployment(_Payload):
    """A deployment as a webhook carries it: without a state, as a rule, and without errors."""

    id: Id
    url: Word = None
    name: Word = None
    meta: Fields = {}
    target: Word = None
    inspector_url: Word = None
    ready_state: Word = None
    error_code: Word = None
    error_message: Word = None
    error_step: Word = None
    created_at: Any = None


class Told(_Payload):
    """What a delivery tells; `name`, `url` and `deploymentId` are those of the older events."""

    deployment: Deployment | None = None
    deployment_id: Word = None
    links: Fields = {}
    name: Word = None
    url: Word = None
    target: Word = None
    project: Any = None
    project_id: Word = None
    team: Fields = {}


class Seen(Deployment):
    """`GET /v13/deployments/{id}`, and an item of the list, which calls the id `uid`."""

    created: Any = None
    ready: Any = None
    state: Word = None
    git_source: Fields = {}
    custom_environment: Fields = {}
    project: Fields = {}
    project_id: Word = None
    deleted_at: Any = None
    deleted: Any = None
    soft_deleted_by_retention: Any = None

    @property
    def is_gone(self) -> bool:
        """Deleted, though for about 30 days it can be restored."""
        told = (self.deleted_at, self.deleted, self.soft_deleted_by_retention)
        return self.ready_state == "DELETED" or any(bool(mark) for mark in told)


P = TypeVar("P", bound=_Payload)


def read(model: type[P], raw: object, path: str) -> P:
    """The object at `path`; raises `BadPayload` with the first field that is missing or wrong."""
    if raw is None:
        raise BadPayload(path, "missing")
    try:
        return model.model_validate(dict(raw) if isinstance(raw, Mapping) else raw)
    except ValidationError as error:
        raise _bad_payload(error, path) from error


def seen(raw: object) -> Seen:
    """A deployment of the API, looked up or listed."""
    told = dict(fields(raw))
    told.setdefault("id", told.get("uid"))
    return read(Seen, told, "deployment")


def time(raw: object, path: str) -> datetime:
    """A time in milliseconds since 1970, as Vercel tells them, or in ISO 8601."""
    if raw is None:
        raise BadPayload(path, "missing")
    try:
        if isinstance(raw, str):
            return from_epoch_ms(int(raw)) if _is_number(raw) else parse_time(raw)
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return from_epoch_ms(raw)
    except (ValueError, OverflowError):
        raise BadPayload(path, "not a time") from None
    raise BadPayload(path, "not a time")


def time_if(raw: object) -> datetime | None:
    """The same where nothing depends on it."""
    try:
        return time(raw, "time")
    except BadPayload:
        return None


def _is_number(raw: str) -> bool:
    return raw.isascii() and raw.isdigit() and len(raw) <= 20


def _bad_payload(error: ValidationError, path: str) -> BadPayload:
    first: dict[str, Any] = dict(error.errors(include_url=False, include_context=False)[0])
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    if first["type"] == "missing" or first["input"] is None:
        return BadPayload(path, "missing")
    return BadPayload(path, str(first["msg"]).lower())


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
