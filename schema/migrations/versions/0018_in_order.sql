-- What is below one document in the order in which it came to be, and what points at one in the order
-- of its ids: a page of very many is read, and not all of them sorted. Built before, beside whoever
-- writes; here only where the tables are new.
CREATE INDEX IF NOT EXISTS idx_docs_children ON lightfast_docs_documents
  (parent_doc_id, created_at, id)
  WHERE parent_doc_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_references_pointing ON lightfast_document_references
  (target_document_id, document_id)
  WHERE target_document_id IS NOT NULL;
-- The new one begins with the same column.
DROP INDEX IF EXISTS idx_references_target;
