"""From one of Linear's objects to the document that it is: an issue, a comment, a project.

Law: a document is a pure function of the object and its URL, never of the event or the delivery
that carried it, so the same object gives the same document by whatever road it comes.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.core.changes import Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.references import Reference
from ingest.core.slugs import bounded_key
from ingest.core.times import parse_time, to_micros
from ingest.core.values import JSON
from ingest.sources.linear.keys import comment_url, commented_key, identifier_of, issue_url
from ingest.sources.linear.payloads import (
    Comment,
    CommentContainer,
    Entity,
    Issue,
    Named,
    Project,
    State,
)
from ingest.sources.linear.types import LinearDocMetadata

_COMMENT_OVERLAP = 25

# schema.graphql, `WorkflowState.type` and `ProjectStatusType`, in the seed's four words. A project
# that is paused was begun and is not over.
_STATES: Mapping[str, str] = {
    "triage": "todo",
    "backlog": "todo",
    "unstarted": "todo",
    "planned": "todo",
    "started": "in-progress",
    "paused": "in-progress",
    "completed": "done",
    "canceled": "canceled",
    "duplicate": "canceled",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands: its organization, and the URL that the envelope gives it."""

    organization: str
    url: str | None = None

    def identity(self, kind: str, id_: str) -> Identity:
        return Identity("linear", self.organization, kind, id_)


def issue_document(issue: Issue, place: Place) -> Upsert:
    """An issue; a sub-issue is related to its parent and lives without it, as in Linear."""
    identifier = identifier_of(issue, place.url)
    team, assignee = issue.team, issue.assignee
    team_id = issue.team_id or (team.id if team else None)
    metadata = LinearDocMetadata(
        kind="issue",
        id=issue.id,
        url=issue.url or place.url or issue_url(identifier),
        created_at=issue.created_at,
        updated_at=issue.updated_at,
        identifier=identifier,
        team_id=team_id,
        team_key=(team.key if team else None) or identifier.rpartition("-")[0],
        project_id=issue.its_project_id,
        state=_state(issue.state),
        priority=_priority(issue.priority),
        labels=_names(issue.labels),
        assignee_id=issue.assignee_id or (assignee.id if assignee else None),
    )
    return Upsert(
        identity=place.identity("issue", issue.id),
        version=version(issue),
        source_id=bounded_key(identifier),
        title=issue.title,
        body=issue.description or "",
        metadata=metadata.told(),
        created_at=_time(issue.created_at, "data.createdAt"),
        aliases=keys(issue.previous_identifiers),
        frontmatter=_known(
            state=issue.state.name if issue.state else None,
            dueDate=issue.due_date,
            archivedAt=issue.archived_at,
            parentId=issue.parent_id,
        ),
        references=_sub_issue_of(issue),
        links=issue.attached_urls,
        labels=frozenset({team_id}) if team_id else None,
    )


def comment_document(comment: Comment, place: Place) -> Upsert:
    """A comment, child of the comment, issue or project that it is written on."""
    issue, user = comment.issue, comment.user
    issue_id = comment.its_issue_id
    on_issue = commented_key(comment, place.url)
    metadata = LinearDocMetadata(
        kind="comment",
        id=comment.id,
        url=comment.url or place.url or comment_url(comment, on_issue),
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        issue_id=issue_id,
        issue_identifier=on_issue,
        user_id=comment.user_id or (user.id if user else None),
        user_name=_author(comment),
    )
    project_id, project_name = _commented_project(comment)
    on = on_issue or (issue.title if issue else None) or project_name
    team_id = (issue.team_id or (issue.team.id if issue.team else None)) if issue else None
    return Upsert(
        identity=place.identity("comment", comment.id),
        version=version(comment),
        source_id=comment.id,
        title=f"Comment on {on}" if on else "Comment",
        body=comment.body,
        metadata=metadata.told(),
        created_at=_time(comment.created_at, "data.createdAt"),
        parent=_parent(place, comment=comment.parent_id, issue=issue_id, project=project_id),
        labels=frozenset({team_id}) if team_id else None,
        chunk_overlap=_COMMENT_OVERLAP,
    )


def project_document(project: Project, place: Place) -> Upsert:
    """A project; its short description stands above its long text."""
    # Since statuses came (2024) a project has `status`; before, `state` was the bare type.
    status = project.status or project.state
    status = State(name=status, type=status) if isinstance(status, str) else status
    slug_id = project.slug_id or project.id
    metadata = LinearDocMetadata(
        kind="project",
        id=project.id,
        url=project.url or place.url or f"https://linear.app/project/{slug_id}",
        created_at=project.created_at,
        updated_at=project.updated_at,
        state=_state(status),
        priority=_priority(project.priority),
    )
    return Upsert(
        identity=place.identity("project", project.id),
        version=version(project),
        source_id=project.id,
        title=project.name,
        body="\n\n".join(filter(None, (project.description, project.content))),
        metadata=metadata.told(),
        created_at=_time(project.created_at, "data.createdAt"),
        aliases=keys([project.slug_id] if project.slug_id else None),
        frontmatter=_known(
            state=status.name if status else None,
            health=project.health,
            startDate=project.start_date,
            targetDate=project.target_date,
            archivedAt=project.archived_at,
        ),
        labels=frozenset(project.team_ids) if project.team_ids is not None else None,
    )


def version(entity: Entity) -> int:
    """The object's own `updatedAt`, in microseconds since the epoch."""
    micros = to_micros(_time(entity.updated_at, "data.updatedAt"))
    if micros < 0:
        raise BadPayload("data.updatedAt", "a time before 1970 cannot be a version")
    return micros


def keys(told: Iterable[str] | None) -> tuple[str, ...]:
    """Former and further keys of an object, as aliases."""
    return tuple(bounded_key(key) for key in told or () if key)


def _time(text: str, path: str) -> datetime:
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise BadPayload(path, "not an ISO 8601 time") from None


def _commented_project(comment: Comment) -> tuple[str | None, str | None]:
    """The project that a comment is on, also through a project update or a document of it."""
    direct = CommentContainer(project=comment.project)
    for on in (direct, comment.project_update, comment.document_content):
        if on and on.project:
            return on.project.id or comment.project_id, on.project.name
    return comment.project_id, None


def _parent(place: Place, **ids: str | None) -> Identity | None:
    """The first of the kinds that is told, in the order given."""
    return next((place.identity(kind, id_) for kind, id_ in ids.items() if id_), None)


def _sub_issue_of(issue: Issue) -> tuple[Reference, ...]:
    key = issue.parent.identifier if issue.parent else None
    if not key:
        return ()
    return (Reference("relatedTo", "linear", bounded_key(key), "field", "parent"),)


def _author(comment: Comment) -> str | None:
    bot = comment.bot_actor if isinstance(comment.bot_actor, Named) else None
    people = (comment.user, comment.external_user, bot)
    return next((person.name for person in people if person and person.name), None)


def _state(state: State | None) -> str | None:
    return _STATES.get(state.type) if state and state.type else None


def _priority(told: float | None) -> int | None:
    """0 none, 1 urgent to 4 low: whole, though the schema says Float; else none was told."""
    return int(told) if told is not None and 0 <= told <= 4 else None


def _names(labels: list[Named] | None) -> list[str] | None:
    return None if labels is None else sorted({label.name for label in labels if label.name})


def _known(**fields: JSON) -> dict[str, JSON] | None:
    return {name: value for name, value in fields.items() if value} or None
