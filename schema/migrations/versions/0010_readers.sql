-- Whoever only reads may rely on these: a column is never taken away or given another meaning, only
-- added behind the others. Each has `store_id` (deliveries: their organization) to keep a tenant to his
-- own, and none can be written through.

-- A document's text: its chunks, each without what it repeats of the one before. `text` is canonical
-- (title, two line feeds, body); `is_whole` says that it is what `content_hash` is the SHA-256 of. Of a
-- document without chunks it is null, unless that says nothing at all: two line feeds.
CREATE VIEW lightfast_reader_document_text AS
SELECT d.id AS document_id, d.store_id, d.source_type, d.source_id,
  split_part(t.text, E'\n\n', 1) AS title,
  substring(t.text FROM strpos(t.text, E'\n\n') + 2) AS body,
  t.text,
  coalesce(encode(sha256(convert_to(t.text, 'UTF8')), 'hex') = d.content_hash, false) AS is_whole,
  d.content_hash, d.updated_at
FROM lightfast_docs_documents d
CROSS JOIN LATERAL (
  SELECT coalesce(
    string_agg(substring(c.text FROM c.behind - c.start + 1), '' ORDER BY c.position),
    CASE d.content_hash
      WHEN '75a11da44c802486bc6f65640aa48a730f0f684c5c07a42ba3cd1735eb3fb070' THEN E'\n\n'
    END
  ) AS text
  FROM (
    SELECT position, start, text,
      coalesce(lag(start + char_length(text)) OVER (ORDER BY position), 0) AS behind
    FROM lightfast_document_chunks
    WHERE document_id = d.id
  ) c
) t;

-- The chunks with what their document is; `updated_at` moves with the text alone. OFFSET 0: they are
-- found by their document, and never all read for a time.
CREATE VIEW lightfast_reader_chunks AS
SELECT d.id AS document_id, d.store_id, d.source_type, d.source_id, c.position, c.start, c.text,
  c.updated_at, d.content_hash, d.config_hash, d.updated_at AS document_updated_at
FROM lightfast_docs_documents d
CROSS JOIN LATERAL (
  SELECT position, start, text, updated_at FROM lightfast_document_chunks
  WHERE document_id = d.id OFFSET 0
) c;

-- What stands below a document, itself first (`thread_id`, depth 0): each followed by what is below
-- it, siblings as they came to be. `is_root`: the thread's first document is below none that is there.
CREATE VIEW lightfast_reader_threads AS
SELECT r.id AS thread_id, r.store_id, t.position, t.depth, t.id AS document_id, t.parent_doc_id,
  t.source_type, t.source_id, t.source_metadata, t.created_at, t.updated_at,
  p.id IS NULL AS is_root
FROM lightfast_docs_documents r
LEFT JOIN lightfast_docs_documents p ON p.id = r.parent_doc_id AND p.store_id = r.store_id
CROSS JOIN LATERAL (
  WITH RECURSIVE below AS (
    SELECT 0 AS depth, h.id, h.parent_doc_id, h.source_type, h.source_id, h.source_metadata,
      h.created_at, h.updated_at
    FROM lightfast_docs_documents h
    WHERE h.id = r.id
    UNION ALL
    SELECT b.depth + 1, c.id, c.parent_doc_id, c.source_type, c.source_id, c.source_metadata,
      c.created_at, c.updated_at
    FROM below b
    JOIN lightfast_docs_documents c ON c.parent_doc_id = b.id AND c.store_id = r.store_id
  ) SEARCH DEPTH FIRST BY created_at, id SET path CYCLE id SET is_again USING seen
  SELECT below.*, CAST(row_number() OVER (ORDER BY path) - 1 AS integer) AS position
  FROM below
  WHERE NOT is_again
) t;

-- Who points at a document, how, and in which words. Both are there and in sight, in one store.
CREATE VIEW lightfast_reader_backlinks AS
SELECT r.store_id, r.target_document_id AS document_id, r.kind, r.origin, r.evidence, r.target_key,
  f.id AS from_document_id, f.source_type AS from_source_type, f.source_id AS from_source_id,
  f.source_metadata ->> 'url' AS from_url, f.created_at AS from_created_at
FROM lightfast_document_references r
JOIN lightfast_docs_documents f ON f.id = r.document_id AND f.store_id = r.store_id
JOIN lightfast_docs_documents t ON t.id = r.target_document_id AND t.store_id = r.store_id;

-- What was written since a time: `WHERE updated_at >= …`. What is gone or hidden stands in no view;
-- whoever has to learn of that follows the change feed.
CREATE VIEW lightfast_reader_changed AS
SELECT d.store_id, d.updated_at, d.id AS document_id, d.source_type, l.kind, d.source_id, d.slug,
  d.parent_doc_id, d.content_hash, d.config_hash, d.chunk_count, d.created_at
FROM lightfast_docs_documents d
LEFT JOIN lightfast_document_ledger l ON l.document_id = d.id;

-- Deliveries for those whose tools know no `bytea`: all but the raw body.
CREATE VIEW lightfast_reader_deliveries AS
SELECT w.id, s.organization_id, w.connection_id, w.source_type, w.delivery_key, w.headers,
  encode(w.body_hash, 'hex') AS body_hash, octet_length(w.body) AS body_bytes, w.status, w.reason,
  w.attempts, w.last_error, w.conflicting, w.received_at, w.next_attempt_at, w.settled_at
FROM lightfast_webhook_deliveries w
LEFT JOIN lightfast_connected_sources s ON s.id = w.connection_id;
