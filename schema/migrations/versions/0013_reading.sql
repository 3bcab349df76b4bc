-- For those who read: a store's documents of a source in the order of a time, those in a state (as
-- its source calls it, `state` or `status`; by its first 64 characters, since an index row has an
-- end), and those of a kind. Built before, beside whoever writes; here only where the tables are new.
CREATE INDEX IF NOT EXISTS idx_docs_created ON lightfast_docs_documents
  (store_id, source_type, created_at, id);
CREATE INDEX IF NOT EXISTS idx_docs_updated ON lightfast_docs_documents
  (store_id, source_type, updated_at, id);
CREATE INDEX IF NOT EXISTS idx_docs_state ON lightfast_docs_documents
  (left(source_metadata->>'state', 64), source_type, store_id, created_at, id)
  WHERE source_metadata->>'state' IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_docs_status ON lightfast_docs_documents
  (left(source_metadata->>'status', 64), source_type, store_id, created_at, id)
  WHERE source_metadata->>'status' IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_ledger_kind ON lightfast_document_ledger
  (store_id, source_type, kind, document_id);
-- The new one begins with the same column.
DROP INDEX IF EXISTS idx_ledger_store;
CREATE INDEX IF NOT EXISTS idx_deliveries_duplicate ON lightfast_webhook_deliveries (id)
  WHERE status = 'duplicate';
