"""What proves that a body is of the resource that its header says: the header itself nobody signs.

Law: a genuine body that is sent once more under another resource's name means nothing. For each
resource that changes something, `data` must hold what it is about, and nothing that others are
about. docs.sentry.io, "Webhooks". Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.errors import BadPayload
from ingest.core.values import JSON

_SUBJECTS = frozenset(
    {
        "comment",
        "comment_id",
        "error",
        "event",
        "installation",
        "issue",
        "metric_alert",
        "run_id",
        "sentry_run_id",
    }
)
_COMMENT = frozenset({"comment", "comment_id"})
_OCCURRED = frozenset({"error", "event"})
_ISSUE = frozenset({"issue"})

_ABOUT: Mapping[str, frozenset[str]] = {
    "activity_alert": _ISSUE,
    "comment": _COMMENT,
    "error": _OCCURRED,
    "event_alert": _OCCURRED | _ISSUE,
    "installation": frozenset({"installation"}),
    "issue": _ISSUE,
}
"""Of each resource one of these must be there: they are spelled in more ways than one."""

_MAY_BE_SILENT = frozenset({"activity_alert"})
"""Of these it may be missing, and then they mean nothing."""

_BESIDE: Mapping[str, frozenset[str]] = {
    "comment": _ISSUE,
    "error": _ISSUE,
}
"""What others are about, and stands in these all the same: whose comment or event it is."""


def require(resource: str, data: Mapping[str, JSON]) -> None:
    """Raise `BadPayload` unless the body can be one of this resource; others are not judged."""
    about = _ABOUT.get(resource)
    if about is None:
        return
    there = {name for name in _SUBJECTS & data.keys() if data[name] is not None}
    if not there & about and resource not in _MAY_BE_SILENT:
        raise BadPayload(f"data.{min(about)}", f"missing, and the header says {resource}")
    foreign = there - about - _BESIDE.get(resource, frozenset())
    if foreign:
        problem = f"has no place in {resource}, which the header says it is"
        raise BadPayload(f"data.{min(foreign)}", problem)
