"""In which teams an object is: what a connection that is narrowed to some of them has to know.

What it is told by: an issue's own team; of what is written on something the teams of that; of an
initiative those of its projects. None: that is not told, so that somebody has to be asked. An empty
set: it is in no team, and so in none that a connection is narrowed to. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest.sources.linear.payloads import (
    Child,
    Comment,
    Document,
    Initiative,
    IssueChild,
    Project,
    Projects,
    Teams,
    Update,
)

Labels = frozenset[str] | None


def of_issue(issue: IssueChild | None) -> Labels:
    """That of an issue, as others embed it."""
    if issue is None:
        return None
    id_ = issue.team_id or (issue.team.id if issue.team else None)
    return frozenset({id_}) if id_ else None


def of_project(project: Project) -> Labels:
    """The ids in payloads, the teams in the API's answers."""
    if project.team_ids is not None:
        return frozenset(project.team_ids)
    return _told(project.teams)


def of_update(update: Update) -> Labels:
    """Those of what it reports on."""
    return _of_child(update.project) if update.project else _of_initiative(update.initiative)


def of_initiative(initiative: Initiative) -> Labels:
    """Those of its projects; payloads tell none of them."""
    return _united(initiative.projects)


def of_document(document: Document) -> Labels:
    """Those of what it stands in; a payload tells of that no more than an id.

    In the API's answers all of that is there, if only as null: then it stands in no team.
    """
    return _of_page(document, is_whole="team" in document.model_fields_set)


def of_comment(comment: Comment) -> Labels:
    """Those of what it is written on."""
    if comment.its_issue is not None:
        return of_issue(comment.its_issue)
    for update in (comment.project_update, comment.initiative_update):
        if update is not None:
            project = update.project
            return _of_child(project) if project else _of_initiative(update.initiative)
    content = comment.document_content
    if content is not None and content.document is not None:
        return _of_page(content.document, is_whole="team" in content.document.model_fields_set)
    project = comment.project or (content.project if content else None)
    if project is not None:
        return _of_child(project)
    return _of_initiative(comment.initiative or (content.initiative if content else None))


def _of_page(page: Document | Child, *, is_whole: bool) -> Labels:
    if page.team is not None and page.team.id:
        return frozenset({page.team.id})
    if page.issue is not None:
        return of_issue(page.issue)
    if page.cycle is not None:
        return frozenset({page.cycle.team.id}) if page.cycle.team and page.cycle.team.id else None
    if page.project is not None:
        return _of_child(page.project)
    if page.initiative is not None:
        return _of_initiative(page.initiative)
    if page.parent_document is not None:
        above = page.parent_document
        return _of_page(above, is_whole="team" in above.model_fields_set)
    return frozenset() if is_whole else None


def _of_child(project: Child | None) -> Labels:
    return _told(project.teams) if project is not None else None


def _of_initiative(initiative: Child | None) -> Labels:
    return _united(initiative.projects) if initiative is not None else None


def _told(teams: Teams | None) -> Labels:
    """Those that are listed; where none of them is and there are more, nobody knows."""
    if teams is None:
        return None
    found = frozenset(team.id for team in teams.nodes if team.id)
    return None if teams.goes_on and not found else found


def _united(projects: Projects | None) -> Labels:
    if projects is None:
        return None
    told = [_told(project.teams) for project in projects.nodes]
    found = frozenset[str]().union(*_known(told))
    is_all = not projects.goes_on and None not in told
    return found if found or is_all else None


def _known(told: Iterable[Labels]) -> Iterable[frozenset[str]]:
    return (one for one in told if one is not None)
