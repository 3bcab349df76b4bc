-- The oldest program that goes on beside this schema, by the version that it brings.
CREATE TABLE lightfast_schema_serves (oldest VARCHAR(32) PRIMARY KEY);
INSERT INTO lightfast_schema_serves VALUES ('0003');

ALTER TABLE lightfast_document_ledger
  ADD COLUMN revision INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN made VARCHAR(64),
  ADD COLUMN heard_at TIMESTAMPTZ,
  ADD COLUMN created_at TIMESTAMPTZ,
  ADD COLUMN created_rank TEXT COLLATE "C";
-- Of what is told at a time that nobody signs, the earliest such time of each body.
CREATE TABLE lightfast_unsigned_times (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  fact UUID NOT NULL,
  version TEXT COLLATE "C" NOT NULL,
  object UUID NOT NULL,
  delivery_id BIGINT NOT NULL,
  PRIMARY KEY (connection_id, fact)
);
CREATE INDEX idx_unsigned_times_object ON lightfast_unsigned_times (connection_id, object);
-- What was told before was told once; when, is not known any more.
INSERT INTO lightfast_unsigned_times
SELECT f.connection_id, f.fact, repeat('0', 20), '00000000-0000-0000-0000-000000000000', 0
FROM lightfast_connection_facts f JOIN lightfast_connected_sources s ON s.id = f.connection_id
WHERE s.source_type = 'sentry';

ALTER TABLE lightfast_document_feeds ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- Keys that a transaction gave another owner: their references are bound after it.
CREATE TABLE lightfast_pending_bindings (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  keys JSONB NOT NULL
);

-- Whose events a delivery waits with: by their place, the connections that told them.
ALTER TABLE lightfast_lookup_waiters ADD COLUMN tellers JSONB;

-- When somebody first saw that a lease had run out: after a while more, its owner is gone.
ALTER TABLE lightfast_webhook_deliveries ADD COLUMN missed_at TIMESTAMPTZ;
ALTER TABLE lightfast_lookups
  ADD COLUMN suspect BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN lone BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN missed_at TIMESTAMPTZ;

-- What came as a message and was refused, the newest thousand: nobody's signature vouches for it,
-- so its body is not kept, only what it takes to find its sender.
CREATE TABLE lightfast_refused_messages (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source_type VARCHAR(64),
  connection_id VARCHAR(191),
  answer VARCHAR(3) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  size BIGINT,
  digest VARCHAR(64),
  refused_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- How many there were in all, by a known source (or `unknown`) and the answer HTTP would have given.
CREATE TABLE lightfast_refused_message_counts (
  source_type VARCHAR(64) NOT NULL,
  answer VARCHAR(3) NOT NULL,
  seen BIGINT NOT NULL,
  PRIMARY KEY (source_type, answer)
);
