"""How GitHub is listed: which lists there are, and what it means not to be in one.

Law: files have no list but their branch, whose look-up is the one path of all of them: it tells
what went, and orders runs and pushes. Whatever a list does not name is looked up before it is taken
for gone: a deletion shifts what stands behind it, so that rows are skipped which are there.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from ingest.core.changes import Refresh
from ingest.core.identity import Identity
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.github.documents import look_up_of
from ingest.sources.github.types import GitHubResyncEventMetadata
from ingest.sources.listing import Listing, Page, PageRequest, Resource, Unlisted
from ingest.sources.wire import text, time_if

WHOLE_EVERY = timedelta(days=30)
"""How long texts that did not change are taken to be applied, before they are read once more."""
_HOUR = 3_600.0

RESOURCES = (
    Resource("files"),
    Resource("issues", frozenset({"issue"})),
    Resource("pulls", frozenset({"pull_request"})),
    Resource("comments", frozenset({"comment"})),
    # Neither an edited review nor an edited comment is known to move what it stands in.
    Resource("reviews", frozenset({"review"}), sweep_s=6 * _HOUR),
    Resource("review-comments", frozenset({"review_comment"})),
    Resource("discussions", frozenset({"discussion"})),
    Resource("discussion-comments", frozenset({"discussion_comment"}), sweep_s=6 * _HOUR),
    # They have no time of change to be listed by.
    Resource("releases", frozenset({"release"}), narrows=False, sweep_s=_HOUR),
)


def files(branch: Identity, request: PageRequest) -> Page:
    """The look-up of the branch. A full listing has its tree compared; the first one, and one after
    another month, has every text read once more: the state of a branch says what was applied, and
    not what became of it. `kept` says when that was.
    """
    if request.since is not None:
        return Page(wanted=(Refresh(branch),), kept=request.kept)
    last = time_if(text({"at": request.kept}, "at"))
    is_due = last is None or request.sent_at - last >= WHOLE_EVERY
    hint: dict[str, JSON] = {"full": iso(request.sent_at)} | ({"whole": True} if is_due else {})
    kept = iso(request.sent_at) if is_due else request.kept
    return Page(wanted=(Refresh(branch, hint),), kept=kept)


def branch_identity(connection: Mapping[str, JSON], scope: str, otherwise: str) -> Identity:
    """What is looked up of files: one and the same thing of a connection, as in `pushes`."""
    named = text(connection, "branch") or text(connection, "defaultBranch")
    return Identity("github", scope, "branch", named or otherwise)


def absent(unlisted: Unlisted) -> Refresh | None:
    """The look-up that proves it; None where its metadata do not say what that needs."""
    identity = unlisted.identity
    if identity.kind != "file":
        return look_up_of(identity, unlisted.metadata)
    branch = text(unlisted.metadata, "branch")
    if branch is None:
        return None
    asked = branch_identity(unlisted.connection, identity.scope, branch)
    return Refresh(asked, {"full": iso(unlisted.now)})


LISTING = Listing(RESOURCES, GitHubResyncEventMetadata, absent)
