"""What `#12` is by the characters and words around it: a number of the repository, or else an
entity, an anchor, a colour, a count, a number of somebody else's tracker.

Law: only what is certainly something else is left out. A word that may stand before any number
("option #20814") is no reason, a small number after a word that counts ("step #2") is one, and so
is one of two digits at most after any noun that is no name of ours ("door #2", "query #12"): what
people write before a mention are verbs and small words. Pure.
"""

from __future__ import annotations

import re

from ingest.sources.numbered import TRACKERS, owner_of, repository_of, singular, words_before

# A small number after these is a count.
_COUNTED_LIST = """
    alternative apartment approach assumption attempt bullet candidate chapter choice column comment
    day episode example exercise figure floor fold footnote goal gpu hypothesis idea iteration
    lesson level line method note part pass patient phase place player point priority question rank
    reason remark retry room round row rule run scenario season section shard slide solution sprint
    stage step suggestion take theory thread tip top trial try variant version week workaround
    worker
"""
_COUNTED = frozenset(_COUNTED_LIST.split())
_SMALL_DIGITS = 2
# After these one of a single digit is.
_NUMBERED_LIST = """
    answer argument batch box build case commit core cpu customer element entry field frame group
    invoice item job layer node number option order page parameter record slot suite table team test
    user
"""
_NUMBERED = frozenset(_NUMBERED_LIST.split())
# Words of a closed class, and verbs and nouns that speak of issues; their other forms end in "s",
# "ed" and "ing".
_BEFORE_MENTIONS_LIST = """
    about above address after again against all along alongside already also although and
    another any apply around as at backport be because been before behind below beside besides
    between block blocker both bug but by cf change check child clone close commit complete copy
    could cover defect dependency despite did discussion do does done drop dup dupe duplicate
    during eg either epic etc except feature find finish fix follow followup for found from fyi
    get gh git github given got had handle has have hence here ie if implement in include
    including inside into issue it just know land like link linked maybe me mean meant mention
    merge mr near need neither new nor not now obsolete of off old on once only onto open or
    original our out over parent per perhaps plus possibly pr prefer previously probably problem
    pull re read rebase recent redo ref refer reference refs regarding regression related
    remember reopen replace replicate report repro request require resolve revert review said
    same saw see seen sequel ship should similar since so solve solved still story subtask such
    supersede task test tested than that the their them then there these they this those though
    thread through thus ticket till to too toward towards track tracked treat try unblock under
    unless unlike until up update upon us use usually via vs want was we were what when where
    whether which while whose why will with within without work would yes yet you
    cierra corrige corrigeert dans ferme pour siehe sluit suite ver veja vgl vide voir zie
"""
_BEFORE_MENTIONS = frozenset(_BEFORE_MENTIONS_LIST.split())
_VERBAL = ("s", "ed", "ing", "ly")
_RANKED_LIST = "a are be is my number our ranked rated still the their voted was your"
_RANKED = frozenset(_RANKED_LIST.split())
_VOTED = frozenset({"listed", "ranked", "rated", "seen", "voted"})
_SHORTENED = ("'re", "'s", "\u2019re", "\u2019s")  # "we're #1", "Ida's #1"
# "#2 on the list", "#1 priority".
_RANK_AFTER = re.compile(
    r"[ \t](?:(?:on|in|of|at) (?:[a-z]{2,6} )?"
    r"(?:agenda|backlog|charts?|class|line|list|queue|ranking|world)\b)",
    re.IGNORECASE,
)
_FIRST_AFTER = re.compile(
    r"[ \t](?:most|cause|choice|complaint|concern|culprit|priority|reason|request|source)\b",
    re.IGNORECASE,
)
_OTHERS = TRACKERS | {"zd", "zendesk"}
_INDENT = 8

