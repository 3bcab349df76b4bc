-- What is told of documents, in the order in which it is told: a row for up to 500 documents of one
-- statement, written by the triggers below in the statement's own transaction. `said` is what became
-- of them: `added` (came into sight), `changed` (which columns stands in `fields`, a bit each),
-- `cut` (their chunks are others), `hidden`, `deleted`. Of `cut`, `chunks` are the digests of all
-- chunks of a document in order, `added` and `removed` those of the rows that were written and that
-- are gone, each with a space between. A row has no position until it is read: positions are given
-- after the commit, one to each document of a row (`position` is the last one's), so that whoever
-- reads upward misses none.
CREATE TABLE lightfast_document_outbox (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  position BIGINT,
  transaction_id BIGINT NOT NULL,
  written_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  said VARCHAR(16) NOT NULL
    CONSTRAINT ck_outbox_said CHECK (said IN ('added', 'changed', 'cut', 'hidden', 'deleted')),
  documents INTEGER NOT NULL,
  document_ids TEXT[] NOT NULL,
  store_ids TEXT[] NOT NULL,
  source_types TEXT[] NOT NULL,
  source_ids TEXT[] NOT NULL,
  content_hashes TEXT[] NOT NULL,
  config_hashes TEXT[] NOT NULL,
  updated_at TIMESTAMP[] NOT NULL,
  fields INTEGER[],
  chunks TEXT[],
  added TEXT[],
  removed TEXT[]
);
CREATE UNIQUE INDEX uq_outbox_position ON lightfast_document_outbox (position);
CREATE INDEX idx_outbox_fresh ON lightfast_document_outbox (id) WHERE position IS NULL;

-- The last position that was given, and the last of what retention has deleted. One row, or none
-- while nothing was told; who holds it gives positions.
CREATE TABLE lightfast_outbox_head (
  one BOOLEAN PRIMARY KEY DEFAULT true CONSTRAINT ck_outbox_head_one CHECK (one),
  last BIGINT NOT NULL DEFAULT 0,
  pruned BIGINT NOT NULL DEFAULT 0
);

-- Who reads the outbox, by name: up to which position he has said that he is done. While `snapshot`
-- he is given the documents that stand, page by page (`page` is where the last one ended; null
-- before the first), and then what is told from `position` on. `snapshots` counts them, so that
-- what is said of an earlier one is not taken for this. Null in `stores` and `source_types` is all.
CREATE TABLE lightfast_change_consumers (
  name VARCHAR(191) PRIMARY KEY,
  stores TEXT[],
  source_types TEXT[],
  position BIGINT NOT NULL,
  snapshot BOOLEAN NOT NULL,
  page TEXT[],
  snapshots INTEGER NOT NULL DEFAULT 0,
  fell_behind_at TIMESTAMPTZ,
  lease_token UUID,
  lease_until TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  seen_at TIMESTAMPTZ
);

-- The triggers of the change feed: of each statement that writes documents, chunks or withheld
-- documents, whoever runs it, a cascade included. The functions run as their owner, so that nobody
-- who may write a document needs a right to the outbox; what they join is found by index, whatever
-- was known of the tables' sizes when a session planned it.
CREATE FUNCTION lightfast_chunk_digest(text TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT left(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 32) $$;

CREATE FUNCTION lightfast_tell_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO lightfast_document_outbox (transaction_id, said, documents, document_ids, store_ids,
    source_types, source_ids, content_hashes, config_hashes, updated_at)
  SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint), 'added', count(*), array_agg(id),
    array_agg(store_id), array_agg(source_type), array_agg(source_id), array_agg(content_hash),
    array_agg(config_hash), array_agg(updated_at)
  FROM (SELECT *, (row_number() OVER () - 1) / 500 AS part FROM rows_after) d GROUP BY part;
  RETURN NULL;
END
$$;

CREATE FUNCTION lightfast_tell_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_nestloop = off AS $$
BEGIN
  INSERT INTO lightfast_document_outbox (transaction_id, said, documents, document_ids, store_ids,
    source_types, source_ids, content_hashes, config_hashes, updated_at, fields)
  SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint), 'changed', count(*), array_agg(id),
    array_agg(store_id), array_agg(source_type), array_agg(source_id), array_agg(content_hash),
    array_agg(config_hash), array_agg(updated_at), array_agg(fields)
  FROM (
    SELECT *, (row_number() OVER () - 1) / 500 AS part FROM (
      SELECT a.*,
        CASE WHEN a.source_id IS DISTINCT FROM b.source_id THEN 1 ELSE 0 END
        + CASE WHEN a.source_metadata IS DISTINCT FROM b.source_metadata THEN 2 ELSE 0 END
        + CASE WHEN a.parent_doc_id IS DISTINCT FROM b.parent_doc_id THEN 4 ELSE 0 END
        + CASE WHEN a.slug IS DISTINCT FROM b.slug THEN 8 ELSE 0 END
        + CASE WHEN a.content_hash IS DISTINCT FROM b.content_hash THEN 16 ELSE 0 END
        + CASE WHEN a.config_hash IS DISTINCT FROM b.config_hash THEN 32 ELSE 0 END
        + CASE WHEN a.frontmatter IS DISTINCT FROM b.frontmatter THEN 64 ELSE 0 END
        + CASE WHEN a.chunk_count IS DISTINCT FROM b.chunk_count THEN 128 ELSE 0 END
        + CASE WHEN a.relationships IS DISTINCT FROM b.relationships THEN 256 ELSE 0 END
        + CASE WHEN a.created_at IS DISTINCT FROM b.created_at THEN 512 ELSE 0 END AS fields
      FROM rows_after a JOIN rows_before b ON b.id = a.id
    ) c WHERE fields <> 0
  ) d GROUP BY part;
  RETURN NULL;
