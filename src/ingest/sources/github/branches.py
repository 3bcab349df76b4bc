"""A branch, looked up: its head now against what is applied, and the files that differ.

Law: a push only hints. The head that stands now decides, all is read at that one commit, and what
cannot be proven gone is not gone. Parts of a large difference leave their progress in the state,
and what went is told last, so that a file that moves is never missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ingest.core.errors import (
    BudgetSpent,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.contract import OUTSIDE_FILTER, Lookup, Sight
from ingest.sources.forms import ID, segment
from ingest.sources.github.answers import ChangedFile, CompareAnswer
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.applied import MOST_DOCUMENTS, Applied, applied
from ingest.sources.github.bulk import batches, contents
from ingest.sources.github.configuration import Wants, in_force, wants
from ingest.sources.github.contents import A_HASH, Tree, blob
from ingest.sources.github.files import text_of
from ingest.sources.github.globs import Globs
from ingest.sources.github.heads import Head, head_of
from ingest.sources.github.names import SHA
from ingest.sources.github.payloads import read
from ingest.sources.github.plans import plan_of, planned
from ingest.sources.github.trees import LARGEST_FILE, Difference, File, difference
from ingest.sources.wire import items

MOST_FILES, MOST_BYTES = 300, 8 * 2**20
"""What one sight reads of files, at most."""
MOST_LEAVING = 1_000
"""What one sight tells of files that went, at most."""
MOST_COMPARED = 300
"""[REST-OAS] repos/compare-commits lists no more files than that, and does not say so."""
LAG = timedelta(seconds=15)
"""How long after a push its branch may be shown as it was before."""
_MOST_SHOWN = 300
_NOTHING = Difference()
_NO_TEXTS: Mapping[str, str] = {}


@dataclass(slots=True)
class _Blobs:
    """What one sight read: texts and hashes of documents, hashes of files that can be none."""

    texts: dict[str, str] = field(default_factory=dict)
    read_as: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def take(self, file: File, raw: bytes) -> None:
        """One more file, and whether it can be a document."""
        text = text_of(raw) if len(raw) <= LARGEST_FILE else None
        self.size += len(raw)
        if text is None:
            self.skipped[file.path] = file.sha
        else:
            self.texts[file.path], self.read_as[file.path] = text, file.sha

    @property
    def count(self) -> int:
        return len(self.read_as) + len(self.skipped)

    @property
    def full(self) -> bool:
        return self.count >= MOST_FILES or self.size >= MOST_BYTES


def look(api: GitHubApi, lookup: Lookup) -> Sight:
    """The sight of a branch: `files.BranchSight` as JSON, and the state to go on from.

    Raises what a client may raise; never a sight of nothing, as a branch is no document.
    """
    repository = api.repository(lookup.identity.scope, fresh=True)
    want, before = wants(api.access.metadata), applied(lookup.state)
    head = head_of(api, repository)
    told = _Told(repository, head, before.problem)
    if head.sha is None:
        return told.gone(before, want)
    _require_moved(api, lookup, head.sha)
    before = _asked(before.under(f"{repository.full_name}:{head.branch}", lookup.made_by), lookup)
    if before.holds(head.sha, want.digest):
        return told.sight(_NOTHING, before)
    differs = None
    if before.goes_on(head.sha, want.digest):
        differs = planned(before.plan, before.skipped)
    if differs is None:
        changed = _compared(api, repository, before, head.sha, want)
        if changed is not None and not before.toward and _untouched(changed, before, want):
            return told.unwanted(replace(before, head=head.sha))
        before, there = _there(api, repository, head.sha, before, want)
        differs = difference(before, there, before.globs or Globs(), changed or {})
    sight = told.part(before, differs, _read_blobs(api, repository, differs))
    return replace(sight, remark=_outside(before)) if differs.is_empty else sight


def _asked(before: Applied, lookup: Lookup) -> Applied:
    """The state as the hints of a listing want it: `full` (a text that names the request) has the
    tree compared though its commit is applied, `whole` has every file read once more.
    """
    full = lookup.hint.get("full")
    if not (isinstance(full, str) and full):
        return before
    return before.compared(full, whole=lookup.hint.get("whole") is True)


def _there(
    api: GitHubApi, repository: Repository, sha: str, before: Applied, want: Wants
) -> tuple[Applied, dict[str, File]]:
    """The globs that are in force in a commit, and what it holds of files that they concern."""
    tree = Tree(api, repository, sha)
    before = in_force(before, want, tree.file, lambda file: blob(api, repository, file))
    return before, tree.documents(before.globs or Globs(), before.files)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a sight tells: of which repository and head, and what was wrong before."""

    repository: Repository
    head: Head
    problem: str | None

    def part(self, before: Applied, differs: Difference, blobs: _Blobs) -> Sight:
        """As much as one sight holds. What left is told last, unless the state grows too large."""
        all_read = blobs.count == len(differs.changed)
        is_crowded = len(before.files) > MOST_DOCUMENTS
        shown = differs.leaving(MOST_LEAVING if all_read or is_crowded else 0)
        plan = plan_of(differs, read={*blobs.read_as, *blobs.skipped}, told=shown)
        after = before.advanced(
            read_as=blobs.read_as,
            skipped={**differs.skipped, **blobs.skipped},
            left=shown.left,
            head=self.head.sha or "",
            plan=plan,
        )
        lost = tuple(path for path in blobs.skipped if path in before.files)
        shown = replace(shown, gone=(*lost, *shown.gone))
        return self.sight(shown, after, blobs.texts, more=plan is not None)

    def unwanted(self, after: Applied) -> Sight:
        """The branch moved, and nothing of it that is wanted."""
        return replace(self.sight(_NOTHING, after), remark=_outside(after))

    def gone(self, before: Applied, want: Wants) -> Sight:
        """The branch is no more, and so is each of its files."""
        shown = Difference(gone=tuple(sorted(before.files))).leaving(MOST_LEAVING)
        files = {path: before.files[path] for path in before.files.keys() - shown.gone}
        return self.sight(shown, Applied(want=want.digest, files=files), more=bool(files))

    def sight(
        self,
        shown: Difference,
        after: Applied,
        texts: Mapping[str, str] = _NO_TEXTS,
        *,
        more: bool = False,
    ) -> Sight:
        """As JSON; a problem that is told no more is mended."""
        files: list[JSON] = [
            {
                "path": path,
                "text": text,
                "was": [shown.moved[path]] if path in shown.moved else [],
                "touched": path in shown.touched,
            }
            for path, text in texts.items()
        ]
        raw: dict[str, JSON] = {
            "repository": self.repository.full_name,
            "branch": self.head.branch,
            "head": self.head.sha,
            "committed_at": self.head.committed_at,
            "files": files,
            "gone": [*shown.gone],
            "unwanted": [*shown.unwanted],
        }
        mended = self.problem if self.problem != after.problem else None
        return Sight(raw, after.as_json(), more, problem=after.problem, mended=mended)


