// Typed after the seed's own file of this name.
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { index, pgTable, timestamp, uniqueIndex, varchar } from "drizzle-orm/pg-core";
import { connectedSources } from "./connected-sources.js";
import { stores } from "./owners.js";

export const storeSources = pgTable(
  "lightfast_store_sources",
  {
    id: varchar("id", { length: 191 })
      .primaryKey()
      .$defaultFn(() => randomUUID()),
    storeId: varchar("store_id", { length: 191 })
      .notNull()
      .references(() => stores.id, { onDelete: "cascade" }),
    sourceId: varchar("source_id", { length: 191 })
      .notNull()
      .references(() => connectedSources.id, { onDelete: "cascade" }),
    linkedAt: timestamp("linked_at", { withTimezone: false })
      .notNull()
      .default(sql`CURRENT_TIMESTAMP`),
  },
  (table) => [
    index("idx_store_sources_store").on(table.storeId),
    index("idx_store_sources_source").on(table.sourceId),
    uniqueIndex("uq_store_sources_link").on(table.storeId, table.sourceId),
  ],
);
