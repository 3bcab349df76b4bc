// The seed's types of metadata and relationships, field for field as its `database-schema.md` has them.
// They are law: ours are measured by them, and never the other way round.

export interface GitHubDocMetadata {
  type: "github";
  path: string;
  commitSha: string;
  committedAt: string;
  repoFullName: string;
  branch?: string;
}

export interface LinearDocMetadata {
  type: "linear";
  kind: "issue" | "comment" | "project";
  id: string;
  url: string;
  createdAt: string;
  updatedAt: string;
  identifier?: string;
  teamId?: string;
  teamKey?: string;
  projectId?: string;
  state?: string;
  priority?: number;
  labels?: string[];
  assigneeId?: string;
  issueId?: string;
  issueIdentifier?: string;
  userId?: string;
  userName?: string;
}

export interface NotionDocMetadata {
  type: "notion";
  kind: "database-page" | "doc-page";
  pageId: string;
  databaseId?: string;
  title: string;
  url: string;
  properties?: Record<string, unknown>;
  lastEditedTime: string;
  lastEditedBy?: string;
}

export interface SentryDocMetadata {
  type: "sentry";
  kind: "issue";
  issueId: string;
  shortId: string;
  project: string;
  platform?: string;
  level: string;
  status: string;
  culprit?: string;
  count: number;
  userCount?: number;
  environments: string[];
  releases: string[];
  tags: Record<string, string[]>;
  firstSeen: string;
  lastSeen: string;
  url: string;
}

export interface VercelDocMetadata {
  type: "vercel";
  kind: "deployment";
  deploymentId: string;
  deploymentUrl: string;
  project: string;
  environment: string;
  status: string;
  target?: string;
  commitSha?: string;
  commitMessage?: string;
  branch?: string;
  errorCount?: number;
  errorSummary?: string;
  createdAt: string;
  readyAt?: string;
  url: string;
}

export interface ZendeskDocMetadata {
  type: "zendesk";
  kind: "ticket" | "article";
  url: string;
  updatedAt: string;
  ticketId?: number;
  status?: string;
  priority?: string;
  ticketType?: string;
  assigneeId?: number;
  submitterId?: number;
  tags?: string[];
  commentCount?: number;
  articleId?: number;
  sectionId?: number;
  locale?: string;
  promoted?: boolean;
  voteSum?: number;
}

export type DocumentSourceMetadata =
  | GitHubDocMetadata
  | LinearDocMetadata
  | NotionDocMetadata
  | SentryDocMetadata
  | VercelDocMetadata
  | ZendeskDocMetadata;

export interface DocumentRelationships {
  mentions?: {
    github?: string[];
    linear?: string[];
    notion?: string[];
    sentry?: string[];
    vercel?: string[];
    zendesk?: string[];
  };
  temporal?: {
    deploymentId?: string;
    commitSha?: string;
    beforeEventId?: string;
    afterEventId?: string;
  };
  graph?: {
    resolves?: string[];
    blockedBy?: string[];
    dependsOn?: string[];
    relatedTo?: string[];
  };
}

export interface GitHubSourceMetadata {
  type: "github";
  githubRepoId: string;
  githubInstallationId: string;
  repoFullName: string;
  owner: string;
  defaultBranch: string;
  language?: string;
  private: boolean;
  permissions: {
    admin: boolean;
    push: boolean;
    pull: boolean;
  };
  configPath?: string;
}

export interface LinearSourceMetadata {
  type: "linear";
  linearTeamId: string;
  linearTeamKey: string;
  linearOrganizationId: string;
  teamName: string;
  webhookId?: string;
  accessTokenHash?: string;
}

export interface NotionSourceMetadata {
  type: "notion";
  notionWorkspaceId: string;
  notionWorkspaceName: string;
  databaseIds: string[];
  webhookId?: string;
  accessTokenHash?: string;
}

export interface SentrySourceMetadata {
  type: "sentry";
  sentryOrganizationSlug: string;
  sentryProjectSlug: string;
  sentryProjectId: string;
  webhookId?: string;
  accessTokenHash?: string;
}

export interface VercelSourceMetadata {
  type: "vercel";
  vercelProjectId: string;
  vercelTeamId?: string;
  projectName: string;
  webhookId?: string;
  accessTokenHash?: string;
}

export interface ZendeskSourceMetadata {
  type: "zendesk";
  zendeskSubdomain: string;
  zendeskAccountId: string;
  webhookId?: string;
  accessTokenHash?: string;
}

export type SourceConnectionMetadata =
  | GitHubSourceMetadata
  | LinearSourceMetadata
  | NotionSourceMetadata
  | SentrySourceMetadata
  | VercelSourceMetadata
  | ZendeskSourceMetadata;

export interface GitHubEventMetadata {
  type: "github";
  action: "push";
  beforeSha: string;
  afterSha: string;
  deliveryId: string;
  pusher: string;
  ref: string;
  repository: string;
}

export interface LinearEventMetadata {
  type: "linear";
  action: "create" | "update" | "remove";
  webhookId: string;
  issueId?: string;
  commentId?: string;
  projectId?: string;
  updatedAt: string;
}

export interface NotionEventMetadata {
  type: "notion";
  action: "created" | "updated" | "deleted";
  webhookId: string;
  pageId: string;
  databaseId?: string;
  lastEditedTime: string;
}

export interface SentryEventMetadata {
  type: "sentry";
  action: "created" | "assigned" | "resolved" | "event.created";
  webhookId: string;
  issueId: string;
  eventId?: string;
  level?: string;
  triggeredAt: string;
}

export interface VercelEventMetadata {
  type: "vercel";
  action: "deployment.created" | "deployment.ready" | "deployment.error";
  webhookId: string;
  deploymentId: string;
  deploymentUrl: string;
  state: string;
  environment: string;
  triggeredAt: string;
}

export interface ZendeskEventMetadata {
  type: "zendesk";
  action: "ticket.created" | "ticket.updated" | "article.published" | "article.updated";
  webhookId: string;
  ticketId?: number;
  articleId?: number;
  triggeredAt: string;
}

export type EventMetadata =
  | GitHubEventMetadata
  | LinearEventMetadata
  | NotionEventMetadata
  | SentryEventMetadata
  | VercelEventMetadata
  | ZendeskEventMetadata;
