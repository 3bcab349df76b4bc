"""A branch, looked up: its head now against what is applied, and the files that differ.

Law: a push only hints. The head that stands now decides, all is read at that one commit, and what
cannot be proven gone is not gone. Parts of a large difference leave their progress in the state,
and what went is told last, so that a file that moves is never missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ingest.core.errors import PermanentError, RateLimited, Refused, TransientError
from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.contract import Ask, Sight
from ingest.sources.forms import ID, segment
from ingest.sources.github.answers import (
    BlobAnswer,
    CompareAnswer,
    TreeAnswer,
    TreeEntry,
)
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.files import text_of
from ingest.sources.github.globs import Globs, from_config
from ingest.sources.github.heads import Head, head_of
from ingest.sources.github.names import SHA
from ingest.sources.github.payloads import read
from ingest.sources.github.trees import (
    LARGEST_FILE,
    Applied,
    Difference,
    Wants,
    advanced,
    applied,
    difference,
    is_document,
    wants,
)

MOST_FILES, MOST_BYTES = 100, 8 * 2**20
"""What one sight reads of files, at most."""
MOST_COMPARED = 300
"""[REST-OAS] repos/compare-commits lists no more files than that, and does not say so."""
MOST_TREES = 2_000
"""Requests for the trees of one repository that does not fit into one answer."""
LAG = timedelta(seconds=15)
"""How long after a push its branch may be shown as it was before."""
_LARGEST_BLOB = LARGEST_FILE * 3 // 2 + 2**16
_A_HASH = "a hash of git's"


@dataclass(slots=True)
class _Blobs:
    """What one sight read: texts and hashes of documents, hashes of files that can be none."""

    texts: dict[str, str] = field(default_factory=dict)
    read_as: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def count(self) -> int:
        return len(self.read_as) + len(self.skipped)

    @property
    def full(self) -> bool:
        return self.count >= MOST_FILES or self.size >= MOST_BYTES


def look(api: GitHubApi, ask: Ask) -> Sight:
    """The sight of a branch: `files.BranchSight` as JSON, and the state to go on from.

    Raises what a client may raise; never a sight of nothing, as a branch is no document.
    """
    repository = api.repository(ask.identity.scope, fresh=True)
    want, before = wants(api.access.metadata), applied(ask.state)
    head = head_of(api, repository)
    if head.sha is None:
        return _sight(repository, head, _Blobs(), _all_gone(before), Applied(want=want.digest))
    _require_moved(api, ask, head.sha)
    before = before.under(f"{repository.full_name}:{head.branch}")
    if before.holds(head.sha, want.digest):
        return _sight(repository, head, _Blobs(), _NOTHING, before)
    changed = _compared(api, repository, before, head.sha, want)
    if changed is not None and not before.toward and _untouched(changed, before, want):
        moved_on = replace(before, head=head.sha)
        return _sight(repository, head, _Blobs(), _NOTHING, moved_on)
    entries = list(_entries(api, repository, head.sha))
    before = _in_force(api, repository, before, want, entries)
    differs = difference(before, entries, before.globs or Globs(), changed or {})
    return _part(api, repository, head, before, differs)


def _part(
    api: GitHubApi, repository: Repository, head: Head, before: Applied, differs: Difference
) -> Sight:
    """As much of the difference as one sight holds; the rest is told with the last part."""
    blobs = _read_blobs(api, repository, differs)
    whole = head.sha if blobs.count == len(differs.changed) else None
    lost = tuple(path for path in blobs.skipped if path in before.files)
    gone = (*lost, *differs.gone) if whole else lost
    shown = replace(differs, gone=gone, unwanted=differs.unwanted if whole else ())
    after = advanced(before, differs, read_as=blobs.read_as, skipped=blobs.skipped, whole=whole)
    if whole is None:
        after = replace(after, toward=head.sha)
    return _sight(repository, head, blobs, shown, after, more=whole is None)


_NOTHING = Difference((), (), (), {})


def _all_gone(before: Applied) -> Difference:
    return Difference((), tuple(sorted(before.files)), (), {})


def _sight(
    repository: Repository,
    head: Head,
    blobs: _Blobs,
    told: Difference,
    after: Applied,
    *,
    more: bool = False,
) -> Sight:
    files: list[JSON] = [
        {
            "path": path,
            "text": text,
            "was": [told.moved[path]] if path in told.moved else [],
        }
        for path, text in blobs.texts.items()
    ]
    raw: dict[str, JSON] = {
        "repository": repository.full_name,
        "branch": head.branch,
        "head": head.sha,
        "committed_at": head.committed_at,
        "files": files,
        "gone": [*told.gone],
        "unwanted": [*told.unwanted],
    }
    return Sight(raw, after.as_json(), more)


# What changed.


def _require_moved(api: GitHubApi, ask: Ask, head: str) -> None:
    """GitHub's API may still show what stood there before the push of which it told a moment ago;
    taken for the new head, it would hide that push until the next one.
    """
    hint = ask.hint
    told_at = hint.get("toldAt")
    if head != hint.get("before") or head == hint.get("after") or not isinstance(told_at, str):
        return
    if api.access.now() - parse_time(told_at) < LAG:
        raise TransientError("GitHub does not show the push yet that it told of", retry_after_s=5)


def _compared(
    api: GitHubApi, repository: Repository, before: Applied, head: str, want: Wants
) -> dict[str, str | None] | None:
    """The paths that differ from the applied head (both names of a renamed one), each with its
    former name if any; None where comparing does not tell all of them.

    It diffs from the merge base, so it counts only where the applied head is an ancestor.
    """
    base = before.head
    if base is None or before.want != want.digest or not SHA.fits(base):
        return None
    try:
        path = f"{repository.path}/compare/{base}...{segment(head, _A_HASH, ID)}"
        answer = read(CompareAnswer, api.get(path, params={"per_page": 1}).json())
    except (RateLimited, Refused):
        raise
    except (Absent, PermanentError, TransientError):
        # A commit that was collected, a difference too large to be shown: the trees tell.
        return None
    files = answer.files
    if answer.status not in ("ahead", "identical") or files is None or len(files) >= MOST_COMPARED:
        return None
    changed: dict[str, str | None] = {}
    for file in files:
        changed.setdefault(file.filename, None)
        if file.previous_filename:
            changed.setdefault(file.previous_filename, None)
            if file.status == "renamed":
                changed[file.filename] = file.previous_filename
    return changed


def _untouched(changed: Mapping[str, str | None], before: Applied, want: Wants) -> bool:
    """Whether none of these paths is a document, could be one, or says which are."""
    globs = before.globs or Globs()
    return not any(
        path in before.files or path in want.config_paths or globs.want(path) for path in changed
    )


def _entries(api: GitHubApi, repository: Repository, sha: str) -> Iterator[TreeEntry]:
    """Every entry of a commit's tree with its whole path; where one answer does not hold it, tree
    by tree. [REST-OAS] git/get-tree
    """
    waiting = [("", sha)]
    asked = 0
    while waiting:
        above, tree = waiting.pop()
        asked += 1
        if asked > MOST_TREES:
            raise PermanentError(f"{repository.full_name} has too many trees to be read")
        answer = _tree(api, repository, tree, recursive=True)
        if answer.truncated:
            answer = _tree(api, repository, tree, recursive=False)
            waiting += [(f"{above}{e.path}/", e.sha) for e in answer.tree if e.type == "tree"]
        if not above:
            yield from answer.tree
            continue
        yield from (e.model_copy(update={"path": f"{above}{e.path}"}) for e in answer.tree)


def _tree(api: GitHubApi, repository: Repository, sha: str, *, recursive: bool) -> TreeAnswer:
    path = f"{repository.path}/git/trees/{segment(sha, _A_HASH, ID)}"
    try:
        answer = api.get(path, params={"recursive": "1"} if recursive else None)
    except Absent as error:
        raise TransientError(
            f"GitHub shows no tree {sha} of {repository.full_name}: the branch moves"
        ) from error
    return read(TreeAnswer, answer.json())


def _in_force(
    api: GitHubApi,
    repository: Repository,
    before: Applied,
    want: Wants,
    entries: list[TreeEntry],
) -> Applied:
    """With the globs in force: the connection's own, else the repository's. A broken configuration
    leaves the former ones in force.
    """
    if want.globs is not None:
        return replace(before, want=want.digest, globs=want.globs, config=None)
    found = {entry.path: entry for entry in entries if entry.path in want.config_paths}
    entry = next((found[path] for path in want.config_paths if path in found), None)
    if entry is None or not is_document(entry):
        return replace(before, want=want.digest, globs=Globs(), config=None)
    if entry.sha == before.config:
        return replace(before, want=want.digest)
    text = text_of(_blob(api, repository, entry))
    told = None if text is None else from_config(text)
    globs = told or before.globs or Globs()
    return replace(before, want=want.digest, globs=globs, config=entry.sha)


# What it says.


def _read_blobs(api: GitHubApi, repository: Repository, differs: Difference) -> _Blobs:
    """Files in the order of their paths, until the sight is full or GitHub wants a pause."""
    blobs = _Blobs()
    for entry in differs.changed:
        if blobs.full:
            break
        try:
            raw = _blob(api, repository, entry)
        except Refused:
            raise
        except TransientError:
            # What is read is kept; the next sight meets the same trouble first.
            if blobs.count:
                break
            raise
        text = text_of(raw) if len(raw) <= LARGEST_FILE else None
        blobs.size += len(raw)
        if text is None:
            blobs.skipped[entry.path] = entry.sha
        else:
            blobs.texts[entry.path], blobs.read_as[entry.path] = text, entry.sha
    return blobs


def _blob(api: GitHubApi, repository: Repository, entry: TreeEntry) -> bytes:
    """[REST-OAS] git/get-blob. One that vanished was of a commit that is no more: read again."""
    path = f"{repository.path}/git/blobs/{segment(entry.sha, _A_HASH, ID)}"
    largest = _LARGEST_BLOB if entry.size is not None else None
    try:
        return read(BlobAnswer, api.get(path, max_bytes=largest).json()).raw()
    except Absent as error:
        raise TransientError(
            f"GitHub shows no content {entry.sha} of {repository.full_name}: the branch moves"
        ) from error
