"""Relations between issues, which GitHub tells by events of their own: look-ups of both sides.

Law: the events hold the issues as they were, not what relates them; so nothing is told. An issue
of another repository is that repository's connection's to look up. Performs no I/O.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ingest.core.changes import Change, Refresh
from ingest.core.errors import BadPayload
from ingest.core.references import Reference
from ingest.core.slugs import bounded_key
from ingest.sources.contract import Message
from ingest.sources.github import conversations
from ingest.sources.github.envelopes import Dependency, Elsewhere, Related, Relates, SubIssue
from ingest.sources.github.outcomes import Outcome, Skipped, ask
from ingest.sources.github.payloads import Issue, read
from ingest.sources.github.places import Place, place_of

_REPOSITORY = re.compile(r"/repos/([^/\s]{1,100}/[^/\s]{1,100})\Z")
_ADDED, _REMOVED = "relates_to_added", "relates_to_removed"
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


def relates_to(message: Message) -> Outcome:
    """`issue_relates_to`: no look-up tells it, so that each issue says it as it is told here, until
    it is told anew.
    """
    told = read(Relates, message.payload)
    if told.action not in (_ADDED, _REMOVED):
        raise BadPayload("action", f"is neither {_ADDED} nor {_REMOVED}, as the header says")
    here = told.repository
    place = place_of(message, here.full_name)
    sides = [one for one in (told.issue, told.related_issue) if one is not None]
    if not sides:
        raise BadPayload("issue", "required and missing, and so is the other one")
    ends = [(read(Related, one, "issue"), one) for one in sides]
    ours = [(end, one) for end, one in ends if _is_here(end, None, here.full_name, here.id)]
    if not ours:
        return Skipped(_ABROAD)
    return tuple(
        _related(place, end, one, [_key(o, here.full_name) for o, _ in ends if o is not end], told)
        for end, one in ours
    )


def _related(
    place: Place, end: Related, issue: dict[str, object], others: list[str], told: Relates
) -> Change | Refresh:
    """The issue with what it has to do with by now; looked up where it is not whole."""
    asked = ask(place.identity("issue", end.number))
    try:
        shown = read(Issue, issue, "issue")
        whole = None if shown.state is None else conversations.issue(place, shown)
    except BadPayload:
        return asked
    if whole is None:
        return asked
    if told.action == _REMOVED:
        return replace(asked, otherwise=(whole,))
    edges = (
        Reference("relatedTo", "github", bounded_key(k), "field", "relates_to") for k in others
    )
    return replace(whole, references=(*whole.references, *edges))


def _key(issue: Related, here: str) -> str:
    """`owner/repo#12`, by its URL where that names another repository."""
    named = _REPOSITORY.search(issue.repository_url or "")
    return f"{named[1] if named else here}#{issue.number}"


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
