"""Linear's lists of objects: what each is called, how it is narrowed, how many rows a page has.

Law: no page costs more than Linear allows for one query (see `queries`), and none asks for more
than 250 rows. All lists are read by the time of creation, newest first: it never moves, so that
what changes meanwhile shifts no row, and what is new is before the beginning. Root lists are cheap
where nested ones are dear, so every kind has one of its own. Performs no I/O.

Documents: linear.app/developers/pagination, /filtering; `schema.graphql` of Linear's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.linear.queries import BY_KIND, OF_MANY, Query

DEEP = 25
"""Issues of one request with `PAGE` nodes of each of their lists."""

Filter = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Around:
    """What narrows a listing: the connection's teams, None for all, and a time, None for all."""

    teams: frozenset[str] | None = None
    since: datetime | None = None

    @property
    def team(self) -> Filter:
        """The filter of a team: one of the connection's."""
        return {} if self.teams is None else {"id": {"in": [*sorted(self.teams)]}}


@dataclass(frozen=True, slots=True)
class Roster:
    """A root list.

    root: its field. filter: the type of its filter, None where it takes none.
    rows: what is asked of a row. first: rows of a page. order: what it is sorted by, newest first.
    placed_rows: the same with the teams that a row is in, for connections narrowed to some.
    kind, query: those of its objects, None where it only names issues: then `ends` are the fields
        that do.
    """

    root: str
    filter: str | None
    rows: str
    first: int
    order: str = "createdAt"
    kind: str = ""
    placed_rows: str = ""
    query: Query = field(default_factory=lambda: Query("", ""))
    ends: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The operation's name: `ProjectUpdates` for `projectUpdates`."""
        return f"{self.root[0].upper()}{self.root[1:]}"

    @property
    def text(self) -> str:
        """A page of it, with what proves whose it is: the organization, and one of its teams."""
        return self._text(self.name, self.rows)

    def text_for(self, around: Around) -> str:
        """The same, of which rows say in which teams they are where that is to be known."""
        is_narrowed = around.teams is not None and self.placed_rows
        return self._text(self.name, self.placed_rows) if is_narrowed else self.text

    def deep_text_for(self, around: Around) -> str:
        """The same of `deep_text`."""
        if around.teams is None or not self.query.is_placed:
            return self.deep_text
        return self._text(self.deep_name, self.query.selection({}, OF_MANY))

    @property
    def deep_name(self) -> str:
        """`IssuesWhole` for `issues`."""
        return f"{self.name}Whole"

    @property
    def deep_text(self) -> str:
        """The same with longer pages of the lists within, for `DEEP` objects by their ids."""
        return self._text(self.deep_name, self.query.selection({}))

    def _text(self, name: str, rows: str) -> str:
        taken = "$first: Int!, $after: String, $teams: TeamFilter"
        narrowed = f"first: $first, after: $after, orderBy: {self.order}, includeArchived: true"
        if self.filter:
            taken, narrowed = f"{taken}, $filter: {self.filter}", f"{narrowed}, filter: $filter"
        teams = "teams(first: 1, includeArchived: true, filter: $teams) { nodes { id } }"
        page = f"{{ nodes {{ {rows} }} pageInfo {{ hasNextPage endCursor }} }}"
        return (
            f"query {name}({taken}) {{ organization {{ id createdIssueCount }} {teams} "
            f"{self.root}({narrowed}) {page} }}"
        )

    def expected(self, around: Around, organization: JSON) -> int | None:
        """How many rows the whole list has, about: of all issues the organization says it."""
        counted = self.root == "issues" and around == Around()
        told = organization.get("createdIssueCount") if isinstance(organization, Mapping) else None
        return told if counted and isinstance(told, int) else None

    def narrowed(self, around: Around, before: str | None = None) -> Filter:
        """The filter of a listing. before: only what was created then or earlier."""
        found = {**_by_team(self.root, around), **_by_time(self.root, around)}
        if before is not None:
            found["createdAt"] = {"lte": before}
        return found


def _by_team(root: str, around: Around) -> dict[str, JSON]:
    """Only what says for itself in which team it is; the rest is listed, and judged by its labels.

    A comment in the margin of a text, or on what is no issue, has no `issue`.
    """
    if around.teams is None:
        return {}
    inside: dict[str, JSON] = {"team": dict(around.team)}
    if root == "comments":
        return {"and": [{"or": [{"issue": inside}, {"issue": {"null": True}}]}]}
    return inside if root == "issues" else {}


def _by_time(root: str, around: Around) -> dict[str, JSON]:
    """An issue that goes to the trash or the archive need not move its `updatedAt`."""
    if around.since is None:
        return {}
    moved: JSON = {"gte": iso(around.since)}
    if root == "issues":
        return {"or": [{"updatedAt": moved}, {"archivedAt": moved}]}
    return {"updatedAt": moved}


def _roster(kind: str, root: str, first: int, within: Mapping[str, int] | None = None) -> Roster:
    query = BY_KIND[kind]
    type_ = f"{query.name}Filter"
    placed = query.selection(within or {}, OF_MANY) if query.is_placed else ""
    rows = query.selection(within or {})
    return Roster(root, type_, rows, first, kind=kind, query=query, placed_rows=placed)


# A page is as large as its cost allows, and smaller where its texts are long.
_WITHIN_ISSUE = {"labels": 10, "relations": 5, "inverseRelations": 5, "attachments": 5}
_TIMES = "id createdAt updatedAt"
ISSUES = _roster("issue", "issues", 150, _WITHIN_ISSUE)
BY_RESOURCE: Mapping[str, Roster] = {
    "relations": Roster(
        "issueRelations",
        None,
        f"{_TIMES} issue {{ id }} relatedIssue {{ id }}",
        50,
        order="updatedAt",
        ends=("issue", "relatedIssue"),
    ),
    "attachments": Roster(
        "attachments",
        "AttachmentFilter",
        f"{_TIMES} issue {{ id }} originalIssue {{ id }}",
        50,
        ends=("issue", "originalIssue"),
    ),
    "initiatives": _roster("initiative", "initiatives", 50),
    "projects": _roster("project", "projects", 100, {"teams": 20}),
    "issues": ISSUES,
    "documents": _roster("document", "documents", 50),
    "project_updates": _roster("project_update", "projectUpdates", 100),
    "initiative_updates": _roster("initiative_update", "initiativeUpdates", 100),
    "comments": _roster("comment", "comments", 200),
}
