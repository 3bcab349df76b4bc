"""As much of GraphQL as a fake of Linear's API needs: one query, read and answered field by field.

Law: only fields that the schema has are answered, and only those that were asked for; a query that
costs more than Linear allows is refused as Linear refuses it. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_COST = 10_000
_DEFAULT_FIRST = 50
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\$[A-Za-z_]+|-?[0-9]+|[{}():!]")

_NODE = "id createdAt updatedAt archivedAt"
_PLAIN: Mapping[str, str] = {
    "Issue": f"{_NODE} identifier number previousIdentifiers title description url priority "
    "priorityLabel dueDate estimate trashed startedAt completedAt canceledAt branchName",
    "Comment": f"{_NODE} body url quotedText editedAt resolvedAt issueId parentId projectId "
    "projectUpdateId initiativeId initiativeUpdateId documentContentId",
    "Project": f"{_NODE} name description content slugId url state priority health startDate "
    "targetDate trashed",
    "ProjectUpdate": f"{_NODE} body health url slugId editedAt",
    "InitiativeUpdate": f"{_NODE} body health url slugId editedAt",
    "Document": f"{_NODE} title content slugId url trashed hiddenAt",
    "Initiative": f"{_NODE} name description content slugId url status health priority targetDate "
    "trashed",
    "IssueRelation": f"{_NODE} type",
    "Attachment": f"{_NODE} title subtitle url metadata source sourceType",
    "IssueLabel": f"{_NODE} name color",
    "Team": f"{_NODE} key name",
    "User": f"{_NODE} name displayName email url",
    "ExternalUser": f"{_NODE} name displayName email",
    "ActorBot": "id type subType name userDisplayName",
    "WorkflowState": f"{_NODE} name type color",
    "ProjectStatus": f"{_NODE} name type color",
    "DocumentContent": f"{_NODE} content",
    "Organization": f"{_NODE} name urlKey",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "Query": "",
}
_OBJECTS: Mapping[str, Mapping[str, str]] = {
    "Query": {
        "issue": "Issue",
        "comment": "Comment",
        "project": "Project",
        "projectUpdate": "ProjectUpdate",
        "document": "Document",
        "initiative": "Initiative",
        "initiativeUpdate": "InitiativeUpdate",
        "team": "Team",
        "organization": "Organization",
        "viewer": "User",
    },
    "Issue": {
        "team": "Team",
        "state": "WorkflowState",
        "project": "Project",
        "parent": "Issue",
        "assignee": "User",
        "creator": "User",
        "labels": "[IssueLabel]",
        "relations": "[IssueRelation]",
        "inverseRelations": "[IssueRelation]",
        "attachments": "[Attachment]",
        "comments": "[Comment]",
    },
    "IssueRelation": {"issue": "Issue", "relatedIssue": "Issue"},
    "Attachment": {"issue": "Issue", "originalIssue": "Issue", "creator": "User"},
    "Comment": {
        "parent": "Comment",
        "issue": "Issue",
        "project": "Project",
        "projectUpdate": "ProjectUpdate",
        "initiative": "Initiative",
        "initiativeUpdate": "InitiativeUpdate",
        "documentContent": "DocumentContent",
        "user": "User",
        "externalUser": "ExternalUser",
        "botActor": "ActorBot",
    },
    "DocumentContent": {
        "document": "Document",
        "issue": "Issue",
        "project": "Project",
        "initiative": "Initiative",
    },
    "Project": {"status": "ProjectStatus", "lead": "User", "creator": "User", "teams": "[Team]"},
    "ProjectUpdate": {"project": "Project", "user": "User"},
    "InitiativeUpdate": {"initiative": "Initiative", "user": "User"},
    "Document": {
        "project": "Project",
        "initiative": "Initiative",
        "issue": "Issue",
        "creator": "User",
        "updatedBy": "User",
    },
    "Initiative": {"owner": "User", "creator": "User"},
}


class BadQuery(Exception):
    """A query that Linear would refuse; the message is its own."""


@dataclass(slots=True)
class Field:
    """A field that was asked for: its arguments, and what is asked of what stands there."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[Field] = field(default_factory=list)


def parse(text: str, variables: Mapping[str, Any]) -> list[Field]:
    """The root fields of one `query Name($id: String!) { … }`, variables filled in."""
    words = iter(_TOKEN.findall(text))
    if next(words, "") != "query":
        raise BadQuery("Syntax Error: only queries are answered here")
    for word in words:
        if word == "{":
            return _selection(words, variables)
    raise BadQuery("Syntax Error: Expected Name, found <EOF>.")


def cost(fields: list[Field], of: str = "Query") -> float:
    """Linear's complexity: 0.1 a property, 1 an object, a list its nodes' cost times `first`."""
    total = 0.0
    for asked in fields:
        kind = _kind(asked, of)
        if kind is None:
            total += 0.1
        elif kind.startswith("["):
            nodes = next((f for f in asked.below if f.name == "nodes"), Field("nodes"))
            one = 1 + cost(nodes.below, kind.strip("[]"))
            total += one * int(asked.arguments.get("first") or _DEFAULT_FIRST)
        else:
            total += 1 + cost(asked.below, kind)
    return total


def answer(of: Mapping[str, Any], fields: list[Field], kind: str, most: int) -> dict[str, Any]:
    """What was asked of an object; lists in pages of at most `most` nodes."""
    found: dict[str, Any] = {}
    for asked in fields:
        below, value = _kind(asked, kind), of.get(asked.name)
        if below is None:
            found[asked.name] = value
        elif below.startswith("["):
            found[asked.name] = _page(value or [], asked, below.strip("[]"), most)
        else:
            found[asked.name] = answer(value, asked.below, below, most) if value else None
    return found


def _page(values: list[Any], asked: Field, kind: str, most: int) -> dict[str, Any]:
    begin = int(asked.arguments.get("after") or 0)
    end = begin + min(int(asked.arguments.get("first") or _DEFAULT_FIRST), most)
    nodes = next((f for f in asked.below if f.name == "nodes"), Field("nodes"))
    return {
        "nodes": [answer(value, nodes.below, kind, most) for value in values[begin:end]],
        "pageInfo": {"hasNextPage": end < len(values), "endCursor": str(end) if values else None},
    }


def _kind(asked: Field, of: str) -> str | None:
    """The type of a field, None for a plain value; raises `BadQuery` for one that is not there."""
    below = _OBJECTS.get(of, {}).get(asked.name)
    if below is None and asked.name not in _PLAIN[of].split():
        raise BadQuery(f'Cannot query field "{asked.name}" on type "{of}".')
    if (below is None) is bool(asked.below):
        raise BadQuery(
            f'Field "{asked.name}" of type "{below}" must have a selection of subfields.'
        )
    return below


def _selection(words: Iterator[str], variables: Mapping[str, Any]) -> list[Field]:
    fields: list[Field] = []
    for word in words:
        if word == "}":
            return fields
        if word == "{":
            fields[-1].below = _selection(words, variables)
        elif word == "(":
            fields[-1].arguments = _arguments(words, variables)
        else:
            fields.append(Field(word))
    raise BadQuery("Syntax Error: Expected Name, found <EOF>.")


def _arguments(words: Iterator[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    name = ""
    for word in words:
        if word == ")":
            break
        if not name:
            name = word
        elif word != ":":
            given[name] = variables.get(word[1:]) if word.startswith("$") else _literal(word)
            name = ""
    return given


def _literal(word: str) -> Any:
    named = {"true": True, "false": False, "null": None}
    return named[word] if word in named else int(word)
