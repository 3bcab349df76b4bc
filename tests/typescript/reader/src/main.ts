// Runs every query pattern of the seed as the seed writes it, and reads what is written with the
// types and the guards of `ingest types --format ts`. Prints one JSON document: what came out.
import { and, asc, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as schema from "./schema.js";
import {
  type AnyDocumentSourceMetadata,
  type AnyEventMetadata,
  type DocumentSourceMetadata,
  isDocumentSourceMetadata,
  isEventMetadata,
  isGitHubDocMetadata,
  isLinearDocMetadata,
  type SourceConnectionMetadata,
} from "./written.js";

const { connectedSources, docsDocuments, ingestionEvents } = schema;
const client = postgres(process.env["DATABASE_URL"]!, { max: 1 });
const db = drizzle(client, { schema });

// ----- Query Patterns: find documents by source

// Get all Linear issues
const linearIssues = await db.query.docsDocuments.findMany({
  where: eq(docsDocuments.sourceType, "linear"),
});

// Get Linear issues in specific state
const inProgressIssues = await db.query.docsDocuments.findMany({
  where: and(
    eq(docsDocuments.sourceType, "linear"),
    sql`${docsDocuments.sourceMetadata}->>'state' = 'in-progress'`
  ),
});

// ----- Query Patterns: find by external id

// Find Linear issue LIN-123
const issue = await db.query.docsDocuments.findFirst({
  where: and(
    eq(docsDocuments.sourceType, "linear"),
    eq(docsDocuments.sourceId, "LIN-123")
  ),
});

// Find GitHub file by path
const file = await db.query.docsDocuments.findFirst({
  where: and(
    eq(docsDocuments.sourceType, "github"),
    eq(docsDocuments.sourceId, "docs/api/search.md")
  ),
});

// ----- Query Patterns: find related documents

// Get document with relationships
const docId = issue?.id ?? "";
const doc = await db.query.docsDocuments.findFirst({
  where: eq(docsDocuments.id, docId),
});

let relatedDocs: schema.DocsDocument[] = [];
let asWritten = "it works";
if (doc?.relationships?.mentions?.github) {
  // Find mentioned GitHub PRs. The one word that differs from the seed: `sql.param`.
  relatedDocs = await db.query.docsDocuments.findMany({
    where: and(
      eq(docsDocuments.sourceType, "github"),
      sql`${docsDocuments.sourceId} = ANY(${sql.param(doc.relationships.mentions.github)})`
    ),
  });
  // Without it Drizzle makes a list of parameters of an array, which is no array.
  asWritten = await db.query.docsDocuments
    .findMany({
      where: and(
        eq(docsDocuments.sourceType, "github"),
        sql`${docsDocuments.sourceId} = ANY(${doc.relationships.mentions.github})`
      ),
    })
    .then(
      () => "it works",
      () => "it fails"
    );
}

// ----- Query Patterns: find child documents

// Find all comments on a Linear issue
const issueDocId = docId;
const comments = await db.query.docsDocuments.findMany({
  where: and(
    eq(docsDocuments.parentDocId, issueDocId),
    eq(docsDocuments.sourceType, "linear")
  ),
  orderBy: [asc(docsDocuments.createdAt)],
});

// ----- What is written, with its types

/** One line of what is the same in all: narrowed by `type`, and by the guards. */
function told(metadata: AnyDocumentSourceMetadata): string {
  if (isGitHubDocMetadata(metadata)) return `${metadata.repoFullName}:${metadata.path}`;
  if (isLinearDocMetadata(metadata)) return `${metadata.kind} ${metadata.identifier ?? metadata.id}`;
  if (isDocumentSourceMetadata(metadata)) return seeds(metadata);
  return `${metadata.type}, beside the seed`;
}

function seeds(metadata: DocumentSourceMetadata): string {
  switch (metadata.type) {
    case "github":
      return metadata.path;
    case "linear":
      return metadata.id;
    case "notion":
      return metadata.pageId;
    case "sentry":
      return metadata.shortId;
    case "vercel":
      return metadata.deploymentId;
    case "zendesk":
      return metadata.url;
  }
}

function place(metadata: SourceConnectionMetadata): string {
  switch (metadata.type) {
    case "github":
      return metadata.repoFullName;
    case "linear":
      return metadata.linearTeamKey;
    case "notion":
      return metadata.notionWorkspaceName;
    case "sentry":
      return metadata.sentryProjectSlug;
    case "vercel":
      return metadata.projectName;
    case "zendesk":
      return metadata.zendeskSubdomain;
  }
}

const documents = await db.query.docsDocuments.findMany();
const events = await db.query.ingestionEvents.findMany();
const connections = await db.query.connectedSources.findMany();
const graph = documents.flatMap((one) => [
  ...(one.relationships?.graph?.resolves ?? []),
  ...(one.relationships?.graph?.relatedTo ?? []),
]);

const keys = (found: schema.DocsDocument[]) => found.map((one) => one.id);
const action = (metadata: AnyEventMetadata) => `${metadata.type} ${metadata.action}`;

console.log(
  JSON.stringify({
    linearIssues: keys(linearIssues),
    inProgressIssues: keys(inProgressIssues),
    issue: issue?.id ?? null,
    file: file?.id ?? null,
    relatedDocs: keys(relatedDocs),
    asWritten,
    comments: keys(comments),
    createdAt: issue?.createdAt.toISOString() ?? null,
    documents: Object.fromEntries(documents.map((one) => [one.id, told(one.sourceMetadata)])),
    seedsDocuments: keys(documents.filter((one) => isDocumentSourceMetadata(one.sourceMetadata))),
    events: Object.fromEntries(events.map((one) => [one.id, action(one.eventMetadata)])),
    seedsEvents: events.filter((one) => isEventMetadata(one.eventMetadata)).map((one) => one.id),
    connections: Object.fromEntries(connections.map((one) => [one.id, place(one.sourceMetadata)])),
    graph: graph.sort(),
  })
);
await client.end();