_COLOUR = (
    r"(?:colou?rs?|background|foreground|bg|fg|hex|rgb|css|palette|gradient|tint|shades?|fill"
    r"|stroke|solid|accent|contrast)"
)
_CALLED = r"black|blue|dark|gr[ae]y|green|light|orange|pink|purple|red|white|yellow"
_COLOUR_NEAR = re.compile(
    rf"\b{_COLOUR}\b|\b(?:{_CALLED})\b|#[0-9]{{0,5}}[a-f][0-9a-f]{{2,5}}\b", re.IGNORECASE
)
_COLOUR_BEFORE = re.compile(
    rf"(?:\b{_COLOUR}[\"']?[ \t]?[:=]?[ \t]?[\"']?|-\[|--[a-z-]{{1,24}}:[ \t]?)\Z", re.IGNORECASE
)
_COLOUR_BEFORE_CHARS = 32
_COLOUR_REACH, _LONG_COLOUR_REACH = 96, 240
"""Of three digits, and of six, as few repositories have so many issues."""
# What follows the number of a stack's frame, as PHP, gdb and Dart write them.
_FRAME = re.compile(
    r"[ \t]{2,}\S[^\n]{0,160}\("
    r"|[ \t](?:0x[0-9A-Fa-f]{4}|/\S|[A-Za-z]:\\|\{main\}|\[internal function\])"
)


def is_emphasised(text: str, found: re.Match[str]) -> bool:
    """Whether `#12` stands in underscores, `_#12_`."""
    at = found.start()
    return text[at - 1] == "_" == text[found.end() : found.end() + 1] and not (
        text[at - 2 : at - 1].isalnum()
    )


def stands_alone(text: str, found: re.Match[str], home: str) -> bool:
    """Whether `#12` (the digits are its first group) is a number of the repository, which is called
    `home`, in small letters.
    """
    at = found.start()
    before = text[at - 1 : at]
    if before and _goes_on(before, text[at - 2 : at - 1]):
        return False
    line = text[max(0, at - _INDENT) : at].rpartition("\n")
    if not line[2].strip() and (line[1] or at < _INDENT) and _FRAME.match(text, found.end()):
        return False
    words = words_before(text, at, over_brackets=False)
    if _counts(words, found[1]) or _is_rank(text, found):
        return False
    if repository_of(words) not in (None, home):
        return False
    return len(found[1]) not in (3, 6) or not _is_colour(text, found)


def _goes_on(before: str, further: str) -> bool:
    """Whether what stands before `#12` begins an entity, a path or a link within the page."""
    if before == "/":
        return not further.isdigit()
    return before in "&\\#@{" or (before == "(" and further == "]")


def _counts(words: list[str], number: str) -> bool:
    """Whether the words before a number, the nearest first, say that it counts or is another's."""
    if not words:
        return False
    last = singular(words[0])
    if len(number) <= _SMALL_DIGITS and last in _COUNTED:
        return True
    if len(number) == 1 and last in _NUMBERED:
        return True
    if len(number) <= _SMALL_DIGITS and _is_noun(words[0]):
        return True
    if number == "1" and _ranks(words[0], words[1] if len(words) > 1 else ""):
        return True
    return owner_of(words) in _OTHERS


def _is_noun(word: str) -> bool:
    """Whether a word is none of those that stand before mentions, or before any number."""
    if not (word.isascii() and word.isalpha()) or word.endswith(_VERBAL):
        return False
    return word not in _BEFORE_MENTIONS and word not in _NUMBERED


def _is_rank(text: str, found: re.Match[str]) -> bool:
    """Whether the words after a small number say so: "#2 on the list", "#1 priority"."""
    if len(found[1]) > _SMALL_DIGITS or not text.startswith(" ", found.end()):
        return False
    if _RANK_AFTER.match(text, found.end()):
        return True
    return found[1] == "1" and _FIRST_AFTER.match(text, found.end()) is not None


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
    if _COLOUR_BEFORE.search(text, max(0, at - _COLOUR_BEFORE_CHARS), at):
        return True
    chars = _COLOUR_REACH if len(found[1]) == 3 else _LONG_COLOUR_REACH
    reach = text[max(0, at - chars) : at] + " " + text[end : end + chars]
    is_grey = len(found[1]) == 3 and len(set(found[1])) == 1
    return (is_grey or len(found[1]) == 6) and _COLOUR_NEAR.search(reach) is not None
