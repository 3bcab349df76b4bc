"""Who may say what: the table of docs/references.md, over every kind of document."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ingest.core.identity import Identity
from ingest.core.references import Context, Reference, as_said, extract
from ingest.sources.registry import all_sources, says, syntaxes

TEXT = "Fixes acme/web#1. Blocked by acme/web#2. Depends on acme/web#3. Refs acme/web#4."
Edges = Mapping[str, frozenset[int]]
"""By edge, the numbers that it goes to."""


def _edges(**numbers: set[int]) -> Edges:
    return {edge: frozenset(of) for edge, of in numbers.items()}


EVERYTHING = _edges(resolves={1}, blockedBy={2}, dependsOn={3}, relatedTo={4})
WAITS = _edges(blockedBy={2}, dependsOn={3}, relatedTo={1, 4})
RELATES = _edges(relatedTo={1, 2, 3, 4})
NOTHING = _edges()

TABLE: Mapping[tuple[str, str], Edges] = {
    ("github", "pull_request"): EVERYTHING,
    ("github", "issue"): EVERYTHING,
    ("github", "file"): RELATES,
    ("github", "discussion"): RELATES,
    ("github", "release"): RELATES,
    ("github", "comment"): RELATES,
    ("github", "review"): RELATES,
    ("github", "review_comment"): RELATES,
    ("github", "discussion_comment"): RELATES,
    ("linear", "issue"): EVERYTHING,
    ("linear", "project"): WAITS,
    ("linear", "initiative"): WAITS,
    ("linear", "comment"): RELATES,
    ("linear", "project_update"): RELATES,
    ("linear", "initiative_update"): RELATES,
    ("linear", "document"): RELATES,
    ("notion", "page"): WAITS,
    ("notion", "database"): RELATES,
    ("notion", "comment"): RELATES,
    ("sentry", "issue"): NOTHING,
    ("sentry", "comment"): RELATES,
    ("vercel", "deployment"): NOTHING,
    ("zendesk", "ticket"): WAITS,
    ("zendesk", "comment"): RELATES,
    ("zendesk", "article"): RELATES,
}


@pytest.mark.parametrize(("source_type", "kind"), TABLE)
def test_the_words_of_a_kind_say_what_it_may(source_type: str, kind: str) -> None:
    read = extract(TEXT, Context(source_type, "acme/site"), syntaxes())
    found = as_said(read, says(Identity(source_type, "1", kind, "1")))
    edges: dict[str, set[int]] = {}
    for one in found:
        edges.setdefault(one.kind, set()).add(int(one.key[-1]))
    assert edges.pop("mention") == {1, 2, 3, 4}
    assert edges == TABLE[source_type, kind]


def test_no_kind_is_forgotten() -> None:
    ours = {name for name, _ in TABLE}
    told = {(n, kind) for n, one in all_sources().items() if n in ours for kind in one.says}
    assert told == {key for key, edges in TABLE.items() if edges != EVERYTHING}


def test_what_a_field_states_holds_whoever_states_it() -> None:
    stated = Reference("resolves", "github", "acme/web#1", "field", "linked")
    assert as_said([stated], says(Identity("vercel", "1", "deployment", "1"))) == (stated,)
