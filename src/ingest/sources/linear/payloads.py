"""Linear's JSON as Linear spells it: the fields that we read, and the names of all it publishes.

Law: required is only what no document can do without; null and absence say the same; what we do
not read is tolerated in any form. Source: the `…WebhookPayload` types of `schema.graphql` in
Linear's SDK, and for 2021 to 2023 the fields that the payloads of those years carried.
Performs no I/O.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ingest.core.canonical import clean
from ingest.core.errors import BadPayload
from ingest.core.values import JSON

Id = Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f]+$", max_length=255)]
"""UUIDs today, other texts in the past: any printable text without blanks."""


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True, extra="ignore")


class Named(_Payload):
    """A label, a user or a bot: what is embedded of them."""

    id: str | None = None
    name: str | None = None


class Team(_Payload):
    id: Id | None = None
    key: str | None = None


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


class ProjectChild(_Payload):
    id: Id | None = None
    name: str | None = None
    url: str | None = None


class CommentContainer(_Payload):
    """A project update or a document's content, which a comment can be written on."""

    project: ProjectChild | None = None


class Entity(_Payload):
    """What every object tells; a removal needs no more."""

    id: Id
    updated_at: str
    issue_id: Id | None = None
    issue: IssueChild | None = None
    project_id: Id | None = None
    project: ProjectChild | None = None
    previous_identifiers: list[str] | None = None

    @property
    def its_issue_id(self) -> str | None:
        """By field or by embedded object: payloads carry either, or both."""
        return self.issue_id or (self.issue.id if self.issue else None)

    @property
    def its_project_id(self) -> str | None:
        return self.project_id or (self.project.id if self.project else None)


class Issue(Entity):
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
    labels: list[Named] | None = None
    assignee_id: str | None = None
    assignee: Named | None = None
    parent_id: str | None = None
    parent: IssueChild | None = None
    due_date: str | None = None
    attachments: Any = None

    @property
    def attached_urls(self) -> tuple[str, ...]:
        """Payloads carry a list or, as the API does, a connection with `nodes`."""
        found = self.attachments
        nodes = found.get("nodes") if isinstance(found, dict) else found
        listed = nodes if isinstance(nodes, list) else []
        urls = (node.get("url") for node in listed if isinstance(node, dict))
        return tuple(sorted({clean(url) for url in urls if isinstance(url, str)}))


class Comment(Entity):
    body: str
    created_at: str
    url: str | None = None
    parent_id: Id | None = None
    project_update: CommentContainer | None = None
    document_content: CommentContainer | None = None
    user_id: str | None = None
    user: Named | None = None
    external_user: Named | None = None
    bot_actor: Named | str | None = None  # a text in the schema, an object in payloads


class Project(Entity):
    name: str
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
    health: str | None = None
    start_date: str | None = None
    target_date: str | None = None


P = TypeVar("P", bound=_Payload)


def read(model: type[P], raw: JSON, path: str) -> P:
    """The object at `path`; raises `BadPayload` with the first field that is missing or wrong."""
    if raw is None:
        raise BadPayload(path, "missing")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _bad_payload(error, path) from error


def text(raw: JSON) -> str | None:
    """A text out of a field that nothing depends on; whatever is no text says nothing."""
    return clean(raw) if isinstance(raw, str) and raw else None


def _bad_payload(error: ValidationError, path: str) -> BadPayload:
    first: dict[str, Any] = dict(error.errors(include_url=False, include_context=False)[0])
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    if first["type"] == "missing" or first["input"] is None:
        return BadPayload(path, "missing")
    return BadPayload(path, str(first["msg"]).lower())


_ENVELOPE = """
    action actor createdAt data organizationId type updatedFrom url webhookId webhookTimestamp
"""
_ENTITY = "archivedAt createdAt id updatedAt"
_ISSUE = """
    activitySummary addedToCycleAt addedToProjectAt addedToTeamAt assignee assigneeId attachments
    autoArchivedAt autoClosedAt boardOrder botActor branchName canceledAt completedAt creator
    creatorId customerTicketCount cycle cycleId delegate delegateId description descriptionData
    documentContentId dueDate estimate externalUserCreator externalUserCreatorId identifier
    integrationSourceType labelIds labels lastAppliedTemplateId number parent parentId
    previousIdentifiers priority priorityLabel prioritySortOrder project projectId projectMilestone
    projectMilestoneId reactionData recurringIssueTemplateId releases slaBreachesAt slaHighRiskAt
    slaMediumRiskAt slaStartedAt slaType snoozedById snoozedUntilAt sortOrder sourceCommentId
    sourceMetadata startedAt startedTriageAt state stateId subIssueSortOrder subscriberIds
    subscribers syncedWith team teamId title trashed triageResponsibilityTeamId triagedAt url
"""
_COMMENT = """
    body bodyData botActor documentContent documentContentId editedAt externalThread externalUser
    externalUserId hideInLinear initiative initiativeId initiativeUpdate initiativeUpdateId issue
    issueId parent parentId post postId project projectId projectUpdate projectUpdateId quotedText
    reactionData resolvedAt resolvingCommentId resolvingUserId syncedWith threadSummary url user
    userId
"""
_PROJECT = """
    autoArchivedAt canceledAt color completedAt completedIssueCountHistory completedScopeHistory
    content contentState convertedFromIssueId creator creatorId description documentContent
    documentContentId frequencyResolution health healthUpdatedAt icon inProgressScopeHistory
    initiatives issueCountHistory labelIds lastAppliedTemplateId lastUpdateId lead leadId memberIds
    milestoneId milestones name priority priorityLabel prioritySortOrder projectMilestones
    projectUpdateRemindersPausedUntilAt scopeHistory slackIssueComments slackIssueStatuses
    slackNewIssue slugId sortOrder startDate startDateResolution startedAt state status statusId
    syncedWith targetDate targetDateResolution teamIds trashed updateReminderFrequency
    updateReminderFrequencyInWeeks updateRemindersDay updateRemindersHour url
"""

ENVELOPE_FIELDS = frozenset(_ENVELOPE.split())
"""Every field of an `EntityWebhookPayload` that we have heard of; another one is drift."""

DATA_FIELDS = {
    kind: frozenset(f"{_ENTITY} {fields}".split())
    for kind, fields in (("Issue", _ISSUE), ("Comment", _COMMENT), ("Project", _PROJECT))
}
"""Every field of `data`, by the type of its object."""