END
$$;

-- What is put out of sight is withheld by the same statement.
CREATE FUNCTION lightfast_tell_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
  INSERT INTO lightfast_document_outbox (transaction_id, said, documents, document_ids, store_ids,
    source_types, source_ids, content_hashes, config_hashes, updated_at)
  SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint), said, count(*), array_agg(id),
    array_agg(store_id), array_agg(source_type), array_agg(source_id), array_agg(content_hash),
    array_agg(config_hash), array_agg(updated_at)
  FROM (
    SELECT b.*, CASE WHEN w.document_id IS NULL THEN 'deleted' ELSE 'hidden' END AS said,
      (row_number() OVER () - 1) / 500 AS part
    FROM rows_before b LEFT JOIN lightfast_withheld_documents w ON w.document_id = b.id
  ) d GROUP BY said, part;
  RETURN NULL;
END
$$;

-- What comes back into sight was written by the same statement, and is no end of it.
CREATE FUNCTION lightfast_tell_withheld_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
  INSERT INTO lightfast_document_outbox (transaction_id, said, documents, document_ids, store_ids,
    source_types, source_ids, content_hashes, config_hashes, updated_at)
  SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint), 'deleted', count(*),
    array_agg(document_id), array_agg(document ->> 'store_id'),
    array_agg(document ->> 'source_type'), array_agg(document ->> 'source_id'),
    array_agg(document ->> 'content_hash'), array_agg(document ->> 'config_hash'),
    array_agg(CAST(document ->> 'updated_at' AS timestamp))
  FROM (
    SELECT b.*, (row_number() OVER () - 1) / 500 AS part FROM rows_before b
    LEFT JOIN lightfast_docs_documents s ON s.id = b.document_id WHERE s.id IS NULL
  ) d GROUP BY part;
  RETURN NULL;
END
$$;

