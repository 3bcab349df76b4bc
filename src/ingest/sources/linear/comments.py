"""From a comment to its document: the child of what it is written on.

A comment can be on an issue, a project, an initiative, an update of either, or a document; payloads
tell of some of these only the id, the API tells all. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ingest.core.changes import Upsert
from ingest.sources.linear import teams
from ingest.sources.linear.keys import comment_url, commented_key
from ingest.sources.linear.payloads import Child, Comment, Content, IssueChild, Named
from ingest.sources.linear.shapes import Place, created, version
from ingest.sources.linear.types import LinearDocMetadata

ANSWERS = frozenset({("comment", "comment")})
"""Whether Linear takes the replies along with a comment is not documented: each that it destroys
tells its own removal, and a full run asks for those that are not listed any more.
"""
OVERLAP = 25
_NOTHING, _NO_CONTENT = Child(), Content()

_Told = tuple[str, str | None, str | None, str | None]
"""Kind, id, name and URL of what a comment may be on."""


@dataclass(frozen=True, slots=True)
class _On:
    """What a comment is written on: kind and id, and what people call it."""

    kind: str
    id: str
    name: str | None
    url: str | None = None
    stand_in: str | None = None

    @property
    def title(self) -> str | None:
        """Its name; an issue's own title where even the key is not told."""
        return self.name or self.stand_in


def comment_document(comment: Comment, place: Place) -> Upsert:
    """A comment, child of the comment that it answers, else of what it is written on; it goes with
    the latter alone.
    """
    on, user, team_id = _on(comment, place), comment.user, _team_id(comment)
    issue_key = commented_key(comment, place.url)
    page = comment_url(comment, on.url if on else None, issue_key)
    metadata = LinearDocMetadata(
        kind="comment",
        id=comment.id,
        url=comment.url or place.url or page,
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        team_id=team_id,
        issue_id=on.id if on and on.kind == "issue" else None,
        issue_identifier=issue_key,
        user_id=comment.user_id or (user.id if user else None),
        user_name=_author(comment),
    )
    title = on.title if on else None
    whole = Upsert(
        identity=place.identity("comment", comment.id),
        version=version(comment),
        source_id=comment.id,
        title=f"Comment on {title}" if title else "Comment",
        title_is_made_up=True,
        body=comment.body,
        metadata=metadata.told(),
        created_at=created(comment.created_at),
        parent=place.identity(on.kind, on.id) if on else None,
        labels=teams.of_comment(comment),
        chunk_overlap=OVERLAP,
    )
    return _answering(whole, comment, place)


def tells_whole_comment(comment: Comment, place: Place) -> bool:
    """Whether a payload tells all that a look-up would: its URL, its author, what it is on."""
    on = _on(comment, place)
    people = (comment.user_id, comment.user, comment.external_user_id, comment.external_user)
    signed = _author(comment) is not None or not any((*people, comment.bot_actor))
    if on is None:
        placed = comment.document_content_id is None
    else:
        placed = on.name is not None and (on.kind != "issue" or _team_id(comment) is not None)
    return bool(comment.url or place.url) and signed and placed


def _answering(whole: Upsert, comment: Comment, place: Place) -> Upsert:
    """The comment below the one that it answers, if it does."""
    answered = comment.parent_id or (comment.parent.id if comment.parent else None)
    if not answered:
        return whole
    parent = place.identity("comment", answered)
    return replace(whole, parent=parent, answers=True, lives_in=whole.parent)


def _on(comment: Comment, place: Place) -> _On | None:
    """The first that is told; an issue before all."""
    issue = comment.its_issue or IssueChild()
    issue_id = comment.issue_id or issue.id
    if issue_id:
        return _On("issue", issue_id, commented_key(comment, place.url), issue.url, issue.title)
    told = (*_reports(comment), *_pages(comment))
    return next((_On(kind, id_, name, url) for kind, id_, name, url in told if id_), None)


def _reports(comment: Comment) -> Iterator[_Told]:
    """Updates, which are called by the name of what they are of."""
    update, report = comment.project_update or _NOTHING, comment.initiative_update or _NOTHING
    project, initiative = update.project or _NOTHING, report.initiative or _NOTHING
    update_id = comment.project_update_id or update.id
    report_id = comment.initiative_update_id or report.id
    yield "project_update", update_id, project.name, project.url
    yield "initiative_update", report_id, initiative.name, initiative.url


def _pages(comment: Comment) -> Iterator[_Told]:
    """A document's content belongs to the document itself."""
    content = comment.document_content or _NO_CONTENT
    document = content.document or _NOTHING
    project = comment.project or content.project or _NOTHING
    initiative = comment.initiative or content.initiative or _NOTHING
    yield "document", document.id, document.title, document.url
    yield "project", comment.project_id or project.id, project.name, project.url
    yield "initiative", comment.initiative_id or initiative.id, initiative.name, initiative.url


def _team_id(comment: Comment) -> str | None:
    issue = comment.its_issue
    return (issue.team_id or (issue.team.id if issue.team else None)) if issue else None


def _author(comment: Comment) -> str | None:
    bot = comment.bot_actor if isinstance(comment.bot_actor, Named) else None
    people = (comment.user, comment.external_user, bot)
    return next((person.name for person in people if person and person.name), None)
