-- The trail, kept for as long as settled deliveries are. A step says what one delivery, look-up or
-- sync run `did` to a document, written with it: created, changed (its text), metadata, unchanged,
-- stale (a newer word is known), unwanted (the filter leaves it out), deleted, withdrawn (out of
-- sight). The hashes are of its text before and after.
CREATE TABLE lightfast_trail_steps (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL DEFAULT now(),
  document_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  connection_id VARCHAR(191),
  delivery_id BIGINT,
  lookup_id BIGINT,
  run_id BIGINT,
  did VARCHAR(16) NOT NULL,
  hash_before VARCHAR(64),
  hash_after VARCHAR(64)
);
CREATE INDEX idx_trail_document ON lightfast_trail_steps (document_id, id);
CREATE INDEX idx_trail_delivery ON lightfast_trail_steps (delivery_id)
  WHERE delivery_id IS NOT NULL;
CREATE INDEX idx_trail_lookup ON lightfast_trail_steps (lookup_id) WHERE lookup_id IS NOT NULL;

-- Which look-ups a delivery asked for, whether it waits for them or not. The look-up's own row is
-- gone once it has ended.
CREATE TABLE lightfast_delivery_lookups (
  delivery_id BIGINT NOT NULL REFERENCES lightfast_webhook_deliveries(id) ON DELETE CASCADE,
  lookup_id BIGINT NOT NULL,
  PRIMARY KEY (delivery_id, lookup_id)
);
CREATE INDEX idx_delivery_lookups_lookup ON lightfast_delivery_lookups (lookup_id);

-- Each try of a look-up, and what it came to. Of those that nobody waits for, what went well at the
-- first try is left out.
CREATE TABLE lightfast_lookup_attempts (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL DEFAULT now(),
  lookup_id BIGINT NOT NULL,
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  kind VARCHAR(64) NOT NULL,
  external_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  outcome VARCHAR(16) NOT NULL,
  error TEXT,
  run_id BIGINT
);
CREATE INDEX idx_lookup_attempts_lookup ON lightfast_lookup_attempts (lookup_id, id);
CREATE INDEX idx_lookup_attempts_connection ON lightfast_lookup_attempts (connection_id, id);
