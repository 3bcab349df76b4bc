"""The parts of an event ("interfaces", in Sentry's word), wherever and however they are spelled.

Webhooks tell the event as it was stored, flat and in snake_case; the API tells most of its parts as
`entries`, `{type, data}`, and in camelCase. Documents: develop.sentry.dev, "Event Payloads"; the
modules of `interfaces` in getsentry/sentry. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic.alias_generators import to_camel

from ingest.core.values import JSON
from ingest.sources.sentry.payloads import Event
from ingest.sources.wire import items, nonblank, objects

_ENTRIES: Mapping[str, str] = {"logentry": "message", "debug_meta": "debugmeta"}
"""Types of entries that are not called as the part is."""

_OF_OLD: Mapping[str, str] = {
    "csp": "sentry.interfaces.Csp",
    "exception": "sentry.interfaces.Exception",
    "logentry": "sentry.interfaces.Message",
    "request": "sentry.interfaces.Http",
    "stacktrace": "sentry.interfaces.Stacktrace",
    "template": "sentry.interfaces.Template",
}
"""Names that events had before 2018, and that self-hosted ones may have still."""


def part(event: Event, name: str) -> JSON:
    """A part of the event by its name in a webhook; None where it has none."""
    told = _one(event.parts, name)
    if told is None and name in _OF_OLD:
        told = event.parts.get(_OF_OLD[name])
    if told is not None:
        return told
    type_ = _ENTRIES.get(name, name)
    return next(
        (one.get("data") for one in objects(event.entries) if one.get("type") == type_), None
    )


def values(event: Event, name: str) -> list[Mapping[str, JSON]]:
    """The members of a part that is a list of them: `{values: […]}`, or the list alone, or one."""
    told = part(event, name)
    if isinstance(told, Mapping):
        return [*objects(told, "values")] if "values" in told else [told]
    return [*objects(told)]


def field(raw: JSON | Mapping[str, JSON], name: str) -> str | None:
    """A text of an object by its name in snake_case, however it is spelled there."""
    return nonblank(_one(raw, name))


def listed(raw: JSON | Mapping[str, JSON], name: str) -> list[JSON]:
    """The same of a list; an empty one for anything else."""
    return items(_one(raw, name))


def value(raw: JSON | Mapping[str, JSON], name: str) -> JSON:
    """The same of anything."""
    return _one(raw, name)


def _one(raw: JSON | Mapping[str, JSON], name: str) -> JSON:
    if not isinstance(raw, Mapping):
        return None
    told = raw.get(name)
    return raw.get(to_camel(name)) if told is None else told
