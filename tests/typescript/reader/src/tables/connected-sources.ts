// Typed after the seed's own file of this name.
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  timestamp,
  varchar,
} from "drizzle-orm/pg-core";
import { sourceTypeEnum } from "../enums.js";
import type { SourceConnectionMetadata } from "../written.js";
import { organizations, workspaces } from "./owners.js";

export const connectedSources = pgTable(
  "lightfast_connected_sources",
  {
    id: varchar("id", { length: 191 })
      .primaryKey()
      .$defaultFn(() => randomUUID()),
    organizationId: varchar("organization_id", { length: 191 })
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    workspaceId: varchar("workspace_id", { length: 191 }).references(() => workspaces.id, {
      onDelete: "set null",
    }),
    sourceType: sourceTypeEnum("source_type").notNull(),
    displayName: varchar("display_name", { length: 255 }).notNull(),
    sourceMetadata: jsonb("source_metadata").$type<SourceConnectionMetadata>().notNull(),
    isActive: boolean("is_active").notNull().default(true),
    configStatus: varchar("config_status", { length: 16 }).default("pending"),
    documentCount: integer("document_count").notNull().default(0),
    lastSyncedAt: timestamp("last_synced_at", { withTimezone: false }),
    lastIngestedAt: timestamp("last_ingested_at", { withTimezone: false }),
    connectedAt: timestamp("connected_at", { withTimezone: false })
      .notNull()
      .default(sql`CURRENT_TIMESTAMP`),
    createdAt: timestamp("created_at", { withTimezone: false })
      .notNull()
      .default(sql`CURRENT_TIMESTAMP`),
    updatedAt: timestamp("updated_at", { withTimezone: false })
      .notNull()
      .default(sql`CURRENT_TIMESTAMP`),
  },
  (table) => [
    index("idx_sources_org").on(table.organizationId),
    index("idx_sources_workspace").on(table.workspaceId),
    index("idx_sources_type").on(table.sourceType),
    index("idx_sources_org_type").on(table.organizationId, table.sourceType),
    index("idx_sources_org_active").on(table.organizationId, table.isActive),
  ],
);

export type ConnectedSource = typeof connectedSources.$inferSelect;
export type InsertConnectedSource = typeof connectedSources.$inferInsert;
