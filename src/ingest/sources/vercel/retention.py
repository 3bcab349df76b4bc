"""How long Vercel keeps a deployment: what is older than that and not there was deleted by nobody.

Document: vercel.com/docs/deployment-retention. A project says it in `deploymentExpiration`, and
what it does not say there is Vercel's default of October 2025. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ingest.core.values import JSON
from ingest.sources.vercel.payloads import time_if
from ingest.sources.wire import mapping, nonblank

Hint = dict[str, JSON]

# Days, and the project's field. What is neither canceled, failed nor production is a preview.
_RULES: Mapping[str, tuple[str, float]] = {
    "CANCELED": ("expirationDaysCanceled", 30),
    "ERROR": ("expirationDaysErrored", 90),
    "production": ("expirationDaysProduction", 365),
    "preview": ("expirationDays", 180),
}
_SLACK = timedelta(days=1)
"""A day sooner, as nobody says to the hour when it is removed, nor how long three months are."""


def hint_of(metadata: Mapping[str, JSON]) -> Hint:
    """What a look-up has to know of a document, to say of a deployment that is gone why it is."""
    named = ("createdAt", "status", "environment")
    return {name: metadata[name] for name in named if nonblank(metadata, name)}


def is_past(hint: Mapping[str, JSON], project: Mapping[str, JSON], at: datetime) -> bool:
    """Whether the project does not keep a deployment of that age, kind and state, at that time.

    hint: as `hint_of` makes it; without a time in it nothing is past. project: `GET /v9/projects`.
    """
    made = time_if(hint.get("createdAt"))
    return made is not None and at - made >= _kept_for(hint, project) - _SLACK


def _kept_for(hint: Mapping[str, JSON], project: Mapping[str, JSON]) -> timedelta:
    kind = "production" if hint.get("environment") == "production" else "preview"
    name, usual = _RULES.get(str(hint.get("status")), _RULES[kind])
    told: Any = mapping(project, "deploymentExpiration").get(name)
    is_told = isinstance(told, int | float) and not isinstance(told, bool) and told > 0
    try:
        return timedelta(days=told if is_told else usual)
    except OverflowError:
        return timedelta.max
