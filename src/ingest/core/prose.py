"""The prose of a Markdown text: code, comments, quotations and attributes of tags blanked, every
character in place.

Law: the result has the length of the text and its line breaks; only visible characters become
spaces. The backticks around inline code stay, so that words on both sides of it do not touch.
Linear in the length of any text. Performs no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.core.tags import blanked, spaces, without_tags

_QUOTATIONS = ("\n>", "\n >", "\n  >", "\n   >", "- >", "* >", "+ >", ". >", ") >")
_BLOCK_STARTS = (">", " ", "\t")
_CODE = "pre|code|blockquote|kbd|samp|tt|script|style"
_ELEMENTS = ("<!--", *(f"<{name}" for name in _CODE.split("|")))

_FENCE = re.compile(r"`{3,}+(?=[^`]*+$)|~{3,}+")
_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,9}+[.)])(?:[ \t]{1,4}|$)")
# GitHub's alerts (`> [!NOTE]`) are written as quotations and quote nobody.
_ALERT = re.compile(r">[ \t]{0,4}\[!")
_MORE_THAN = re.compile(r">[ ]?[=0-9]")  # `- > 3 s` quotes nobody either
_TAB = 4

# What may begin or part inline code: runs of backticks, comments, elements, ends of paragraphs.
# Each begins with a character and not with a repetition or a look behind: only then Python skips
# what cannot begin one.
_INLINE = re.compile(
    rf"``*|<!--|<({_CODE})(?:[ \t][^<>\n]{{0,200}}+)?>"
    r"|\n(?=[ \t]*+\n|[ \t]*+(?:[-*+]|[0-9]{1,9}+[.)])[ \t])"
)
# Where each run is a single backtick, and nothing else is in the way: from one that is not escaped
# to the next one of its paragraph. A paragraph without a second one is looked through once.
_SINGLE = re.compile(
    r"`(?<!\\`)([^`\n]*+(?:\n(?![ \t]*+\n|[ \t]*+(?:[-*+]|[0-9]{1,9}+[.)])[ \t])[^`\n]*+)*)`"
)

# The mail that another one answers, as Outlook and those like it put it below the answer.
_MAIL = re.compile(
    r"^[ \t*]{0,8}"
    r"(?:-{2,20}+ ?Original Message ?-{2,20}|_{10,80}+[ \t\r]{0,8}\n[ \t\r\n*]{0,8}From:)",
    re.MULTILINE,
)


def prose(text: str) -> str:
    """The text with what is not prose as spaces; a text without any is returned itself.

    Not prose are code (fenced, indented, inline), HTML comments, attributes of tags but for their
    URLs, quotations and the mail that is answered. The result has the same length and line breaks,
    so that positions in it are positions in the text.
    """
    if not may_hide(text):
        return text
    if text.startswith(_BLOCK_STARTS) or _has_block(text):
        text = blanked(text, _blocks(text))
    if "``" in text or ("<" in text and any(map(text.__contains__, _ELEMENTS))):
        text = blanked(text, _inlines(text))
    elif "`" in text:
        text = _without_code(text)
    if "<" in text:
        text = without_tags(text)
    return _without_mail(text) if _may_answer(text) else text


def _has_block(text: str) -> bool:
    """Whether a block may begin in a text; single characters are looked for first, as that is ten
    times as fast.
    """
    return (
        "\n    " in text
        or ("`" in text and "```" in text)
        or (">" in text and any(map(text.__contains__, _QUOTATIONS)))
        or ("<" in text and "<!--" in text)
        or ("\t" in text and "\n\t" in text)
        or ("~" in text and "~~~" in text)
    )


def _without_code(text: str) -> str:
    """The text, of which every run of backticks is a single one, without its inline code.

    Mostly no code has a line break in it, and no backtick is escaped: then every second part is
    code.
    """
    parts = text.split("`")
    for at in range(1, len(parts) - 1, 2):
        if "\n" in parts[at] or parts[at - 1][-1:] == "\\" or parts[at][-1:] == "\\":
            return _SINGLE.sub(_blank, text)
        parts[at] = " " * len(parts[at])
    return "`".join(parts)


def _without_mail(text: str) -> str:
    """The text down to the mail that it answers; one that nothing stands above is passed on."""
    mail = _MAIL.search(text)
    if mail is None or not text[: mail.start()].strip():
        return text
    return blanked(text, [(mail.start(), len(text))])


def _blank(code: re.Match[str]) -> str:
    """Inline code as spaces, between its backticks."""
    return f"`{spaces(code[1])}`"


def may_hide(text: str) -> bool:
    """The cheap question before the exact ones: whether a character is there that hides others."""
    shown = "`" not in text and "<" not in text and ">" not in text and "~~~" not in text
    if not (shown and "\n  " not in text and "\t" not in text and not text.startswith(" ")):
        return True
    return _may_answer(text)


def _may_answer(text: str) -> bool:
    return ("_" in text and "__________" in text) or ("-" in text and "Original Message" in text)


@dataclass(slots=True)
class _Walk:
    """Where a walk over lines stands. `offset` is where the text of the list item begins."""

    fence: str = ""
    comment: bool = False
    alert: bool = False
    code: bool = False
    after_blank: bool = True
    offset: int = 0

    def hidden(self, line: str) -> int:
        """How many characters at the line's beginning are not prose."""
        if line[:1].isalpha() and not (self.fence or self.comment):
            self.offset = 0 if self.after_blank else self.offset
            self.after_blank = self.alert = self.code = False
            return 0
        if self.comment:
            end = line.find("-->")
            self.comment = end < 0
            return len(line) if end < 0 else end + 3
        words = line.strip()
        if self.fence:
            if words.startswith(self.fence) and not words.strip(self.fence[0]):
                self.fence = ""
            return len(line)
        if not words:
            self.after_blank, self.alert = True, False
            return 0
        return len(line) if self._begins_hidden(line, words) else 0

    def _begins_hidden(self, line: str, words: str) -> bool:
        """CommonMark 0.31, 4.4 (indented code), 4.5 (fences), 4.6 (HTML), 5.1 (quotations)."""
        indent = _width(line)
        if self.after_blank and indent < self.offset:
            self.offset = indent
        self.code = (self.code or self.after_blank) and indent - self.offset >= _TAB
        self.after_blank = False
        if self.code:
            return True
        item = _ITEM.match(words)
        if item:
            self.offset = indent + item.end()
            words = words[item.end() :].lstrip()
        fence = _FENCE.match(words)
        if fence:
            self.fence = fence[0]
            return True
        if _quotes(words, is_item=item is not None):
            self.alert = self.alert or bool(_ALERT.match(words))
            return not self.alert
        self.alert = False
        self.comment = words.startswith("<!--") and "-->" not in words
        return self.comment


