"""What the API is asked of one object: a GraphQL query for each kind, and one for each long list.

Rule (linear.app/developers/rate-limiting): a field costs 0.1, an object 1, a list what one of its
nodes costs times `first`; 10,000 is the most for one query. The dearest of these costs about 480.
Lists of objects are in `rosters`. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PAGE, MORE = 50, 200
"""Nodes of a list that come with its object, and those of each further page."""

_PAGED = f"first: {MORE}, after: $after"
_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_TIMES = "id createdAt updatedAt archivedAt"
_NAMED = "{ id name }"
_CHILD = "{ id name url }"
_ON_DOCUMENT = "{ id title url }"
_ON_ISSUE = "{ id identifier title url team { id key } }"
_OTHER = "{ id identifier }"

_ISSUE = f"""{_TIMES} identifier number previousIdentifiers title description url priority
    dueDate trashed team {{ id key name }} state {{ name type }} project {{ id }}
    parent {_OTHER} assignee {{ id }}"""
_COMMENT = f"""{_TIMES} body url parent {{ id }} user {_NAMED} externalUser {_NAMED}
    botActor {_NAMED} issue {_ON_ISSUE} project {_CHILD} initiative {_CHILD}
    projectUpdate {{ id project {_CHILD} }} initiativeUpdate {{ id initiative {_CHILD} }}
    documentContent {{ document {_ON_DOCUMENT} issue {_ON_ISSUE} project {_CHILD}
      initiative {_CHILD} }}"""
_CALLED = "slugId identifier previousIdentifiers"
_PROJECT = f"""{_TIMES} name description content {_CALLED} url priority health startDate targetDate
    trashed status {{ name type }}"""
_UPDATE = f"{_TIMES} body url health user {_NAMED}"
_DOCUMENT = f"""{_TIMES} title content slugId url trashed creator {{ id }} project {{ id }}
    initiative {{ id }} issue {{ id }} parentDocument {{ id }}"""
_INITIATIVE = f"""{_TIMES} name description content {_CALLED} url status health priority
    targetDate trashed"""


@dataclass(frozen=True, slots=True)
class Query:
    """A kind's root field, its plain fields, and its lists with the fields of their nodes."""

    root: str
    fields: str
    lists: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The operation's name: `ProjectUpdate` for `projectUpdate`."""
        return f"{self.root[0].upper()}{self.root[1:]}"

    @property
    def text(self) -> str:
        """The object with the first page of each list."""
        wanted = f"{self.root}(id: $id) {{ {self.selection({})} }}"
        return f"query {self.name}($id: String!) {{ {wanted} }}"

    def selection(self, first: Mapping[str, int]) -> str:
        """The fields and the first page of each list, of so many nodes."""
        lists = (
            _list(name, f"first: {first.get(name, PAGE)}", of) for name, of in self.lists.items()
        )
        return " ".join((self.fields, *lists))

    def more_name(self, listed: str) -> str:
        """`IssueLabels` for an issue's `labels`."""
        return f"{self.name}{listed[0].upper()}{listed[1:]}"

    def more(self, listed: str) -> str:
        """The next page of one list."""
        variables = "($id: String!, $after: String)"
        page = _list(listed, _PAGED, self.lists[listed])
        name = self.more_name(listed)
        return f"query {name}{variables} {{ {self.root}(id: $id) {{ id {page} }} }}"


def _list(name: str, arguments: str, of: str) -> str:
    return f"{name}({arguments}) {{ nodes {{ {of} }} {_PAGE_INFO} }}"


BY_KIND: Mapping[str, Query] = {
    "issue": Query(
        "issue",
        _ISSUE,
        {
            "labels": "id name",
            "relations": f"type relatedIssue {_OTHER}",
            "inverseRelations": f"type issue {_OTHER}",
            "attachments": "id url",
        },
    ),
    "comment": Query("comment", _COMMENT),
    "project": Query("project", _PROJECT, {"teams": "id key"}),
    "project_update": Query("projectUpdate", f"{_UPDATE} project {_CHILD}"),
    "document": Query("document", _DOCUMENT),
    "initiative": Query("initiative", _INITIATIVE),
    "initiative_update": Query("initiativeUpdate", f"{_UPDATE} initiative {_CHILD}"),
}

ORGANIZATION = "query Organization { organization { id name } }"
TEAM = "query Team($id: String!) { team(id: $id) { id } }"
VIEWER = "query Viewer { viewer { id name } organization { id name } }"
