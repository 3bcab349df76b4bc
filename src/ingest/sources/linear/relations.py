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
from ingest.sources.linear.shapes import Place

# The seed has no word for "blocks": the one that waits says it.
_OUTWARD: Mapping[str, EdgeKind] = {"duplicate": "relatedTo", "related": "relatedTo"}
_INWARD: Mapping[str, EdgeKind] = {**_OUTWARD, "blocks": "blockedBy"}


def references(issue: Issue, own: str, place: Place) -> tuple[Reference, ...]:
    """The issues that this one names, sorted, each once for a kind of edge."""
    found: dict[tuple[str, str], Reference] = {}
    for kind, (key, id_), evidence in _edges(issue):
        if key != own:
            thing = place.identity("issue", id_) if id_ else None
            edge = Reference(kind, "linear", bounded_key(key), "field", evidence, thing=thing)
            found.setdefault((kind, edge.key), edge)
    return tuple(found[place] for place in sorted(found))


def _edges(issue: Issue) -> Iterator[tuple[EdgeKind, tuple[str, str | None], str]]:
    """(kind of edge, the other issue's key and id, what the field calls it)."""
    if issue.parent and issue.parent.identifier:
        yield "relatedTo", (issue.parent.identifier, issue.parent.id), "parent"
    ends = (
        (issue.relations, "relatedIssue", _OUTWARD),
        (issue.inverse_relations, "issue", _INWARD),
    )
    for listed, other, kinds in ends:
        for relation in sorted(nodes(listed), key=lambda node: str(node.get("type"))):
            word = relation.get("type")
            told = relation.get(other)
            key = _word(told, "identifier")
            if isinstance(word, str) and word in kinds and key:
                yield kinds[word], (key, _word(told, "id")), word


def _word(issue: Any, field: str) -> str | None:
    told = issue.get(field) if isinstance(issue, dict) else None
    return clean(told) if isinstance(told, str) and told else None
