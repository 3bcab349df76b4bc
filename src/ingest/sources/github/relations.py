"""Relations between issues, which GitHub tells by events of their own: look-ups of both sides.

Law: the events hold the issues as they were, not what relates them; so nothing is told. An issue
of another repository is that repository's connection's to look up. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.errors import BadPayload
from ingest.sources.contract import Message
from ingest.sources.github.envelopes import Dependency, Elsewhere, Related, SubIssue
from ingest.sources.github.outcomes import Outcome, Skipped, ask
from ingest.sources.github.payloads import read
from ingest.sources.github.places import place_of

_ABROAD = "a relation between issues of other repositories"


def dependency(message: Message) -> Outcome:
    """`issue_dependencies`: one issue blocks another."""
    told = read(Dependency, message.payload)
    return _both(
        message,
        told,
        (told.blocked_issue, told.blocked_issue_repo),
        (told.blocking_issue, told.blocking_issue_repo),
    )


def sub_issue(message: Message) -> Outcome:
    """`sub_issues`: one issue is a part of another."""
    told = read(SubIssue, message.payload)
    return _both(
        message,
        told,
        (told.sub_issue, told.sub_issue_repo),
        (told.parent_issue, told.parent_issue_repo),
    )


def _both(
    message: Message,
    told: Dependency | SubIssue,
    *sides: tuple[Related | None, Elsewhere | None],
) -> Outcome:
    """[WH-OAS] The repository is named beside an issue where it is another's."""
    here = told.repository
    issues = [issue for issue, _ in sides if issue is not None]
    if not issues:
        raise BadPayload("issue", "required and missing, and so is the other one")
    place = place_of(message, here.full_name)
    numbers = {
        issue.number
        for issue, where in sides
        if issue is not None and _is_here(issue, where, here.full_name, here.id)
    }
    if not numbers:
        return Skipped(_ABROAD)
    return tuple(ask(place.identity("issue", number)) for number in sorted(numbers))


def _is_here(issue: Related, where: Elsewhere | None, name: str, id_: int | None) -> bool:
    if where is not None and where.id is not None and id_ is not None:
        return where.id == id_
    if issue.repository_url:
        return issue.repository_url.lower().endswith(f"/repos/{name.lower()}")
    return where is None
