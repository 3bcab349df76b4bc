// Typed after the seed's own file of this name.
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import {
  index,
  integer,
  jsonb,
  pgTable,
  timestamp,
  uniqueIndex,
  varchar,
} from "drizzle-orm/pg-core";
import { sourceTypeEnum } from "../enums.js";
import type { AnyDocumentSourceMetadata, DocumentRelationships } from "../written.js";
import { stores } from "./owners.js";

export const docsDocuments = pgTable(
  "lightfast_docs_documents",
  {
    id: varchar("id", { length: 191 })
      .primaryKey()
      .$defaultFn(() => randomUUID()),
    storeId: varchar("store_id", { length: 191 })
      .notNull()
      .references(() => stores.id, { onDelete: "cascade" }),
    sourceType: sourceTypeEnum("source_type").notNull(),
    sourceId: varchar("source_id", { length: 255 }).notNull(),
    sourceMetadata: jsonb("source_metadata").$type<AnyDocumentSourceMetadata>().notNull(),
    parentDocId: varchar("parent_doc_id", { length: 191 }),
    slug: varchar("slug", { length: 256 }).notNull(),
    contentHash: varchar("content_hash", { length: 64 }).notNull(),
    configHash: varchar("config_hash", { length: 64 }),
    frontmatter: jsonb("frontmatter"),
    chunkCount: integer("chunk_count").notNull().default(0),
    relationships: jsonb("relationships").$type<DocumentRelationships>(),
    createdAt: timestamp("created_at", { withTimezone: false })
      .notNull()
      .default(sql`CURRENT_TIMESTAMP`),
    updatedAt: timestamp("updated_at", { withTimezone: false })
      .notNull()
      .default(sql`CURRENT_TIMESTAMP`),
  },
  (table) => [
    index("idx_docs_store").on(table.storeId),
    index("idx_docs_store_slug").on(table.storeId, table.slug),
    index("idx_docs_source_type").on(table.sourceType),
    index("idx_docs_source_id").on(table.sourceType, table.sourceId),
    index("idx_docs_parent").on(table.parentDocId),
    uniqueIndex("uq_docs_store_slug").on(table.storeId, table.slug),
  ],
);

export type DocsDocument = typeof docsDocuments.$inferSelect;
export type InsertDocsDocument = typeof docsDocuments.$inferInsert;
