"""What the API is asked of one object: a GraphQL query for each kind, and one for each long list.

Rule (linear.app/developers/rate-limiting): a field costs 0.1, an object 1, a list what one of its
nodes costs times `first`; 10,000 is the most for one query. The dearest of these costs about 480.
Lists of objects are in `rosters`. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PAGE, MORE = 50, 200
"""Nodes of a list that come with its object, and those of each further page."""

_PAGED = f"first: {MORE}, after: $after"
_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_TIMES = "id createdAt updatedAt archivedAt"
_PLACES = "{ nodes { id } pageInfo { hasNextPage } }"
_FEW = 3
_MARK = re.compile(r" ?%([a-z]+)%")
"""Stands where the teams of something are asked for, of connections that are narrowed to some."""
_NAMED = "{ id name }"
_PROJECT_OF = "{ id name url %teams% }"
_INITIATIVE_OF = "{ id name url %projects% }"
_ON_DOCUMENT = "{ id title url %place% }"
_ON_ISSUE = "{ id identifier title url team { id key } }"
_OTHER = "{ id identifier }"

_ISSUE = f"""{_TIMES} identifier number previousIdentifiers title description url priority
    dueDate trashed team {{ id key name }} state {{ name type }} project {{ id }}
    parent {_OTHER} assignee {{ id }}"""
_COMMENT = f"""{_TIMES} body url parent {{ id }} user {_NAMED} externalUser {_NAMED}
    botActor {_NAMED} issue {_ON_ISSUE} project {_PROJECT_OF} initiative {_INITIATIVE_OF}
    projectUpdate {{ id project {_PROJECT_OF} }}
    initiativeUpdate {{ id initiative {_INITIATIVE_OF} }}
    documentContent {{ document {_ON_DOCUMENT} issue {_ON_ISSUE} project {_PROJECT_OF}
      initiative {_INITIATIVE_OF} }}"""
_CALLED = "slugId identifier previousIdentifiers"
_PROJECT = f"""{_TIMES} name description content {_CALLED} url priority health startDate targetDate
    trashed status {{ name type }}"""
_UPDATE = f"{_TIMES} body url health user {_NAMED}"
_DOCUMENT = f"""{_TIMES} title content slugId url trashed creator {{ id }}
    project {{ id %teams% }} initiative {{ id %projects% }} issue {{ id %team% }}
    parentDocument {{ id %above% }} %within%"""
_INITIATIVE = f"""{_TIMES} name description content {_CALLED} url status health priority
    targetDate trashed %projects%"""


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

    @property
    def placed(self) -> str:
        """The same with which of the connection's teams it is in (`$teams`), where its own fields
        do not say that.
        """
        if not self.is_placed:
            return self.text
        taken = "$id: String!, $teams: TeamFilter"
        wanted = f"{self.root}(id: $id) {{ {self.selection({}, _OF_ONE)} }}"
        return f"query {self.name}({taken}) {{ {wanted} }}"

    @property
    def is_placed(self) -> bool:
        """Whether its teams have to be asked for."""
        return _MARK.search(self.fields) is not None

    def selection(self, first: Mapping[str, int], place: Mapping[str, str] | None = None) -> str:
        """The fields and the first page of each list, of so many nodes. place: what is asked of the
        teams that it is in.
        """
        lists = (
            _list(name, f"first: {first.get(name, PAGE)}", of) for name, of in self.lists.items()
        )
        return " ".join((_filled(self.fields, place or {}), *lists))

    def more_name(self, listed: str) -> str:
        """`IssueLabels` for an issue's `labels`."""
        return f"{self.name}{listed[0].upper()}{listed[1:]}"

    def more(self, listed: str) -> str:
        """The next page of one list."""
        variables = "($id: String!, $after: String)"
        page = _list(listed, _PAGED, self.lists[listed])
        name = self.more_name(listed)
        return f"query {name}{variables} {{ {self.root}(id: $id) {{ id {page} }} }}"


def _filled(fields: str, place: Mapping[str, str]) -> str:
    """The fields with what is asked in the place of each mark: a mark may hold others."""
    while _MARK.search(fields):
        fields = _MARK.sub(lambda mark: f" {place[mark[1]]}" if mark[1] in place else "", fields)
    return fields


def _place(teams: int, projects: int) -> Mapping[str, str]:
    """What is asked of teams: of so many projects of an initiative, and so many teams of each.

    Only the connection's own teams are asked for, so that what is there of them is told first.
    """
    told = f"teams(first: {teams}, filter: $teams) {_PLACES}"
    few = f"teams(first: {_FEW}, filter: $teams) {_PLACES}"
    page = f"{{ nodes {{ id {few} }} pageInfo {{ hasNextPage }} }}"
    of_projects = f"projects(first: {projects}) {page}" if projects else ""
    where = (
        "team { id } issue { id team { id } } cycle { id team { id } } project { id %teams% } "
        "initiative { id %projects% }"
    )
    return {
        "teams": told,
        "projects": of_projects,
        "team": "team { id }",
        "place": where,
        "within": "team { id } cycle { id team { id } }",
        "above": where,
    }


_OF_ONE = _place(teams=10, projects=20)
OF_MANY = _place(teams=3, projects=0)
"""Of rows in a list: an initiative's are looked up by themselves."""


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
    "project_update": Query("projectUpdate", f"{_UPDATE} project {_PROJECT_OF}"),
    "document": Query("document", _DOCUMENT),
    "initiative": Query("initiative", _INITIATIVE),
    "initiative_update": Query("initiativeUpdate", f"{_UPDATE} initiative {_INITIATIVE_OF}"),
}

ORGANIZATION = "query Organization { organization { id name } }"
TEAM = "query Team($id: String!) { team(id: $id) { id } }"
VIEWER = "query Viewer { viewer { id name } organization { id name } }"
