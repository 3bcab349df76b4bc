export * from "./enums.js";
export * from "./tables/connected-sources.js";
export * from "./tables/docs-documents.js";
export * from "./tables/ingestion-events.js";
export * from "./tables/owners.js";
export * from "./tables/store-sources.js";