def _outside(of: Applied) -> str:
    """What to say of a push that changes no document."""
    globs = of.globs or Globs()
    without = f", without {', '.join(globs.exclude)}" if globs.exclude else ""
    fits = f"{', '.join(globs.include)}{without}"[:_MOST_SHOWN]
    return f"{OUTSIDE_FILTER}: nothing changed in a file that fits the globs {fits}"


# What changed.


def _require_moved(api: GitHubApi, lookup: Lookup, head: str) -> None:
    """GitHub's API may still show what stood there before the push of which it told a moment ago;
    taken for the new head, it would hide that push until the next one.
    """
    hint = lookup.hint
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
        answer = _comparison(api, repository, base, head)
    except (BudgetSpent, RateLimited, Refused):
        raise
    except (Absent, PermanentError, TransientError):
        # A commit that was collected, a difference too large to be shown: the trees tell.
        return None
    if answer is None or answer.status not in ("ahead", "identical") or answer.files is None:
        return None
    return _paths(answer.files)


def _comparison(
    api: GitHubApi, repository: Repository, base: str, head: str
) -> CompareAnswer | None:
    """What GitHub says; None where it may not say all."""
    path = f"{repository.path}/compare/{base}...{segment(head, A_HASH, ID)}"
    told = api.get(path, params={"per_page": 1}).json()
    return None if len(items(told, "files")) >= MOST_COMPARED else read(CompareAnswer, told)


def _paths(files: Iterable[ChangedFile]) -> dict[str, str | None]:
    """Each path that is told, with its former name if any."""
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


# What it says.


def _read_blobs(api: GitHubApi, repository: Repository, differs: Difference) -> _Blobs:
    """Files in the order of their paths, until the sight is full or GitHub wants a pause."""
    blobs = _Blobs()
    try:
        for entry, raw in _contents(api, repository, differs.changed):
            blobs.take(entry, raw)
            if blobs.full:
                break
    except Refused:
        raise
    except TransientError:
        # What is read is kept; the next sight meets the same trouble first.
        if not blobs.count:
            raise
    return blobs


def _contents(
    api: GitHubApi, repository: Repository, files: Sequence[File]
) -> Iterator[tuple[File, bytes]]:
    """Each file with its content: as many as can be are asked for together, the others alone."""
    for batch in batches(files):
        together = contents(api, repository, batch)
        for file in batch:
            if file.sha not in together:
                together[file.sha] = blob(api, repository, file)
            yield file, together[file.sha]
