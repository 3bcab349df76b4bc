// What a reader pulls: the seed's tables and what they refer to, and the views for readers. The rest is
// the program's own, and changes with it.
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  dbCredentials: { url: process.env["DATABASE_URL"]! },
  out: "./pulled",
  tablesFilter: [
    "lightfast_docs_documents",
    "lightfast_connected_sources",
    "lightfast_store_sources",
    "lightfast_ingestion_events",
    "lightfast_organizations",
    "lightfast_workspaces",
    "lightfast_stores",
    "lightfast_document_chunks",
    "lightfast_document_references",
    "lightfast_reader_*",
  ],
});
