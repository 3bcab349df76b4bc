"""What a text says in Markdown as it stands: a backslash where Markdown would read a mark.

Law: only what would be read as another thing gets one; asterisks and underscores stay as they are,
for in keys, paths and URLs an escape would be a letter. Source: CommonMark 0.31, sections 2.4 (what
can be escaped), 4 (what begins a line), 6.1 and 6.3; GitHub Flavored Markdown, 4.10 (cells).
Performs no I/O.
"""

from __future__ import annotations

import re

_AT_START = re.compile(
    r"(?P<before>\s*[0-9]{1,9})?"
    r"(?(before)[.)](?=\s|\Z)"  # `1. `
    r"|\s*(?:#{1,6}(?=\s|\Z)|[-+*](?=\s|\Z)|>|`{3}|~{3}|=+\s*\Z|-+\s*\Z"
    r"|([*_-])(?:[ \t]*\2){2,}\s*\Z|\[(?=[^\]\n]{1,200}\]:)))"
)
_ELEMENT = r"<(?=/?[A-Za-z]|[!?])|&(?=#?[A-Za-z0-9]{1,31};)|~(?=~)"
_IN_TEXT = re.compile(rf"{_ELEMENT}|\](?=\()|\\(?=[!-/:-@\[-`{{-~]|\Z)")
_IN_LABEL = re.compile(rf"{_ELEMENT}|[\[\]\\]")
_CLOSING_HASHES = re.compile(r"((?:\A|\s)#*)(#\s*)\Z")
_FENCE = re.compile(r"^ {0,3}(?:(`{3,})[^`\n]*|(~{3,})[^\n]*)$", re.MULTILINE)
_BACKTICKS = re.compile(r"^[ \t]*(`{3,})", re.MULTILINE)
_IN_URL = str.maketrans(
    {" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "\\": "%5C", "|": "%7C"}
)


def text(said: str) -> str:
    """Words between marks: no element, no character by its name, nothing struck through, no link; a
    backslash is one.
    """
    return _IN_TEXT.sub(r"\\\g<0>", said)


def line(said: str) -> str:
    """The same at the start of a line, where a list, a heading, a rule or a fence would begin: of
    `1.` the dot is escaped, of all others what they begin with.
    """
    found = _AT_START.match(said)
    if found is None:
        return text(said)
    number = found["before"]
    at = len(number) if number is not None else len(said) - len(said.lstrip())
    return f"{said[:at]}\\{said[at]}{text(said[at + 1 :])}"


def label(said: str) -> str:
    """The words of a link or an image, which end at a bracket."""
    return _IN_LABEL.sub(r"\\\g<0>", said)


def before_link(said: str) -> str:
    """Words that a link follows: an exclamation mark would make an image of it."""
    return f"{said[:-1]}\\!" if said.endswith("!") else said


def cell(said: str) -> str:
    """What stands in a table's cell, code too: a bare pipe would begin the next one."""
    return said.replace("|", r"\|")


def heading_end(said: str) -> str:
    """The last words of a heading: hashes at its end would be taken for its closing."""
    return _CLOSING_HASHES.sub(r"\1\\\2", said)


def url(told: str) -> str:
    """The target of a link, which ends at a blank or a bracket."""
    return told.translate(_IN_URL)


def closed(said: str) -> str:
    """A text that somebody wrote as it is, below which another one stands: a fence that it leaves
    open would make code of that too, and of all that follows.
    """
    open_at, fence = -1, ""
    for found in _FENCE.finditer(said):
        marks = found[1] or found[2]
        if open_at < 0:
            open_at, fence = found.start(), marks
        elif marks.startswith(fence) and not found[0].strip(f"{marks[0]} \t\r"):
            open_at = -1
    if open_at < 0:
        return said
    rest = _FENCE.sub(_as_text, said[open_at:])
    return f"{said[:open_at]}{rest}"


def _as_text(fence: re.Match[str]) -> str:
    return fence[0].replace(fence[1] or fence[2], "\\" + (fence[1] or fence[2]), 1)


def fenced(code: str) -> str:
    """A block of code, in a fence that is longer than any within it."""
    longest = max((len(ticks) for ticks in _BACKTICKS.findall(code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{code}\n{fence}"
