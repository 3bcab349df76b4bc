"""From one of Linear's objects to the document that it is: an issue, a project.

Law: as in `shapes`, a pure function of the object and its URL. Comments are in `comments`, the
other texts in `pages`. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import Upsert
from ingest.core.slugs import bounded_key
from ingest.sources.linear import teams
from ingest.sources.linear.keys import identifier_of, issue_url
from ingest.sources.linear.payloads import Issue, Named, Project, State
from ingest.sources.linear.relations import references
from ingest.sources.linear.shapes import (
    Place,
    created,
    keys,
    known,
    named_keys,
    paragraphs,
    state_word,
    version,
    whole_priority,
)
from ingest.sources.linear.types import LinearDocMetadata


def issue_document(issue: Issue, place: Place) -> Upsert:
    """An issue; a sub-issue is related to its parent and lives without it, as in Linear."""
    identifier = identifier_of(issue, place.url)
    team, assignee, team_id = issue.team, issue.assignee, issue.its_team_id
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
        state=state_word(issue.state),
        priority=whole_priority(issue.priority),
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
        created_at=created(issue.created_at),
        aliases=(*keys(issue.previous_identifiers), issue.id),
        frontmatter=known(
            state=issue.state.name if issue.state else None,
            dueDate=issue.due_date,
            archivedAt=issue.archived_at,
            parentId=issue.parent_id or (issue.parent.id if issue.parent else None),
        ),
        references=references(issue, identifier, place),
        links=issue.attached_urls,
        labels=frozenset({team_id}) if team_id else None,
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
        identifier=project.identifier,
        state=state_word(status),
        priority=whole_priority(project.priority),
    )
    return Upsert(
        identity=place.identity("project", project.id),
        version=version(project),
        source_id=project.id,
        title=project.name,
        body=paragraphs(project.description, project.content),
        metadata=metadata.told(),
        created_at=created(project.created_at),
        aliases=named_keys(project, project.slug_id, project.identifier),
        frontmatter=known(
            state=status.name if status else None,
            health=project.health,
            startDate=project.start_date,
            targetDate=project.target_date,
            archivedAt=project.archived_at,
        ),
        labels=teams.of_project(project),
    )


def tells_whole_project(project: Project, place: Place) -> bool:
    """Whether a payload tells all that a look-up would; those before 2024 have no status."""
    status = project.status
    told = (project.url or place.url, status and status.name, status and status.type)
    return all(told) and teams.of_project(project) is not None


def _names(labels: list[Named] | None) -> list[str] | None:
    return None if labels is None else sorted({label.name for label in labels if label.name})
