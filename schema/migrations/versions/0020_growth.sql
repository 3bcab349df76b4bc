-- For people, too: the newest deliveries of a connection, and of a source. Built before, beside whoever
-- writes; here only where the table is new.
CREATE INDEX IF NOT EXISTS idx_deliveries_of_connection ON lightfast_webhook_deliveries
  (connection_id, id);
CREATE INDEX IF NOT EXISTS idx_deliveries_of_source ON lightfast_webhook_deliveries
  (source_type, id);
-- The first one begins with the same column.
DROP INDEX IF EXISTS idx_deliveries_connection;

-- By how much a connection's count is another; where it is null, as an older version of the program
-- writes it, the count is taken anew.
ALTER TABLE lightfast_count_marks ADD COLUMN delta INTEGER;

-- What changes a connection's count is told with it, so that nobody counts what did not change: a
-- document counts for whoever feeds it while it stands. Of a document and its feeds, which are written
-- under one lock, whichever statement comes second finds the other.
CREATE FUNCTION lightfast_tell_fed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO lightfast_count_marks (connection_id, delta)
    SELECT a.connection_id, count(*) FROM rows_after a
    JOIN lightfast_docs_documents d ON d.id = a.document_id
    WHERE a.feeding GROUP BY a.connection_id;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO lightfast_count_marks (connection_id, delta)
    SELECT b.connection_id, -count(*) FROM rows_before b
    JOIN lightfast_docs_documents d ON d.id = b.document_id
    JOIN lightfast_connected_sources s ON s.id = b.connection_id
    WHERE b.feeding GROUP BY b.connection_id;
  ELSE
    INSERT INTO lightfast_count_marks (connection_id, delta)
    SELECT r.connection_id, sum(r.one) FROM (
      SELECT connection_id, document_id, 1 AS one FROM rows_after WHERE feeding
      UNION ALL SELECT connection_id, document_id, -1 FROM rows_before WHERE feeding) r
    JOIN lightfast_docs_documents d ON d.id = r.document_id
    GROUP BY r.connection_id HAVING sum(r.one) <> 0;
  END IF;
  RETURN NULL;
END
$$;
CREATE FUNCTION lightfast_tell_stood() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO lightfast_count_marks (connection_id, delta)
    SELECT f.connection_id, count(*) FROM rows_after a
    JOIN lightfast_document_feeds f ON f.document_id = a.id
    WHERE f.feeding GROUP BY f.connection_id;
  ELSE
    INSERT INTO lightfast_count_marks (connection_id, delta)
    SELECT f.connection_id, -count(*) FROM rows_before b
    JOIN lightfast_document_feeds f ON f.document_id = b.id
    JOIN lightfast_connected_sources s ON s.id = f.connection_id
    WHERE f.feeding GROUP BY f.connection_id;
  END IF;
  RETURN NULL;
END
$$;
CREATE FUNCTION lightfast_tell_uncounted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO lightfast_count_marks (connection_id) SELECT id FROM lightfast_connected_sources;
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

CREATE TRIGGER tell_fed AFTER INSERT ON lightfast_document_feeds
  REFERENCING NEW TABLE AS rows_after
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_fed();
CREATE TRIGGER tell_fed_otherwise AFTER UPDATE ON lightfast_document_feeds
  REFERENCING NEW TABLE AS rows_after OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_fed();
CREATE TRIGGER tell_unfed AFTER DELETE ON lightfast_document_feeds
  REFERENCING OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_fed();
CREATE TRIGGER tell_uncounted AFTER TRUNCATE ON lightfast_document_feeds
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_uncounted();
CREATE TRIGGER tell_stands AFTER INSERT ON lightfast_docs_documents
  REFERENCING NEW TABLE AS rows_after
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_stood();
CREATE TRIGGER tell_stood AFTER DELETE ON lightfast_docs_documents
  REFERENCING OLD TABLE AS rows_before
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_stood();
CREATE TRIGGER tell_uncounted AFTER TRUNCATE ON lightfast_docs_documents
  FOR EACH STATEMENT EXECUTE FUNCTION lightfast_tell_uncounted();
