-- What a connection has told: the digest of each signed body, and the event that it became.
CREATE TABLE lightfast_connection_facts (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  fact UUID NOT NULL,
  event_key VARCHAR(255) NOT NULL,
  PRIMARY KEY (connection_id, fact)
);

ALTER TABLE lightfast_webhook_deliveries
  ADD COLUMN setbacks INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN lane VARCHAR(255) NOT NULL DEFAULT '';
UPDATE lightfast_webhook_deliveries
SET lane = coalesce(connection_id, CAST(source_type AS text)) WHERE status = 'pending';
CREATE INDEX idx_deliveries_lane ON lightfast_webhook_deliveries (lane, next_attempt_at, id)
  WHERE status = 'pending';

ALTER TABLE lightfast_lookups
  ADD COLUMN setbacks INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN told_gone BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE lightfast_source_credentials ADD COLUMN expires_at TIMESTAMPTZ;

ALTER TABLE lightfast_handshakes
  ADD COLUMN unproven BIGINT REFERENCES lightfast_source_credentials(id) ON DELETE SET NULL;
