"""The phrases that turn a mention into an edge of the graph, and the nouns that may follow them.

Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Literal

EdgeKind = Literal["resolves", "blockedBy", "dependsOn", "relatedTo"]

# In any form: GitHub's linking-a-pull-request-to-an-issue, Linear's magic words, Sentry's
# utils/groupreference.py. The other kinds are Linear's non-closing words and common usage.
_PHRASES: Mapping[EdgeKind, tuple[str, ...]] = {
    "resolves": (
        "close, closes, closed, closing, fix, fixes, fixed, fixing, fix for, fixes for",
        "resolve, resolves, resolved, resolving",
    ),
    "blockedBy": ("blocked by, blocked on, blocked, blocked until, waiting on, waiting for",),
    "dependsOn": (
        "depends, depend on, depends on, depending on, dependent on, depends upon",
        "require, requires, requiring, stacked on, stacked on top of",
        "based on, based on top of, based off, based off of, builds on, builds on top of",
        "built on top of",
    ),
    "relatedTo": (
        "ref, refs, reference, references, referencing, xref, see, see also, see here, part of",
        "address, addresses, addressing, follows, continues, continuation of, similar to, cf, re",
        "reverts, revert of",
        "follow up, follow up from, follow ups, follows up on, following up on",
        "followup, followups",
        "related, related to, relate to, relates, relates to, relating to",
        "contribute to, contributes to, contributing to, toward, towards",
        "supersede, supersedes, superseded by, superseding, successor of, successor to",
        "duplicate of, duplicates, duplicated by, dup of, dupe of",
        "supercede, supercedes, superceded by, superceding, obsoletes, obsoleted by",
        "replace, replaces, replaced by, replaced with, replacing, replacement for",
        "alternative to, in favor of, in favour of",
        "read more, read more at, read more in",
    ),
}
# What is said in as many ways as these make: "More details here: …", "bugs like: …".
_POINTERS = (
    ("more", "further", "additional", "full", "see", "see the", "see this"),
    ("info", "information", "details", "context", "background", "discussion", "comment", "thread"),
    ("", "at", "in", "on", "here", "can be found in", "can be found at", "can be found here"),
)
_FOLLOWERS = (
    ("follow up", "followup"),
    ("", "pr", "issue", "task", "ticket", "change", "commit", "work"),
    ("to", "of", "for", "on"),
)
_EXAMPLES = (
    ("issue", "issues", "bug", "bugs", "problem", "problems", "error", "errors", "crashes"),
    ("like", "such as"),
)
_STEPS = (("toward", "towards"), ("closing", "fixing", "resolving"))
_MADE = (_POINTERS, _FOLLOWERS, _EXAMPLES, _STEPS)
_CHANGES = (
    ("depend on", "depends on", "depending on", "require", "requires", "based on"),
    ("", "the"),
    ("change", "changes", "fix", "work"),
    ("in", "from", "of"),
)


def _made(parts: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    return (" ".join(filter(None, words)) for words in product(*parts))


_SAID: Mapping[str, EdgeKind] = {
    phrase: kind
    for kind, lists in _PHRASES.items()
    for phrases in lists
    for phrase in phrases.split(", ")
}
_POINTING: Mapping[str, EdgeKind] = dict.fromkeys(
    (phrase for parts in _MADE for phrase in _made(parts)), "relatedTo"
)
_NEEDING: Mapping[str, EdgeKind] = dict.fromkeys(_made(_CHANGES), "dependsOn")
KINDS: Mapping[str, EdgeKind] = {**_SAID, **_POINTING, **_NEEDING}
"""What each phrase makes of the mention after it, in small letters."""
# What is built on something at home depends on it; elsewhere it is where an idea came from.
ONLY_AT_HOME = frozenset(phrase for phrase in KINDS if phrase.startswith(("based", "buil")))
_NOUN_LIST = """
    article articles bug bugs change changes deployment discussion doc docs document documents epic
    epics initiative issue issues item items link links merge page pages pr project prs pull request
    requests stories story task tasks ticket tickets
"""
NOUNS = frozenset(_NOUN_LIST.split())
# What may stand between a phrase and its noun: "follow-up to your previous request".
DETERMINERS = frozenset({"the", "this", "that", "our", "your", "previous", "original"})
# "Depends on both #12 and #13".
BOTH = frozenset({"both", "either"})
# "Related issues and PRs".
ANDS = frozenset({"and", "or"})

LENGTHS: Mapping[str, int] = dict.fromkeys(NOUNS | BOTH, 2) | {
    phrase.split()[-1]: len(phrase.split()) for phrase in sorted(KINDS, key=lambda p: p.count(" "))
}
"""How many words a phrase has that ends in this one; two for a noun, where a source's own may end.
Most mentions follow another word and are settled by that.
"""
