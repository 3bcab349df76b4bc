"""What an issue's own fields say about other issues: its parent, and its relations.

schema.graphql, `IssueRelation`: of `A blocks B` A lists the relation in `relations`, and B in
`inverseRelations`; `duplicate` and `related` read the same from both ends; `similar` is a guess of
Linear's own. Where the id alone is told, that is the key: each issue has its id as an alias.
Performs no I/O.
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
    """The issues that this one names, sorted, each once for a kind of edge; `own` is its key."""
    found: dict[tuple[str, str], Reference] = {}
    for kind, key, evidence in _edges(issue):
        if key not in (own, issue.id):
            edge = Reference(kind, "linear", bounded_key(key), "field", evidence)
            found.setdefault((kind, edge.key), edge)
    return tuple(found[place] for place in sorted(found))


def _edges(issue: Issue) -> Iterator[tuple[EdgeKind, str, str]]:
    """(kind of edge, the other issue's key, what the field calls it)."""
    parent = issue.parent
    if parent_key := (parent and (parent.identifier or parent.id)) or issue.parent_id:
        yield "relatedTo", parent_key, "parent"
    yield from _relations(issue)


def _relations(issue: Issue) -> Iterator[tuple[EdgeKind, str, str]]:
    ends = (
        (issue.relations, "relatedIssue", _OUTWARD),
        (issue.inverse_relations, "issue", _INWARD),
    )
    for listed, other, kinds in ends:
        for relation in sorted(nodes(listed), key=lambda node: str(node.get("type"))):
            word = relation.get("type")
            key = _key(relation.get(other)) or _text(relation.get(f"{other}Id"))
            if isinstance(word, str) and word in kinds and key:
                yield kinds[word], key, word


def _key(issue: Any) -> str | None:
    told = issue if isinstance(issue, dict) else {}
    return _text(told.get("identifier")) or _text(told.get("id"))


def _text(told: Any) -> str | None:
    return clean(told) if isinstance(told, str) and told else None
