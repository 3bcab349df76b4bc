"""What the words before a number say of it, in a text of any source: `order #12`, `Jira bug #12`.

Law: of numbers in a row ("steps #1, #2 and #3") the words before the first speak of each. Pure.
"""

from __future__ import annotations

import re

_TRACKER_LIST = """
    asana azure bitbucket bugzilla buildkite bz chromium circleci clickup codeberg debian forgejo
    freshdesk gerrit gitea gitlab helpscout hubspot intercom jenkins jira launchpad lp mantis
    mozilla openproject phabricator redmine salesforce savannah servicenow shortcut sourceforge
    taiga teamcity trac travis upstream webkit youtrack
"""
TRACKERS = frozenset(_TRACKER_LIST.split())
"""What has numbers of its own, and is none of our sources."""

_NOUN_LIST = """
    bug build case commit incident issue item job mr pipeline pr request run task thread ticket
"""
_NOUNS = frozenset(_NOUN_LIST.split())
_ASKED = frozenset({"change", "merge", "pull"})  # a "merge request" is one noun
_REPOSITORY = re.compile(r"([a-z0-9][a-z0-9-]{0,38})/([a-z0-9._-]{1,100})")
# What a slash parts that is no repository's name: "a read/write bug #12".
_PAIR_LIST = """
    and android api backend bug cd ci client desktop dev feature frontend input ios issue linux mac
    mobile or output pr prod read server staging task ticket ui ux web windows write
"""
_PAIRED = frozenset(_PAIR_LIST.split())
_REACH, _WORDS = 64, 5
_JOINT = r"[ \t]{0,2}(?:(?:[,;&/+-]|\u2013|and|or|to)[ \t]{0,2}){1,2}"
_IN_A_ROW = re.compile(rf"(?:#[0-9]{{1,10}}{_JOINT}){{1,12}}\Z")
_RANGE = re.compile(r"#[0-9]{1,10}(?:-|\.{2,3})\Z")
_RANGING = frozenset("-.")
_OPENERS = "([{\"'*_~<|\u201c\u2018"
_ENDS = (",", ";", "!", "?", ")", "]", ".")  # of what was said before
_BRACKETS = ("(", "[")
_SHORT = frozenset({"no.", "nr."})


def words_before(text: str, at: int, *, over_brackets: bool = True) -> list[str]:
    """The words before a number at `at`, or before the row that it stands in, in its clause: in
    small letters, without marks, the nearest first. over_brackets: those before a bracket that the
    number or row stands in too, which are another matter where lines are tagged ("in Travis (#7)").
    """
    before = text[max(0, at - _REACH) : at].rpartition("\n")[2].rpartition(">")[2]  # of a tag
    if "#" in before:
        row = _IN_A_ROW.search(before)
        before = before[: row.start()] if row else before
    if not over_brackets and before.endswith(_BRACKETS):
        return []
    words: list[str] = []
    for said in reversed(before.lower().rstrip(_OPENERS).rpartition("(")[2].split()):
        word = said.strip(_OPENERS)
        if word.endswith(_ENDS) and word not in _SHORT:
            break
        if word:
            words.append(word.rstrip(".:"))
        if len(words) == _WORDS:
            break
    return words


def is_in_range(text: str, at: int) -> bool:
    """Whether a number at `at` is the end of a range: `#10-#12`, `#10..#12`."""
    return text[at - 1 : at] in _RANGING and _RANGE.search(text, max(0, at - 14), at) is not None


def singular(word: str) -> str:
    """A noun as one of many is called: "steps" is "step"."""
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "sis")) else word


def owner_of(words: list[str]) -> str | None:
    """Whose number it is where a noun may stand between: "gitlab" of "GitLab merge request"."""
    at = _nouns(words)
    if at >= len(words):
        return None
    return words[at].removesuffix("'s").removesuffix("\u2019s")


def repository_of(words: list[str]) -> str | None:
    """The repository whose number it is, in small letters: "acme/web" of "acme/web PR"."""
    at = _nouns(words)
    if not 0 < at < len(words):
        return None
    named = _REPOSITORY.fullmatch(words[at])
    return named[0] if named and not _PAIRED.issuperset(named.groups()) else None


def _nouns(words: list[str]) -> int:
    """How many of the words before a number are the noun of its kind."""
    at = 0
    if words and singular(words[0]) in _NOUNS:
        at = 2 if len(words) > 1 and words[1] in _ASKED else 1
    return at
