"""The names of the fields that Linear's schema publishes; others are reported as drift.

The `…WebhookPayload` types of `schema.graphql` in Linear's SDK, and for 2021 to 2023 what the
payloads of those years carried. To be known is not to be read: `payloads` says what we read.
"""

from __future__ import annotations

from ingest.sources.contract import Payload
from ingest.sources.drift import drift
from ingest.sources.wire import mapping

_WRAPPING = "action actor createdAt data organizationId type updatedFrom url webhookId"
_ENVELOPE = frozenset(f"{_WRAPPING} webhookTimestamp".split())
_ENTITY = "archivedAt createdAt id updatedAt"
_ISSUE = """
    activitySummary addedToCycleAt addedToProjectAt addedToTeamAt assignee assigneeId attachments
    autoArchivedAt autoClosedAt boardOrder botActor branchName canceledAt completedAt creator
    creatorId customerTicketCount cycle cycleId delegate delegateId description descriptionData
    documentContentId dueDate estimate externalUserCreator externalUserCreatorId identifier
    integrationSourceType labelIds labels lastAppliedTemplateId milestone number parent parentId
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
    documentContentId frequencyResolution health healthUpdatedAt icon identifier
    inProgressScopeHistory initiatives issueCountHistory labelIds lastAppliedTemplateId lastUpdateId
    lead leadId leadTeamId memberIds milestoneId milestones name previousIdentifiers priority
    priorityLabel prioritySortOrder projectMilestones projectUpdateRemindersPausedUntilAt
    scopeHistory slackIssueComments slackIssueStatuses slackNewIssue slugId sortOrder startDate
    startDateResolution startedAt state status statusId syncedWith targetDate targetDateResolution
    teamIds trashed updateReminderFrequency updateReminderFrequencyInWeeks updateRemindersDay
    updateRemindersHour url
"""
_INITIATIVE = """
    canceledAt color completedAt content creator creatorId description documentContentId
    frequencyResolution health healthUpdatedAt icon identifier labelIds lastUpdate lastUpdateId
    leadTeamId name organizationId owner ownerId parentInitiative parentInitiatives
    previousIdentifiers priority prioritySortOrder projects slugId sortOrder startedAt status
    subInitiatives targetDate targetDateResolution trashed updateReminderFrequency
    updateReminderFrequencyInWeeks updateRemindersDay updateRemindersHour url visibility
"""
_DOCUMENT = """
    color content contentState creator creatorId cycleId description documentContentId hiddenAt icon
    initiative initiativeId issueId lastAppliedTemplateId ownerId parentDocumentId project projectId
    releaseId resourceFolderId slugId sortOrder subDocumentSortOrder subscriberIds summary teamId
    title trashed updatedById url
"""
_UPDATE = """
    body bodyData commentCount diff diffMarkdown editedAt health infoSnapshot initiative
    initiativeId isDiffHidden isStale project projectId reactionData shortSummary slugId url user
    userId
"""

_LISTS = {
    "Issue": _ISSUE,
    "Comment": _COMMENT,
    "Project": _PROJECT,
    "ProjectUpdate": _UPDATE,
    "Document": _DOCUMENT,
    "Initiative": _INITIATIVE,
    "InitiativeUpdate": _UPDATE,
}
_FIELDS = {kind: frozenset(f"{_ENTITY} {names}".split()) for kind, names in _LISTS.items()}


def unknown_fields(type_: str, payload: Payload) -> tuple[str, ...]:
    """What Linear's schema does not name, of the envelope and of the object."""
    return drift(
        ("EntityWebhookPayload", payload, _ENVELOPE),
        (type_, mapping(payload, "data"), _FIELDS[type_]),
    )
