// Typed after the seed's own file of this name.
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { index, jsonb, pgTable, timestamp, uniqueIndex, varchar } from "drizzle-orm/pg-core";
import { sourceTypeEnum } from "../enums.js";
import type { AnyEventMetadata } from "../written.js";
import { stores } from "./owners.js";

export const ingestionEvents = pgTable(
  "lightfast_ingestion_events",
  {
    id: varchar("id", { length: 191 })
      .primaryKey()
      .$defaultFn(() => randomUUID()),
    storeId: varchar("store_id", { length: 191 })
      .notNull()
      .references(() => stores.id, { onDelete: "cascade" }),
    sourceType: sourceTypeEnum("source_type").notNull(),
    eventKey: varchar("event_key", { length: 255 }).notNull(),
    eventMetadata: jsonb("event_metadata").$type<AnyEventMetadata>().notNull(),
    status: varchar("status", { length: 16 }).notNull().default("processed"),
    processedAt: timestamp("processed_at", { withTimezone: false })
      .notNull()
      .default(sql`CURRENT_TIMESTAMP`),
  },
  (table) => [
    index("idx_events_store").on(table.storeId),
    index("idx_events_type").on(table.sourceType),
    index("idx_events_status").on(table.status),
    uniqueIndex("uq_event_key").on(table.storeId, table.sourceType, table.eventKey),
  ],
);
