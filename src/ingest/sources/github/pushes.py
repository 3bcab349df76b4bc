"""What happens to a repository and its branches: which of it calls for a look at the files.

Law: a push is a hint. Of whatever moves the branch that a connection follows, only the look-up
knows what became of its files; no file is ever read out of a payload. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.identity import Identity
from ingest.core.naming import Rename
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Message
from ingest.sources.github import envelopes
from ingest.sources.github.naming import rename
from ingest.sources.github.outcomes import Outcome, Skipped, ask
from ingest.sources.github.payloads import read
from ingest.sources.wire import at, text

_HEADS, _TAGS = "refs/heads/", "refs/tags/"

_TAG = "a tag names a commit, it changes no file of a branch"
_NO_BRANCH = "a ref that is neither a branch nor a tag"
_OTHER_BRANCH = "another branch than the one that the connection follows"
_OWN_BRANCH = "the connection follows a branch of its own, whatever the default is"

_ABOUT_REPOSITORY: Mapping[str, str] = {
    "created": "a new repository has no document yet",
    "archived": "an archived repository keeps its documents",
    "unarchived": "an archived repository kept its documents",
    "edited": "what a repository says about itself is no document",
    "publicized": "who may see the repository changes no document of it",
    "privatized": "who may see the repository changes no document of it",
}
_RENAMES = frozenset({"renamed", "transferred"})
_DELETED = "the repository was deleted"


def push(message: Message) -> Outcome:
    """`refs/heads/<branch>`; names of branches may contain slashes."""
    told = read(envelopes.Push, message.payload)
    if told.ref.startswith(_TAGS):
        return Skipped(_TAG)
    name = told.ref.removeprefix(_HEADS)
    if name == told.ref or not name:
        return Skipped(_NO_BRANCH)
    return _moved(message, name, told.model_dump(exclude={"ref"}, exclude_none=True))


def ref_deleted(message: Message) -> Outcome:
    """`delete`: the deletion of a branch is pushed too, but not when many go at once."""
    told = read(envelopes.RefGone, message.payload)
    if told.ref_type != "branch":
        return Skipped(_TAG)
    return _moved(message, told.ref, {"deleted": True})


def repository(message: Message) -> Outcome | Rename:
    """A change of the default branch comes with no push, and all files are another branch's. What
    is renamed or transferred keeps its ids, and is called otherwise from then on.
    """
    action = read(envelopes.Act, message.payload).action
    if action in _RENAMES:
        return rename(message)
    if action == "deleted":
        return Skipped(_DELETED, withdraws=True)
    if action != "edited" or at(message.payload, "changes", "default_branch") is None:
        known = _ABOUT_REPOSITORY.get(action)
        return Skipped(known or f"unknown action {ascii(action)[1:-1][:80]}")
    if text(message.connection, "branch") is not None:
        return Skipped(_OWN_BRANCH)
    name = read(envelopes.Defaulted, message.payload).repository.default_branch
    return (ask(_files(message, name)),)


def _moved(message: Message, name: str, hint: Mapping[str, JSON]) -> Outcome:
    """The connection's own setting, or else the default of the payload's day: the connection's copy
    of that may be older.
    """
    followed = (
        text(message.connection, "branch")
        or text(message.payload, "repository", "default_branch")
        or text(message.payload, "repository", "master_branch")  # until 2013
        or text(message.connection, "defaultBranch")
    )
    if name != followed:
        return Skipped(_OTHER_BRANCH)
    return (ask(_files(message, name), {**hint, "toldAt": iso(message.received_at)}),)


def _files(message: Message, name: str) -> Identity:
    """What is looked up: always one and the same thing of a connection, so that its state says what
    is applied also when the default is another branch by now. The look-up follows the default.
    """
    own = text(message.connection, "branch") or text(message.connection, "defaultBranch")
    return Identity("github", message.scope, "branch", own or name)
