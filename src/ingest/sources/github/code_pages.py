"""How commits, releases and files are mentioned: by the URLs of their pages, and by nothing else.

A commit is `owner/repo@sha`, which its pull request has as an alias once it is merged; a release is
`owner/repo@tag`, a file `owner/repo:path`. Law: only a page says what it is: whether a hash in a
text is a commit of the repository, the provider alone knows. The name of a branch may have slashes
in it, so that of a file's page only `main`, `master`, `HEAD` and a whole hash tell where the path
begins; a permalink names the file too, whichever state it shows. A file counts that is a document
wherever nobody says otherwise: one of code names nothing. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from ingest.core.links import host_start
from ingest.core.mentions import Mention
from ingest.sources.github.globs import Globs
from ingest.sources.github.names import NO_OWNERS, OWNER_IN_TEXT, REPO_IN_TEXT

# What a URL holds, up to its query and its fragment.
_IN_PATH = r"[^\s<>\"'`()\[\]{}?#\\|]"
_AFTER_URL = ".,;:!*_~"
_PAGE = (
    rf"/(?P<owner>{OWNER_IN_TEXT}+)/(?P<repo>{REPO_IN_TEXT}+)/(?:"
    r"commit/(?P<sha>[0-9a-fA-F]{7,40}+)(?![A-Za-z0-9])"
    rf"|releases/tag/(?P<tag>{_IN_PATH}{{1,250}}+)"
    rf"|(?:blob|blame)/(?:HEAD|main|master|[0-9a-f]{{40}})/(?P<path>{_IN_PATH}{{1,500}}+))"
)
_HERE = re.compile(rf"github\.com{_PAGE}")
_ELSEWHERE = re.compile(
    r"https?://(?!(?:www\.)?github\.com[/:])"
    r"(?P<host>(?:[A-Za-z0-9-]{1,63}\.){0,8}[A-Za-z0-9-]{1,63}(?::[0-9]{1,5})?)" + _PAGE
)
_DOCUMENTS = Globs()
_WORDS = ("/commit/", "/releases/tag/", "/blob/", "/blame/")


def code_pages(text: str, own_host: str | None) -> Iterator[Mention]:
    """The mentions of a text. `own_host`: that of the text's own page, where that is GitHub's; on
    other hosts they count where a connection is of it.
    """
    if not any(map(text.__contains__, _WORDS)):
        return
    if "github.com/" in text:
        for found in _HERE.finditer(text):
            start = host_start(text, found.start())
            if start is not None:
                yield from _mention(found, start, None)
    for found in _ELSEWHERE.finditer(text):
        host = found["host"].lower()
        yield from _mention(found, found.start(), None if host == own_host else host)


def _mention(found: re.Match[str], start: int, prefix: str | None) -> Iterator[Mention]:
    key = _key(found)
    if key is not None and found["owner"] not in NO_OWNERS:
        key = f"{found['owner']}/{found['repo']}{key}"
        yield Mention(start, found.end(), "github", key, "url", prefix, is_work=False)


def _key(found: re.Match[str]) -> str | None:
    """What stands behind the repository; None where nothing is left of it."""
    if found["sha"]:
        return f"@{found['sha'].lower()}"
    mark, told = ("@", found["tag"]) if found["tag"] else (":", found["path"])
    name = unquote(told.rstrip(_AFTER_URL)).strip("/")
    if not (name and name.isprintable()) or (mark == ":" and not _DOCUMENTS.want(name)):
        return None
    return f"{mark}{name}"
