"""One page of any of GitHub's lists: whose it is, and what it means that there is none.

Law: an empty list says nothing unless the repository is readable. What the token may not list, or
the repository has switched off, ends that list with a gap and no other one; only a token that is
not known, or a repository that it does not see, is refused. A link or a cursor that GitHub does not
take any more begins the list anew, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.forms import DIGITS, needed
from ingest.sources.github import list_ascending, list_descending, list_threads
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.listing import branch_identity, files
from ingest.sources.listing import Page, PageRequest
from ingest.sources.wire import at, text

_PROVEN_FOR = timedelta(minutes=1)
"""How long a repository counts as readable, for a list that begins: several begin together."""
_LISTS: Mapping[str, Callable[[GitHubApi, Repository, PageRequest], Page]] = {
    "issues": list_ascending.issues,
    "pulls": list_descending.pulls,
    "comments": list_ascending.comments,
    "reviews": list_threads.reviews,
    "review-comments": list_ascending.review_comments,
    "discussions": list_threads.discussions,
    "discussion-comments": list_threads.discussion_comments,
    "releases": list_descending.releases,
}


def list_page(api: GitHubApi, request: PageRequest) -> Page:
    """One page; raises what a client raises, and `PermanentError` for a list that is none."""
    scope = needed(api.access.metadata, "githubRepoId", DIGITS)
    repository = api.repository(scope, within=_PROVEN_FOR)
    if request.resource == "files":
        return files(
            branch_identity(api.access.metadata, scope, repository.default_branch), request
        )
    ask = _LISTS.get(request.resource)
    if ask is None:
        raise PermanentError(f"GitHub has no list of {request.resource[:40]!r}")
    inner, is_again = at(request.cursor, "at"), at(request.cursor, "again") is True
    try:
        page = ask(api, repository, replace(request, cursor=inner))
    except (Absent, Refused) as error:
        return _ended(api, repository, request, error)
    except PermanentError as error:
        if isinstance(error, BadPayload) or inner is None or is_again:
            raise
        return Page(cursor={"at": _restarted(inner), "again": True})
    if request.cursor is None and not (page.listed or page.present):
        api.repository(scope, fresh=request.since is None, within=_PROVEN_FOR)
    if page.cursor is None:
        return page
    return replace(page, cursor={"at": page.cursor, "again": is_again})


def _ended(
    api: GitHubApi, repository: Repository, request: PageRequest, error: Absent | Refused
) -> Page:
    """This list alone cannot be had; raises `Refused` where it is the token, or the repository."""
    if isinstance(error, Refused) and error.stale:
        raise error
    api.repository(repository.id, fresh=True)
    what = request.resource.replace("-", " ")
    return Page(gap=f"no {what} of {repository.full_name} can be listed: {error}")


def _restarted(inner: JSON) -> JSON:
    """Where a list begins anew: at the time that it had come to, if it goes by time."""
    since = text(inner, "since")
    return None if since is None else {"since": since}