def _quotes(words: str, *, is_item: bool) -> bool:
    """Whether a quotation begins; in an item of a list `>` before a number means more than that."""
    return words.startswith(">") and not (is_item and _MORE_THAN.match(words))


def _width(line: str) -> int:
    """The columns of white space that a line begins with."""
    words = line.lstrip(" ")
    if words[:1] != "\t":
        return len(line) - len(words)
    width = 0
    for character in line:
        if character == " ":
            width += 1
        elif character == "\t":
            width += _TAB - width % _TAB
        else:
            break
    return width


def _blocks(text: str) -> list[tuple[int, int]]:
    walk = _Walk()
    spans: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        hidden = walk.hidden(line)
        if hidden:
            spans.append((start, start + hidden))
        start += len(line) + 1
    return spans


def _inlines(text: str) -> list[tuple[int, int]]:
    marks = list(_INLINE.finditer(text))
    closers = _closers(marks)
    spans: list[tuple[int, int]] = []
    done = 0
    unclosed: set[str] = set()
    for mark, closer in zip(marks, closers, strict=True):
        opener, start = mark[0], mark.start()
        if start < done or opener == "\n":
            continue
        if opener[0] == "`":
            if closer is not None and text[start - 1 : start] != "\\":
                spans.append((mark.end(), closer.start()))
                done = closer.end()
            continue
        end_mark = f"</{mark[1]}>" if mark[1] else "-->"
        end = -1 if end_mark in unclosed else text.find(end_mark, mark.end())
        if end < 0:
            unclosed.add(end_mark)  # nor will one follow: it is not looked for again
            continue
        done = end + len(end_mark)
        spans.append((start, done))
    return spans


def _closers(marks: list[re.Match[str]]) -> list[re.Match[str] | None]:
    """For each run of backticks the next one as long in the same paragraph.

    CommonMark 0.31, 6.1. From the end to the beginning, so that each mark is looked at once.
    """
    closers: list[re.Match[str] | None] = []
    ahead: dict[str, re.Match[str]] = {}
    for mark in reversed(marks):
        if mark[0] == "\n":
            ahead = {}
        closers.append(ahead.get(mark[0]))
        ahead[mark[0]] = mark
    closers.reverse()
    return closers
