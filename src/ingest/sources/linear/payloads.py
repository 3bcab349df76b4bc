"""Linear's JSON as Linear spells it: the fields that we read, and the names of all it publishes.

Law: required is only what no document can do without; null and absence say the same; what we do
not read is tolerated in any form. Source: the `…WebhookPayload` types of `schema.graphql` in
Linear's SDK, and for 2021 to 2023 the fields that the payloads of those years carried.
Performs no I/O.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingest.core.canonical import clean
from ingest.sources.wire import Id, LenientModel


def _listed(raw: Any) -> Any:
    """Payloads carry lists, the API's answers connections, with a null for what may not be seen."""
    found = raw.get("nodes", raw) if isinstance(raw, dict) else raw
    return [node for node in found if node is not None] if isinstance(found, list) else found


def nodes(raw: Any) -> list[dict[str, Any]]:
    """The objects of a list or a connection that nothing depends on; of anything else, none."""
    found = _listed(raw)
    return [node for node in found if isinstance(node, dict)] if isinstance(found, list) else []


class _Payload(LenientModel):
    """Ids are UUIDs today, and were other texts in the past."""

    model_config = ConfigDict(alias_generator=to_camel)


class Named(_Payload):
    """A label, a user or a bot: what is embedded of them."""

    id: str | None = None
    name: str | None = None


class Team(_Payload):
    id: Id | None = None
    key: str | None = None


def _paged(raw: Any) -> Any:
    """A list of a payload's as the API has it."""
    return {"nodes": _listed(raw)} if isinstance(raw, list) else raw


class _Page(_Payload):
    """Of a list within an object: whether it goes on after what is told."""

    page_info: dict[str, Any] | None = None

    @property
    def goes_on(self) -> bool:
        return (self.page_info or {}).get("hasNextPage") is True


class Teams(_Page):
    nodes: Annotated[list[Team], BeforeValidator(_listed)]


class State(_Payload):
    """A workflow state of an issue, or the status of a project."""

    name: str | None = None
    type: str | None = None


class IssueChild(_Payload):
    """An issue as other objects embed it; in 2021 with `id` and `title` alone."""

    id: Id | None = None
    identifier: str | None = None
    title: str | None = None
    url: str | None = None
    team_id: Id | None = None
    team: Team | None = None


class Cycle(_Payload):
    """A cycle of a team, of which a document may be."""

    team: Team | None = None


class Child(_Payload):
    """A project, an initiative or a document as other objects embed it; the teams that it is in,
    or those of what it stands in, are asked for where a connection is narrowed to some.
    """

    id: Id | None = None
    name: str | None = None
    title: str | None = None
    url: str | None = None
    project: Child | None = None
    initiative: Child | None = None
    team: Team | None = None
    issue: IssueChild | None = None
    cycle: Cycle | None = None
    parent_document: Child | None = None
    teams: Annotated[Teams | None, BeforeValidator(_paged)] = None
    projects: Annotated[Projects | None, BeforeValidator(_paged)] = None


class Projects(_Page):
    nodes: Annotated[list[Child], BeforeValidator(_listed)]


Child.model_rebuild()


class Content(_Payload):
    """The long text of something, which comments in its margin are written on."""

    document: Child | None = None
    project: Child | None = None
    initiative: Child | None = None
    issue: IssueChild | None = None


class Entity(_Payload):
    """What every object tells; a removal needs no more."""

    id: Id
    updated_at: str
    issue_id: Id | None = None
    issue: IssueChild | None = None
    project_id: Id | None = None
    project: Child | None = None
    previous_identifiers: list[str] | None = None

    @property
    def its_issue_id(self) -> str | None:
        """By field or by embedded object: payloads carry either, or both."""
        return self.issue_id or (self.issue.id if self.issue else None)

    @property
    def its_project_id(self) -> str | None:
        return self.project_id or (self.project.id if self.project else None)


class Issue(Entity):
    """`attachments` and both kinds of `relations` come from the API; of few payloads too."""

    title: str
    created_at: str
    archived_at: str | None = None
    identifier: str | None = None
    number: Annotated[int, Field(ge=0, le=2**53)] | None = None
    url: str | None = None
    description: str | None = None
    priority: float | None = None
    team_id: Id | None = None
    team: Team | None = None
    state: State | None = None
    labels: Annotated[list[Named] | None, BeforeValidator(_listed)] = None
    assignee_id: str | None = None
    assignee: Named | None = None
    parent_id: str | None = None
    parent: IssueChild | None = None
    due_date: str | None = None
    attachments: Any = None
    relations: Any = None
    inverse_relations: Any = None

    @property
    def its_team_id(self) -> str | None:
        return self.team_id or (self.team.id if self.team else None)

    @property
    def attached_urls(self) -> tuple[str, ...]:
        urls = (node.get("url") for node in nodes(self.attachments))
        return tuple(sorted({clean(url) for url in urls if isinstance(url, str)}))


class Comment(Entity):
    body: str
    created_at: str
    url: str | None = None
    parent_id: Id | None = None
    parent: Named | None = None
    project_update_id: Id | None = None
    project_update: Child | None = None
    initiative_update_id: Id | None = None
    initiative_update: Child | None = None
    initiative_id: Id | None = None
    initiative: Child | None = None
    document_content_id: Id | None = None
    document_content: Content | None = None
    user_id: str | None = None
    user: Named | None = None
    external_user_id: str | None = None
    external_user: Named | None = None
    bot_actor: Named | str | None = None  # a text in the schema, an object in payloads

    @property
    def its_issue(self) -> IssueChild | None:
        """The issue, be the comment below its text or in the margin of it."""
        content = self.document_content
        return self.issue or (content.issue if content else None)


class Project(Entity):
    """`identifier` (`P-ENG-12`, or what somebody chose) is of 2026."""

    name: str
    identifier: str | None = None
    created_at: str
    archived_at: str | None = None
    description: str | None = None
    content: str | None = None
    slug_id: str | None = None
    url: str | None = None
    state: str | State | None = None  # until statuses came, the bare type: `"state": "started"`
    status: State | None = None
    priority: float | None = None
    team_ids: list[Id] | None = None
    teams: Annotated[Teams | None, BeforeValidator(_paged)] = None
    health: str | None = None
    start_date: str | None = None
    target_date: str | None = None


class Update(Entity):
    """A project's update or an initiative's: a report on how it goes."""

    body: str
    created_at: str
    archived_at: str | None = None
    url: str | None = None
    health: str | None = None
    initiative_id: Id | None = None
    initiative: Child | None = None
    user_id: str | None = None
    user: Named | None = None


class Document(Entity):
    """A page; in the API with the objects that it belongs to, in payloads with the ids of some."""

    title: str
    created_at: str
    archived_at: str | None = None
    content: str | None = None
    slug_id: str | None = None
    url: str | None = None
    initiative_id: Id | None = None
    initiative: Child | None = None
    parent_document_id: Id | None = None
    parent_document: Child | None = None
    creator_id: str | None = None
    creator: Named | None = None
    team: Team | None = None
    cycle: Cycle | None = None


class Initiative(Entity):
    """`content`, its long text, comes from the API alone."""

    name: str
    identifier: str | None = None
    created_at: str
    archived_at: str | None = None
    description: str | None = None
    content: str | None = None
    slug_id: str | None = None
    url: str | None = None
    status: str | None = None
    health: str | None = None
    priority: float | None = None
    target_date: str | None = None
    projects: Annotated[Projects | None, BeforeValidator(_paged)] = None


class Link(_Payload):
    """An attachment; `originalIssueId` where it was moved from another issue."""

    issue_id: Id
    original_issue_id: Id | None = None
