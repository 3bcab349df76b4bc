// What the seed's tables refer to, as far as they do.
import { pgTable, varchar } from "drizzle-orm/pg-core";

export const organizations = pgTable("lightfast_organizations", {
  id: varchar("id", { length: 191 }).primaryKey(),
});

export const workspaces = pgTable("lightfast_workspaces", {
  id: varchar("id", { length: 191 }).primaryKey(),
});

export const stores = pgTable("lightfast_stores", {
  id: varchar("id", { length: 191 }).primaryKey(),
});
