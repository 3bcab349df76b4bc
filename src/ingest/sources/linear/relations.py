"""What an issue's own fields say about other issues: its parent, and its relations.

schema.graphql, `IssueRelation`: of `A blocks B` A lists the relation in `relations`, and B in
`inverseRelations`; `duplicate` and `related` read the same from both ends; `similar` is a guess of
Linear's own. Where the id alone is told, that is the key until the issue is there. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.core.canonical import clean
from ingest.core.phrases import EdgeKind
from ingest.core.references import Reference
from ingest.core.slugs import bounded_key
from ingest.sources.linear.payloads import Issue, nodes
from ingest.sources.linear.shapes import Place

# The seed has no word for "blocks": the one that waits says it.
_OUTWARD: Mapping[str, EdgeKind] = {"duplicate": "relatedTo", "related": "relatedTo"}
_INWARD: Mapping[str, EdgeKind] = {**_OUTWARD, "blocks": "blockedBy"}


def references(issue: Issue, own: str, place: Place) -> tuple[Reference, ...]:
    """The issues that this one names, sorted, each once for a kind of edge; `own` is its key."""
    found: dict[tuple[str, str], Reference] = {}
    for kind, (key, id_), evidence in _edges(issue):
        if key not in (own, issue.id):
            thing = place.identity("issue", id_) if id_ else None
            edge = Reference(kind, "linear", bounded_key(key), "field", evidence, thing=thing)
            found.setdefault((kind, edge.key), edge)
    return tuple(found[place] for place in sorted(found))


def _edges(issue: Issue) -> Iterator[tuple[EdgeKind, tuple[str, str | None], str]]:
    """(kind of edge, the other issue's key, its id where that is not told, and that id, what the
    field calls it).
    """
    parent = issue.parent
    id_ = (parent.id if parent else None) or issue.parent_id
    if key := (parent.identifier if parent else None) or id_:
        yield "relatedTo", (key, id_), "parent"
    yield from _relations(issue)


def _relations(issue: Issue) -> Iterator[tuple[EdgeKind, tuple[str, str | None], str]]:
    ends = (
        (issue.relations, "relatedIssue", _OUTWARD),
        (issue.inverse_relations, "issue", _INWARD),
    )
    for listed, other, kinds in ends:
        for relation in sorted(nodes(listed), key=lambda node: str(node.get("type"))):
            word, told = relation.get("type"), relation.get(other)
            id_ = _word(told, "id") or _word(relation, f"{other}Id")
            key = _word(told, "identifier") or id_
            if isinstance(word, str) and word in kinds and key:
                yield kinds[word], (key, id_), word


def _word(told: Any, field: str) -> str | None:
    word = told.get(field) if isinstance(told, dict) else None
    return clean(word) if isinstance(word, str) and word else None
