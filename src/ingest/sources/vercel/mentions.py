"""How deployments are mentioned: `dpl_…`, their own hosts, and their pages on the dashboard.

Law: a key is the deployment's id, or its host, which is an alias of the document. The host of a
project or a branch (`…-git-main-…`), and a domain, show one deployment today and another tomorrow:
they name none. A team may have its previews under a domain of its own instead of `vercel.app`: such
a host counts where a connection is of the project that it begins with. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.links import host_start
from ingest.core.references import Context, Mention, Syntax

# The contract sheet, section e.
_ID = re.compile(r"(?<![A-Za-z0-9_])dpl_[A-Za-z0-9]{20,100}(?![A-Za-z0-9_])")
# vercel.com/docs/deployments/generated-urls: `<project>-<hash>-<scope>.vercel.app`, at most 63
# characters before the dot; the hash is nine small letters and digits. A word of nine letters is
# none, so one digit at least is asked for.
_APP = ".vercel.app"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,80}\Z", re.IGNORECASE)
_OWN = re.compile(
    r"(?P<project>[a-z0-9-]{1,52})-(?=[a-z]{0,8}[0-9])[a-z0-9]{9}-[a-z0-9][a-z0-9-]{0,62}"
)
_LONGEST_NAME = 80
_GOES_ON = re.compile(r"[A-Za-z0-9_-]|\.[a-z0-9]")  # the host is another one
# …/docs/deployments/preview-deployment-suffix.
_ELSEWHERE = re.compile(
    r"https?://(?P<name>[a-z0-9][a-z0-9-]{12,79})(?P<suffix>(?:\.[a-z0-9-]{1,63}){1,6}\.[a-z]{2,24})"
    r"(?![A-Za-z0-9._-])"
)
# What shows a deployment beside its own pages, by its host.
_SHOWN_BY = re.compile(
    r"https://vercel\.(?:live/(?:link|open-feedback)|com/deployments)/(?:https://)?\Z"
)
# Pages of personal accounts used to name the project alone, and the id whole. What is but small
# letters is the name of another page.
_PAGE = re.compile(
    r"vercel\.com/[\w.-]{1,100}/(?:[\w.-]{1,100}/(?:deployments/)?(?:dpl_)?|dpl_)"
    r"(?=[a-z]{0,99}[A-Z0-9])([A-Za-z0-9]{20,100})(?![A-Za-z0-9_-])"
)


def fold(key: str) -> str:
    """Hosts are the same in any case (RFC 4343); of two ids the case may be all that differs."""
    return key.lower() if "." in key else key


def is_own_host(host: str) -> bool:
    """Whether a host is that of one deployment, for as long as it is there; in small letters."""
    return _project(host.partition(".")[0]) is not None and "." in host


def _project(name: str) -> str | None:
    """The project of a deployment's host, by the first label of that; None where it is of none."""
    found = _OWN.fullmatch(name) if "-git-" not in name else None
    return found["project"] if found else None


def _find(text: str, _context: Context) -> Iterator[Mention]:
    if "_" in text and "dpl_" in text:
        for found in _ID.finditer(text):
            yield Mention(found.start(), found.end(), "vercel", found[0], "text")
    if "." not in text:
        return
    if _APP in text:
        yield from _hosts(text)
    if "/" in text:
        if "vercel.com/" in text:
            yield from _pages(text)
        if "://" in text:
            yield from _elsewhere(text)


def _hosts(text: str) -> Iterator[Mention]:
    at = text.find(_APP)
    while at >= 0:
        end = at + len(_APP)
        name = _NAME.search(text, max(0, at - _LONGEST_NAME), at)
        if name is not None and _GOES_ON.match(text, end) is None:
            host = text[name.start() : end].lower()
            start = host_start(text, name.start())
            if start is not None and is_own_host(host):
                shown = _SHOWN_BY.search(text, max(0, name.start() - 50), name.start())
                begin = shown.start() if shown else start
                yield Mention(begin, end, "vercel", host, "url")
        at = text.find(_APP, end)


def _elsewhere(text: str) -> Iterator[Mention]:
    for found in _ELSEWHERE.finditer(text):
        project = _project(found["name"])
        if project is not None and not found["suffix"].startswith(_APP):
            host = f"{found['name']}{found['suffix']}"
            yield Mention(found.start(), found.end(), "vercel", host, "url", project)


def _pages(text: str) -> Iterator[Mention]:
    """`https://vercel.com/<team>/<project>/<id without dpl_>`, whatever follows."""
    for found in _PAGE.finditer(text):
        start = host_start(text, found.start())
        if start is not None:
            yield Mention(start, found.end(), "vercel", f"dpl_{found[1]}", "url")


MENTIONS = Syntax(source="vercel", find=_find, fold=fold)
