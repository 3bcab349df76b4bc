"""What proves that a body is of the kind that its header says: the header itself nobody signs.

Law: a genuine body that is sent once more under another event's name means nothing. For each event
that changes something, the body must hold what the event is about, and nothing that others are
about. Fields that no schema knows prove nothing either way. [WH-OAS] Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.errors import BadPayload
from ingest.sources.contract import Payload


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SUBJECTS = _words(
    """account alert blocked_issue blocked_user blocking_issue build cache_location check_run
    check_suite client_payload comment commits content_reference definition deployment
    deployment_callback_url deployment_status discussion forkee head_commit hook inputs invitation
    issue key label location marketplace_purchase master_branch member membership merge_group
    milestone new_property_values package pages parent_issue project project_card project_column
    projects_v2 projects_v2_item pull_request pusher ref ref_type registry_package related_issue
    release repositories repositories_added repositories_removed repository_ruleset review rule
    security_advisory sponsorship starred_at state status sub_issue team thread user workflow
    workflow_job workflow_job_run workflow_run zen"""
)
"""What a delivery can be about, over all events; `sender`, `repository` and their like are not."""

_ABOUT: Mapping[str, frozenset[str]] = {
    "delete": frozenset({"ref", "ref_type"}),
    "discussion": frozenset({"discussion"}),
    "discussion_comment": frozenset({"discussion", "comment"}),
    "issue_comment": frozenset({"issue", "comment"}),
    "issues": frozenset({"issue"}),
    "pull_request": frozenset({"pull_request"}),
    "pull_request_review": frozenset({"pull_request", "review"}),
    "pull_request_review_comment": frozenset({"pull_request", "comment"}),
    "push": frozenset({"ref"}),
    "release": frozenset({"release"}),
    "repository": frozenset(),
}
"""The events that are about one thing: all of it must be there."""

_ABOUT_EITHER: Mapping[str, frozenset[str]] = {
    "issue_dependencies": frozenset({"blocked_issue", "blocking_issue"}),
    "issue_relates_to": frozenset({"issue", "related_issue"}),
    "sub_issues": frozenset({"sub_issue", "parent_issue"}),
}
"""The events that relate two things, of which GitHub may show but one."""

_BESIDE: Mapping[str, frozenset[str]] = {
    "discussion": frozenset({"label"}),
    "issues": frozenset({"label", "milestone", "status"}),
    "pull_request": frozenset({"label", "milestone"}),
    "push": frozenset({"commits", "head_commit", "pusher"}),
}
"""What others are about, and stands in these all the same: the label that was set."""


def require(event: str, payload: Payload) -> None:
    """Raise `BadPayload` unless the body can be one of this event; others are not judged."""
    either = _ABOUT_EITHER.get(event)
    about = either or _ABOUT.get(event)
    if about is None:
        return
    there = SUBJECTS & payload.keys()
    missing = sorted(name for name in {"repository", *about} if payload.get(name) is None)
    if either and there & either:
        missing = [name for name in missing if name not in either]
    if missing:
        raise BadPayload(missing[0], f"is missing, and the header says {event}")
    foreign = sorted(there - about - _BESIDE.get(event, frozenset()))
    if foreign:
        raise BadPayload(foreign[0], f"has no place in {event}, which the header says it is")
