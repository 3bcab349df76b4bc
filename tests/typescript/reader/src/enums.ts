import { pgEnum } from "drizzle-orm/pg-core";

export const sourceTypeEnum = pgEnum("source_type", [
  "github",
  "linear",
  "notion",
  "sentry",
  "vercel",
  "zendesk",
]);

export type SourceType = (typeof sourceTypeEnum.enumValues)[number];
