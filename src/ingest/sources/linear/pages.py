"""From Linear's further texts to documents: updates, documents, initiatives.

Law: as in `shapes`. The seed has no words for these, so their metadata are members of ours.
Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import Upsert
from ingest.sources.linear.payloads import Child, Document, Initiative, State, Update
from ingest.sources.linear.shapes import (
    Place,
    created,
    keys,
    known,
    paragraphs,
    parent_of,
    state_word,
    version,
    whole_priority,
)
from ingest.sources.linear.types import (
    LinearDocumentDocMetadata,
    LinearInitiativeDocMetadata,
    LinearUpdateDocMetadata,
)

_NOTHING = Child()


def project_update_document(update: Update, place: Place) -> Upsert:
    """An update of a project: its child, titled with the project's name and the day."""
    project = update.project or _NOTHING
    return _update(update, place, "project", update.its_project_id, project)


def initiative_update_document(update: Update, place: Place) -> Upsert:
    """An update of an initiative, in the same form."""
    initiative = update.initiative or _NOTHING
    return _update(update, place, "initiative", update.initiative_id or initiative.id, initiative)


def _update(update: Update, place: Place, on: str, on_id: str | None, child: Child) -> Upsert:
    user, day = update.user, created(update.created_at)
    metadata = LinearUpdateDocMetadata(
        kind="project-update" if on == "project" else "initiative-update",
        id=update.id,
        url=update.url or place.url or f"{child.url or 'https://linear.app'}/updates",
        created_at=update.created_at,
        updated_at=update.updated_at,
        project_id=on_id if on == "project" else None,
        initiative_id=on_id if on == "initiative" else None,
        health=update.health,
        user_id=update.user_id or (user.id if user else None),
        user_name=user.name if user else None,
    )
    return Upsert(
        identity=place.identity(f"{on}_update", update.id),
        version=version(update),
        source_id=update.id,
        title=f"{child.name or on.capitalize()} update {day.date().isoformat()}",
        title_is_made_up=True,
        body=update.body,
        metadata=metadata.told(),
        created_at=day,
        parent=parent_of(place, **{on: on_id}),
    )


def tells_whole_update(update: Update, place: Place) -> bool:
    """Whether a payload tells all that a look-up would: its URL, author, and what it is of."""
    over = update.project or update.initiative
    return bool((update.url or place.url) and over and over.name and update.user)


def document_document(document: Document, place: Place) -> Upsert:
    """A document: a child of its project, its initiative or its issue."""
    initiative, creator = document.initiative, document.creator
    initiative_id = document.initiative_id or (initiative.id if initiative else None)
    project_id, issue_id = document.its_project_id, document.its_issue_id
    slug_id = document.slug_id or document.id
    metadata = LinearDocumentDocMetadata(
        kind="document",
        id=document.id,
        url=document.url or place.url or f"https://linear.app/document/{slug_id}",
        created_at=document.created_at,
        updated_at=document.updated_at,
        project_id=project_id,
        initiative_id=initiative_id,
        issue_id=issue_id,
        user_id=document.creator_id or (creator.id if creator else None),
    )
    return Upsert(
        identity=place.identity("document", document.id),
        version=version(document),
        source_id=document.id,
        title=document.title,
        body=document.content or "",
        metadata=metadata.told(),
        created_at=created(document.created_at),
        parent=parent_of(place, project=project_id, initiative=initiative_id, issue=issue_id),
        aliases=keys([document.slug_id]),
        frontmatter=known(archivedAt=document.archived_at),
    )


def tells_whole_document(document: Document, place: Place) -> bool:
    """Whether a payload tells all that a look-up would; of issues' documents it names no issue."""
    held = document.its_project_id or document.initiative_id
    return bool(held and (document.url or place.url))


def initiative_document(initiative: Initiative, place: Place) -> Upsert:
    """An initiative; its short description stands above its long text, which no payload has."""
    slug_id = initiative.slug_id or initiative.id
    metadata = LinearInitiativeDocMetadata(
        kind="initiative",
        id=initiative.id,
        url=initiative.url or place.url or f"https://linear.app/initiative/{slug_id}",
        created_at=initiative.created_at,
        updated_at=initiative.updated_at,
        state=state_word(State(type=initiative.status)),
        priority=whole_priority(initiative.priority),
        health=initiative.health,
    )
    return Upsert(
        identity=place.identity("initiative", initiative.id),
        version=version(initiative),
        source_id=initiative.id,
        title=initiative.name,
        body=paragraphs(initiative.description, initiative.content),
        metadata=metadata.told(),
        created_at=created(initiative.created_at),
        aliases=keys([initiative.slug_id]),
        frontmatter=known(
            state=initiative.status,
            targetDate=initiative.target_date,
            archivedAt=initiative.archived_at,
        ),
    )
