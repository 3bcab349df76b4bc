"""What look-ups have applied of a branch so far: the state that they leave for one another.

Law: it holds a hash for each document of the branch and for each file that can be none, and so is
bounded as they are. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ingest.core.errors import BadInput
from ingest.core.values import JSON
from ingest.sources.github.globs import Globs, read

MOST_DOCUMENTS = 50_000
"""Files of one branch that are wanted."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What look-ups have applied of a branch so far: the state between them.

    head: the commit that is applied whole; None where nothing is, or the repository is empty.
    files: the hash of each file that is a document, by path; `skipped`: of each that can be none.
    want: the digest of the connection's own wish; `globs` those in force, out of `config` (the
        hash of the repository's own configuration).
    toward: the commit that is being applied in parts, and `plan` what is left of it to do, as
        `plans` writes it.
    full: which request to compare the whole tree was the last that was heard.
    problem: what is wrong with the configuration, by which `globs` are those of before.
    named: the repository's and the branch's name, which every document of theirs bears.
    made_by: what documents were made by, of the files that were read.
    """

    head: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    want: str = ""
    globs: Globs | None = None
    config: str | None = None
    toward: str | None = None
    problem: str | None = None
    named: str | None = None
    made_by: str | None = None
    plan: JSON = None
    full: str | None = None

    def as_json(self) -> dict[str, JSON]:
        """The form in which it is kept, and in which `applied` takes it."""
        told: dict[str, JSON] = {
            "head": self.head,
            "files": dict(self.files),
            "skipped": dict(self.skipped),
            "want": self.want,
            "globs": self.globs.as_json() if self.globs else None,
            "config": self.config,
            "toward": self.toward,
            "problem": self.problem,
            "named": self.named,
            "madeBy": self.made_by,
            "plan": self.plan,
            "full": self.full,
        }
        return told

    def under(self, name: str, made_by: str) -> Applied:
        """The same where that was its name, and documents are made as they were then; else every
        file is to be read anew.
        """
        now = replace(self, named=name, made_by=made_by)
        if self.named in (None, name) and self.made_by in (None, made_by):
            return now
        return now.anew()

    def anew(self) -> Applied:
        """The same where every file is to be read anew."""
        return replace(self, head=None, plan=None, files=dict.fromkeys(self.files, ""))

    def compared(self, full: str, *, whole: bool) -> Applied:
        """The same where the tree is to be compared whatever is applied, `whole`: and every file to
        be read anew. `full` names the request: it is heard once, in however many parts.
        """
        if full == self.full:
            return self
        known = self.anew() if whole else self
        return replace(known, full=full, head=None, toward=None, plan=None)

    def goes_on(self, head: str, want: str) -> bool:
        """Whether what is left to do for that commit is known."""
        return self.toward == head and self.want == want and self.plan is not None

    def holds(self, head: str, want: str) -> bool:
        """Whether that very commit is applied whole, as the connection wants it now."""
        return self.head == head and self.want == want and self.toward is None

    def advanced(
        self,
        *,
        read_as: Mapping[str, str],
        skipped: Mapping[str, str],
        left: Iterable[str],
        head: str,
        plan: JSON,
    ) -> Applied:
        """The state after files are read, found to be no documents (hashes by path), and left.

        `plan` is what is left to be done for this head, None where that was all.
        """
        others = {path: sha for path, sha in skipped.items() if path not in read_as}
        files = {**self.files, **read_as}
        for path in (*others, *left):
            files.pop(path, None)
        now = replace(self, files=files, skipped=others, plan=plan)
        return replace(now, head=head, toward=None) if plan is None else replace(now, toward=head)


def applied(state: JSON) -> Applied:
    """The state of the last look-up; of what is none, nothing is applied."""
    if not isinstance(state, dict):
        return Applied()
    globs = _globs(state.get("globs"))
    return Applied(
        head=_text(state.get("head")),
        files=_hashes(state.get("files")),
        skipped=_hashes(state.get("skipped")),
        want=_text(state.get("want")) or "",
        globs=globs,
        config=_text(state.get("config")) if globs else None,
        toward=_text(state.get("toward")),
        problem=_text(state.get("problem")),
        named=_text(state.get("named")),
        made_by=_text(state.get("madeBy")),
        plan=state.get("plan"),
        full=_text(state.get("full")),
    )


def _text(told: JSON) -> str | None:
    return told if isinstance(told, str) and told else None


def _globs(told: JSON) -> Globs | None:
    """Those that an older program took may be over today's bounds."""
    try:
        return read(told) if isinstance(told, dict) else None
    except BadInput:
        return None


def _hashes(told: JSON) -> dict[str, str]:
    items = told.items() if isinstance(told, dict) else ()
    return {path: sha for path, sha in items if isinstance(sha, str)}