-- A chunk is known by its text: what moves within its document stays. What else a document has is
-- read, unless these are all that its row says it has, from the first on. Of what goes with its
-- document nothing is told.
CREATE FUNCTION lightfast_tell_cut() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  ids TEXT[];
  adds TEXT[];
  removes TEXT[];
  counts BIGINT[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(document_id), array_agg(digests), array_agg(CAST('' AS text)),
      array_agg(number)
    INTO ids, adds, removes, counts
    FROM (SELECT document_id,
                 CASE WHEN min(position) = 0 AND max(position) = count(*) - 1
                 THEN count(*) END AS number,
                 string_agg(lightfast_chunk_digest(text), ' ' ORDER BY position) AS digests
          FROM rows_after GROUP BY document_id) t;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(document_id), array_agg(CAST('' AS text)), array_agg(digests)
    INTO ids, adds, removes
    FROM (SELECT b.document_id, string_agg(lightfast_chunk_digest(b.text), ' ') AS digests
          FROM rows_before b JOIN lightfast_docs_documents d ON d.id = b.document_id
          GROUP BY b.document_id) t;
  ELSE
    SELECT array_agg(document_id), array_agg(coalesce(after, '')), array_agg(coalesce(before, ''))
    INTO ids, adds, removes
    FROM (SELECT document_id,
                 string_agg(lightfast_chunk_digest(text), ' ') FILTER (WHERE written) AS after,
                 string_agg(lightfast_chunk_digest(text), ' ') FILTER (WHERE NOT written) AS before
          FROM (SELECT document_id, text, true AS written FROM rows_after
                UNION ALL SELECT document_id, text, false FROM rows_before) r
          GROUP BY document_id) t;
  END IF;
  INSERT INTO lightfast_document_outbox (transaction_id, said, documents, document_ids, store_ids,
    source_types, source_ids, content_hashes, config_hashes, updated_at, chunks, added, removed)
  SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint), 'cut', count(*), array_agg(id),
    array_agg(store_id), array_agg(source_type), array_agg(source_id), array_agg(content_hash),
    array_agg(config_hash), array_agg(updated_at), array_agg(chunks), array_agg(written),
    array_agg(gone)
  FROM (
    SELECT d.*, t.written, t.gone, (row_number() OVER () - 1) / 500 AS part,
      CASE WHEN t.number = d.chunk_count THEN t.written
      ELSE coalesce((SELECT string_agg(lightfast_chunk_digest(k.text), ' ' ORDER BY k.position)
                     FROM lightfast_document_chunks k WHERE k.document_id = d.id), '') END AS chunks
    FROM unnest(ids, adds, removes, counts) AS t(id, written, gone, number)
    JOIN lightfast_docs_documents d ON d.id = t.id
  ) d GROUP BY part;
  RETURN NULL;
END
$$;

-- Nobody can tell what a TRUNCATE took: every consumer has fallen behind, and begins anew.
CREATE FUNCTION lightfast_tell_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO lightfast_outbox_head AS h (last, pruned) VALUES (1, 1)
  ON CONFLICT (one) DO UPDATE SET last = h.last + 1, pruned = h.last + 1;
  RETURN NULL;
END
$$;

-- Of these names no temporary table is meant: a function that runs as its owner looks there last.
DO $$
DECLARE
  told regprocedure;
BEGIN
  FOR told IN SELECT oid FROM pg_proc WHERE starts_with(proname, 'lightfast_tell_')
    AND pronamespace = CAST(quote_ident(current_schema()) AS regnamespace)
  LOOP
    EXECUTE concat('ALTER FUNCTION ', told, ' SET search_path = ',
      concat_ws(', ', nullif(current_setting('search_path'), ''), 'pg_temp'));
  END LOOP;
END
$$;

CREATE TRIGGER tell_added AFTER INSERT ON lightfast_docs_documents
  REFERENCING NEW TABLE AS rows_after
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_added();
CREATE TRIGGER tell_changed AFTER UPDATE ON lightfast_docs_documents
  REFERENCING NEW TABLE AS rows_after OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_changed();
CREATE TRIGGER tell_gone AFTER DELETE ON lightfast_docs_documents
  REFERENCING OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_gone();
CREATE TRIGGER tell_truncated AFTER TRUNCATE ON lightfast_docs_documents
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_truncated();
CREATE TRIGGER tell_withheld_gone AFTER DELETE ON lightfast_withheld_documents
  REFERENCING OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_withheld_gone();
CREATE TRIGGER tell_chunks_written AFTER INSERT ON lightfast_document_chunks
  REFERENCING NEW TABLE AS rows_after
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_cut();
CREATE TRIGGER tell_chunks_rewritten AFTER UPDATE ON lightfast_document_chunks
  REFERENCING NEW TABLE AS rows_after OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_cut();
CREATE TRIGGER tell_chunks_gone AFTER DELETE ON lightfast_document_chunks
  REFERENCING OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_cut();
CREATE TRIGGER tell_truncated AFTER TRUNCATE ON lightfast_document_chunks
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_truncated();
