"""The part of Linear's public schema that the fake knows: fields, objects, filters, mutations.

A type's plain fields, and the types of its others: `[Issue]` is a connection, `*Team` a bare list.
"""

from __future__ import annotations

from collections.abc import Mapping

_NODE = "id createdAt updatedAt archivedAt"
PLAIN: Mapping[str, str] = {
    "Issue": f"{_NODE} identifier number previousIdentifiers title description url priority "
    "priorityLabel dueDate estimate trashed startedAt completedAt canceledAt branchName",
    "Comment": f"{_NODE} body url quotedText editedAt resolvedAt issueId parentId projectId "
    "projectUpdateId initiativeId initiativeUpdateId documentContentId",
    "Project": f"{_NODE} name description content slugId identifier previousIdentifiers url "
    "state priority health startDate targetDate trashed",
    "ProjectUpdate": f"{_NODE} body health url slugId editedAt",
    "InitiativeUpdate": f"{_NODE} body health url slugId editedAt",
    "Document": f"{_NODE} title content slugId url trashed hiddenAt",
    "Initiative": f"{_NODE} name description content slugId identifier previousIdentifiers url "
    "status health priority targetDate trashed",
    "IssueRelation": f"{_NODE} type",
    "Attachment": f"{_NODE} title subtitle url metadata source sourceType",
    "IssueLabel": f"{_NODE} name color",
    "Team": f"{_NODE} key name",
    "Cycle": f"{_NODE} number name",
    "User": f"{_NODE} name displayName email url",
    "ExternalUser": f"{_NODE} name displayName email",
    "ActorBot": "id type subType name userDisplayName",
    "WorkflowState": f"{_NODE} name type color",
    "ProjectStatus": f"{_NODE} name type color",
    "DocumentContent": f"{_NODE} content",
    "Organization": f"{_NODE} name urlKey createdIssueCount",
    "Webhook": f"{_NODE} url enabled label allPublicTeams secret resourceTypes",
    "WebhookFailureEvent": "id createdAt executionId httpStatus responseOrError url",
    "WebhookPayload": "success lastSyncId",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "Query": "",
    "Mutation": "",
}
OBJECTS: Mapping[str, Mapping[str, str]] = {
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
        "webhook": "Webhook",
        "issues": "[Issue]",
        "comments": "[Comment]",
        "projects": "[Project]",
        "projectUpdates": "[ProjectUpdate]",
        "documents": "[Document]",
        "initiatives": "[Initiative]",
        "initiativeUpdates": "[InitiativeUpdate]",
        "issueRelations": "[IssueRelation]",
        "attachments": "[Attachment]",
        "teams": "[Team]",
        "webhooks": "[Webhook]",
    },
    "Mutation": {"webhookCreate": "WebhookPayload", "webhookUpdate": "WebhookPayload"},
    "Webhook": {"team": "Team", "failures": "*WebhookFailureEvent"},
    "WebhookPayload": {"webhook": "Webhook"},
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
        "team": "Team",
        "cycle": "Cycle",
        "parentDocument": "Document",
        "creator": "User",
        "updatedBy": "User",
    },
    "Cycle": {"team": "Team"},
    "Initiative": {"owner": "User", "creator": "User", "projects": "[Project]"},
}

LISTS: Mapping[str, str] = {
    "issues": "issue",
    "comments": "comment",
    "projects": "project",
    "projectUpdates": "projectUpdate",
    "documents": "document",
    "initiatives": "initiative",
    "initiativeUpdates": "initiativeUpdate",
    "issueRelations": "issueRelation",
    "attachments": "attachment",
    "teams": "team",
}
"""The root field of one object, by that of the list of them."""
BY_ID = frozenset({*OBJECTS["Query"]}) - {*LISTS, "organization", "viewer", "webhooks"}
"""Root fields that need an `id`."""

_TIMES = {"createdAt": "date", "updatedAt": "date"}
FILTERS: Mapping[str, Mapping[str, str]] = {
    "IssueFilter": {
        **_TIMES,
        "id": "id",
        "archivedAt": "date?",
        "team": "TeamFilter",
        "project": "ProjectFilter?",
    },
    "CommentFilter": {**_TIMES, "id": "id", "issue": "IssueFilter?"},
    "ProjectFilter": {**_TIMES, "id": "id"},
    "ProjectUpdateFilter": {**_TIMES, "id": "id", "project": "ProjectFilter"},
    "DocumentFilter": {**_TIMES, "id": "id", "project": "ProjectFilter", "issue": "IssueFilter"},
    "InitiativeFilter": {**_TIMES, "id": "id"},
    "InitiativeUpdateFilter": {**_TIMES, "id": "id", "initiative": "InitiativeFilter"},
    "AttachmentFilter": {**_TIMES, "id": "id"},
    "TeamFilter": {**_TIMES, "id": "id"},
}
"""What a filter can narrow by; what may be null is marked. Relations have none at all."""

RESOURCE_TYPES = frozenset(
    {
        *("AgentSessionEvent", "AppUserNotification", "Attachment", "Comment", "Customer"),
        *("CustomerNeed", "Cycle", "Document", "Initiative", "InitiativeUpdate", "Issue"),
        *("IssueLabel", "IssueSLA", "OAuthAuthorization", "PermissionChange", "Project"),
        *("ProjectLabel", "ProjectUpdate", "Reaction", "Release", "ReleaseNote", "User"),
    }
)
"""`WebhookResourceType`."""
