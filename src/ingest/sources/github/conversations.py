"""Issues and pull requests as documents: one mapping, whoever tells of them.

Law: an `Upsert` is a function of the object and the repository's name alone, so that every telling
of one state is the same document; only `priority` and `aliases` may come from elsewhere. Fields
that move without `updated_at` (counts, reactions, mergeability) are left out. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ingest.core.changes import UPSERT_PRIORITY, Upsert
from ingest.core.references import Reference
from ingest.core.times import iso, to_micros
from ingest.core.values import JSON
from ingest.sources.github.payloads import Branch, Fork, Issue, PullRequest
from ingest.sources.github.places import Place, in_order, login, present, told, wire

_NOWHERE = Branch()
_NO_FORK = Fork()
_API_ISSUE = re.compile(r"/repos/([^/\s]{1,100}/[^/\s]{1,100})/issues/([1-9][0-9]{0,18})\Z")


def issue(
    place: Place,
    of: Issue,
    *,
    blocked_by: tuple[str, ...] = (),
    priority: int = UPSERT_PRIORITY,
    aliases: tuple[str, ...] = (),
) -> Upsert:
    """An issue; bare `#12` in its text is the issue's own repository.

    `blocked_by` are the keys of issues that block it, which only a look-up can tell.
    """
    special: dict[str, JSON] = {
        "stateReason": of.state_reason,
        "issueType": of.type.name if of.type else None,
    }
    blocking = {place.reference("blockedBy", key, "blocked_by") for key in blocked_by}
    return _conversation(
        place,
        of,
        kind="issue",
        special=special,
        references=(
            *_sub_issue_of(place, of),
            *sorted(blocking, key=lambda reference: reference.key),
        ),
        priority=priority,
        aliases=aliases,
    )


def pull_request(place: Place, of: PullRequest, *, priority: int = UPSERT_PRIORITY) -> Upsert:
    """A pull request. Listings lack `merged`, so `merged_at` decides; `draft` is absent from old
    ones. `merge_commit_sha` names a passing trial merge until the pull request is merged; then it
    is the commit that the pull request became, and whoever names that means it.
    """
    head, base = of.head or _NOWHERE, of.base or _NOWHERE
    commit = of.merge_commit_sha if of.merged_at else None
    special: dict[str, JSON] = {
        "draft": bool(of.draft),
        "merged": of.merged_at is not None,
        "mergedAt": told(of.merged_at),
        "mergeCommitSha": commit,
        "headRef": head.ref,
        "headSha": head.sha,
        "headRepoFullName": (head.repo or _NO_FORK).full_name,
        "baseRef": base.ref,
    }
    made = _conversation(
        place,
        of,
        kind="pull_request",
        special=special,
        temporal={"commitSha": commit} if commit else {},
        priority=priority,
        aliases=(place.commit_key(commit),) if commit else (),
    )
    return replace(made, branch=head.ref or None)


def _sub_issue_of(place: Place, of: Issue) -> tuple[Reference, ...]:
    """A sub-issue is related to its parent, which may be in another repository."""
    named = _API_ISSUE.search(of.parent_issue_url or "")
    if named is None:
        return ()
    return (place.reference("relatedTo", f"{named[1]}#{named[2]}", "parent_issue_url"),)


def _conversation(
    place: Place,
    of: Issue | PullRequest,
    *,
    kind: str,
    special: dict[str, JSON],
    priority: int,
    references: tuple[Reference, ...] = (),
    aliases: tuple[str, ...] = (),
    temporal: Mapping[str, str] | None = None,
) -> Upsert:
    metadata: dict[str, JSON] = {
        "type": "github",
        "kind": wire(kind),
        "repoFullName": place.repository,
        "number": of.number,
        "title": of.title,
        "state": of.state,
        "url": of.html_url,
        "author": login(of.user),
        "labels": None if of.labels is None else in_order(n.name for n in of.labels if n),
        "assignees": None if of.assignees is None else in_order(u.login for u in of.assignees if u),
        "milestone": of.milestone.title if of.milestone else None,
        "createdAt": told(of.created_at),
        "updatedAt": iso(of.updated_at),
        "closedAt": told(of.closed_at),
    }
    return Upsert(
        identity=place.identity(kind, of.number),
        version=to_micros(of.updated_at),
        source_id=place.key(of.number),
        title=of.title,
        body=of.body or "",
        metadata=present(metadata | special),
        created_at=of.created_at,
        aliases=aliases,
        references=references,
        home=place.repository,
        home_scope=place.scope,
        priority=priority,
        temporal=temporal or {},
    )
