-- What came out of a legacy database (docs/legacy.md).

-- An import of an archive, by the SHA-256 of its manifest: where it stands, and what it counted.
CREATE TABLE lightfast_legacy_imports (
  archive VARCHAR(64) PRIMARY KEY,
  directory TEXT NOT NULL,
  in_place BOOLEAN NOT NULL,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  finished_at TIMESTAMPTZ,
  counts JSONB
);

-- Documents of which nobody knows in which scope they are: those that came out of a legacy store with
-- no repository, or with several. Whoever tells first of a thing of this kind and id adopts the row,
-- and so its id and slug.
CREATE TABLE lightfast_orphan_documents (
  document_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  kind VARCHAR(64) NOT NULL,
  external_id TEXT NOT NULL
);
CREATE INDEX idx_orphans_thing
  ON lightfast_orphan_documents (store_id, source_type, kind, external_id);

-- Which vectors a legacy program had put into its index: `id` is the vector's own there. We write
-- none; they outlive the document, so that whoever owns the index learns which vectors are to go.
CREATE TABLE lightfast_legacy_vector_entries (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  doc_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  chunk_index INTEGER NOT NULL,
  content_hash VARCHAR(64) NOT NULL,
  upserted_at TIMESTAMP NOT NULL DEFAULT now()
);
CREATE INDEX idx_legacy_vectors_document ON lightfast_legacy_vector_entries (doc_id);
CREATE INDEX idx_legacy_vectors_store ON lightfast_legacy_vector_entries (store_id);
