"""What an issue's own fields say about other issues: its parent, and its relations.

schema.graphql, `IssueRelation`: of `A blocks B` A lists the relation in `relations`, and B in
`inverseRelations`; `duplicate` and `related` read the same from both ends; `similar` is a guess of
Linear's own. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.core.canonical import clean
from ingest.core.keywords import EdgeKind
from ingest.core.references import Reference
from ingest.core.slugs import bounded_key
from ingest.sources.linear.payloads import Issue, nodes

# The seed has no word for "blocks": the one that waits says it.
_OUTWARD: Mapping[str, EdgeKind] = {"duplicate": "relatedTo", "related": "relatedTo"}
_INWARD: Mapping[str, EdgeKind] = {**_OUTWARD, "blocks": "blockedBy"}


def references(issue: Issue, own: str) -> tuple[Reference, ...]:
    """The issues that this one names, sorted, each once for a kind of edge."""
    found: dict[tuple[str, str], Reference] = {}
    for kind, key, evidence in _edges(issue):
        if key != own:
            edge = Reference(kind, "linear", bounded_key(key), "field", evidence)
            found.setdefault((kind, edge.key), edge)
    return tuple(found[place] for place in sorted(found))


def _edges(issue: Issue) -> Iterator[tuple[EdgeKind, str, str]]:
    """(kind of edge, the other issue's key, what the field calls it)."""
    if issue.parent and issue.parent.identifier:
        yield "relatedTo", issue.parent.identifier, "parent"
    ends = (
        (issue.relations, "relatedIssue", _OUTWARD),
        (issue.inverse_relations, "issue", _INWARD),
    )
    for listed, other, kinds in ends:
        for relation in sorted(nodes(listed), key=lambda node: str(node.get("type"))):
            word = relation.get("type")
            key = _key(relation.get(other))
            if isinstance(word, str) and word in kinds and key:
                yield kinds[word], key, word


def _key(issue: Any) -> str | None:
    key = issue.get("identifier") if isinstance(issue, dict) else None
    return clean(key) if isinstance(key, str) and key else None
