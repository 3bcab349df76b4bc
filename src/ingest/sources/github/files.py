"""What a look-up saw of a branch, as changes of the documents that its files are.

Law: of a file's document only `commitSha`, `committedAt` and whether it is tied to that commit
depend on the one that it was read at; all else is a function of repository, path, branch and
content. Performs no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import Field

from ingest.core.changes import Change, Delete, Upsert, Withdraw
from ingest.core.frontmatter import parse_frontmatter
from ingest.core.identity import Identity
from ingest.core.slugs import bounded_key
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.github.payloads import Name, Strict, read
from ingest.sources.github.places import name_of

_LFS_POINTER = "version https://git-lfs.github.com/spec/v1"
# The longer mark first: UTF-32's begins with UTF-16's.
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADINGS = {
    ".md": re.compile(r" {0,3}#[ \t]+(.+)"),
    ".mdx": re.compile(r" {0,3}#[ \t]+(.+)"),
    ".markdown": re.compile(r" {0,3}#[ \t]+(.+)"),
    ".adoc": re.compile(r"[=#][ \t]+(.+)"),
}
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#+$")
_LONGEST_TITLE_LINE = 2_000


class ReadFile(Strict):
    """A file with its text; `was` are paths that it had before. touched: a commit touched it since
    the branch was read before.
    """

    path: Name
    text: str
    was: list[Name] = Field(default_factory=list)
    touched: bool = False


class BranchSight(Strict):
    """What the client hands over: see `branches`."""

    repository: Name
    branch: Name
    head: str | None = None
    committed_at: str | None = None
    files: list[ReadFile] = Field(default_factory=list)
    gone: list[Name] = Field(default_factory=list)
    unwanted: list[Name] = Field(default_factory=list)


def branch_documents(lookup: Lookup) -> tuple[Change, ...]:
    """The files that came or changed, then those that went, then those no longer wanted.

    Raises `BadPayload` where the sight is none.
    """
    sight = read(BranchSight, lookup.raw)
    sight.repository = name_of(lookup, sight.repository)
    scope = lookup.identity.scope
    return (
        *(_document(scope, sight, file) for file in sight.files),
        *(Delete(file_identity(scope, path), 0) for path in sight.gone),
        *(Withdraw(file_identity(scope, path), 0) for path in sight.unwanted),
    )


def file_identity(scope: str, path: str) -> Identity:
    """A file is its repository and its path, on whichever branch it is read."""
    return Identity("github", scope, "file", path)


def text_of(raw: bytes) -> str | None:
    """A file's text; None where it is binary, in no encoding that we know, or a pointer of LFS."""
    encoding = next((name for mark, name in _BOMS if raw.startswith(mark)), None)
    if encoding is None and b"\x00" in raw:
        return None
    try:
        text = raw.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        return None
    return None if text.startswith(_LFS_POINTER) else text


@dataclass(frozen=True, slots=True)
class _Read:
    title: str
    frontmatter: dict[str, JSON] | None


def _document(scope: str, sight: BranchSight, file: ReadFile) -> Upsert:
    head = _read(file)
    repository = sight.repository
    metadata: dict[str, JSON] = {
        "type": "github",
        "path": file.path,
        "commitSha": sight.head or "",
        "committedAt": sight.committed_at or "",
        "repoFullName": repository,
        "branch": sight.branch,
    }
    paths = (file.path, *file.was)
    aliases = [bounded_key(f"{repository}:{path}") for path in paths]
    aliases += [bounded_key(path) for path in file.was]
    return Upsert(
        identity=file_identity(scope, file.path),
        version=0,
        source_id=bounded_key(file.path),
        title=head.title,
        body=file.text,
        metadata=metadata,
        aliases=tuple(dict.fromkeys(aliases)),
        frontmatter=head.frontmatter,
        temporal=_came_with(sight, file),
    )


def _came_with(sight: BranchSight, file: ReadFile) -> dict[str, str]:
    """The commit that a file changed with: the head that it was read at, where it is known to have
    changed since the head before. Of what is read for the first time, none knows which it was.
    """
    return {"commitSha": sight.head} if file.touched and sight.head else {}


def _read(file: ReadFile) -> _Read:
    """The front matter's `title`, else the first heading of the first rank, else the file name."""
    frontmatter, rest = parse_frontmatter(file.text)
    told = frontmatter.get("title") if frontmatter else None
    if isinstance(told, str) and told.strip():
        return _Read(told.strip(), frontmatter)
    name = file.path.rpartition("/")[2]
    suffix = f".{name.rpartition('.')[2].lower()}"
    return _Read(_heading(rest, suffix) or name, frontmatter)


def _heading(text: str, suffix: str) -> str | None:
    """CommonMark 0.31, 4.2 (ATX headings), outside of fenced code."""
    pattern = _HEADINGS.get(suffix)
    if pattern is None:
        return None
    fence: str | None = None
    for line in text.splitlines():
        marked = _FENCE.match(line)
        if fence is not None:
            if marked and marked[1].startswith(fence) and not line.strip(" `~"):
                fence = None
            continue
        if marked:
            fence = marked[1]
            continue
        found = pattern.fullmatch(line[:_LONGEST_TITLE_LINE])
        title = _CLOSING_HASHES.sub("", found[1].strip()).strip() if found else ""
        if title:
            return title
    return None
