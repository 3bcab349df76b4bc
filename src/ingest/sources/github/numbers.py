"""What `#12` is by the characters and words around it: a number of the repository, or else an
entity, an anchor, a colour, a count, a number of somebody else's tracker.

Law: only what is certainly something else is left out. A word that may stand before any number
("option #20814") is no reason, a small number after a word that counts ("step #2") is one. Pure.
"""

from __future__ import annotations

import re

# A small number after these is a count.
_COUNTED_LIST = """
    apartment attempt chapter column day episode example exercise figure floor fold footnote goal
    gpu iteration lesson level line part patient phase place player point question rank reason retry
    room round row rule run scenario season section shard slide sprint stage step take thread top
    trial try version week worker
"""
_COUNTED = frozenset(_COUNTED_LIST.split())
_SMALL_DIGITS = 2
# After these one of a single digit is.
_NUMBERED_LIST = """
    answer argument batch box build case commit core cpu customer element entry field frame invoice
    item job layer node number option order page parameter record slot suite table test user
"""
_NUMBERED = frozenset(_NUMBERED_LIST.split())
_RANKED_LIST = "a are be is my number our ranked rated still the their voted was your"
_RANKED = frozenset(_RANKED_LIST.split())
_VOTED = frozenset({"listed", "ranked", "rated", "seen", "voted"})
_SHORTENED = ("'re", "'s", "\u2019re", "\u2019s")  # "we're #1", "Ida's #1"
# Whose number it is; a noun may stand between ("Zendesk ticket #7890").
_TRACKER_LIST = """
    asana bugzilla bz freshdesk gerrit gitlab intercom jira launchpad lp mantis phabricator
    redmine servicenow trac youtrack zd zendesk
"""
_TRACKERS = frozenset(_TRACKER_LIST.split())
_NOUNS = frozenset({"bug", "case", "issue", "mr", "request", "task", "ticket"})
_WORD_REACH, _INDENT = 32, 8
_OPENERS = "([{\"'*_~<"

_COLOUR = (
    r"(?:colou?rs?|background|foreground|bg|fg|hex|rgb|css|palette|gradient|tint|shades?|fill"
    r"|stroke|solid|accent)"
)
_COLOUR_NEAR = re.compile(
    rf"\b{_COLOUR}\b|\b(?:dark|light)\b|#[0-9]{{0,5}}[a-f][0-9a-f]{{2,5}}\b", re.IGNORECASE
)
_COLOUR_BEFORE = re.compile(rf"(?:\b{_COLOUR}[\"']?[ \t]?[:=]?[ \t]?[\"']?|-\[)\Z", re.IGNORECASE)
_COLOUR_REACH = 48
# What follows the number of a stack's frame, as PHP, gdb and Dart write them.
_FRAME = re.compile(
    r"[ \t]{2,}\S|[ \t](?:0x[0-9A-Fa-f]{4}|/\S|[A-Za-z]:\\|\{main\}|\[internal function\])"
)


def is_emphasised(text: str, found: re.Match[str]) -> bool:
    """Whether `#12` stands in underscores, `_#12_`."""
    at = found.start()
    return text[at - 1] == "_" == text[found.end() : found.end() + 1] and not (
        text[at - 2 : at - 1].isalnum()
    )


def stands_alone(text: str, found: re.Match[str]) -> bool:
    """Whether `#12` (the digits are its first group) is a number of the repository."""
    at = found.start()
    before = text[at - 1 : at]
    if before and _goes_on(before, text[at - 2 : at - 1]):
        return False
    line = text[max(0, at - _INDENT) : at].rpartition("\n")
    if not line[2].strip() and (line[1] or at < _INDENT) and _FRAME.match(text, found.end()):
        return False
    if before.isspace() and _counts(text[max(0, at - _WORD_REACH) : at], found[1]):
        return False
    return len(found[1]) not in (3, 6) or not _is_colour(text, found)


def _goes_on(before: str, further: str) -> bool:
    """Whether what stands before `#12` begins an entity, a path or a link within the page."""
    if before == "/":
        return not further.isdigit()
    return before in "&\\#@" or (before == "(" and further == "]")


def _counts(before: str, number: str) -> bool:
    """Whether the words before a number, in its line, say that it counts or is another's."""
    words = before.rpartition("\n")[2].lower().split()
    if not words:
        return False
    last = words[-1].lstrip(_OPENERS)
    if len(number) <= _SMALL_DIGITS and last in _COUNTED:
        return True
    if len(number) == 1 and last in _NUMBERED:
        return True
    if number == "1" and _ranks(last, words[-2] if len(words) > 1 else ""):
        return True
    owner = words[-2].lstrip(_OPENERS) if last in _NOUNS and len(words) > 1 else last
    return owner in _TRACKERS


def _ranks(last: str, further: str) -> bool:
    """Whether `#1` is the first place: "voted as #1", and not "as #1 says"."""
    if last == "as":
        return further in _VOTED
    return last in _RANKED or last.endswith(_SHORTENED)


def _is_colour(text: str, found: re.Match[str]) -> bool:
    """Whether three or six digits are a colour: the words around say so."""
    at, end = found.span()
    if text[at - 1 : at] == "(" and text[end : end + 1] == ")":
        return False
    if _COLOUR_BEFORE.search(text, max(0, at - 16), at):
        return True
    reach = text[max(0, at - _COLOUR_REACH) : at] + " " + text[end : end + _COLOUR_REACH]
    is_grey = len(found[1]) == 3 and len(set(found[1])) == 1
    return (is_grey or len(found[1]) == 6) and _COLOUR_NEAR.search(reach) is not None
