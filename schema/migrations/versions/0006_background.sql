-- Nobody waits for a look-up that a sync run asked for; an older version makes it like any other.
ALTER TABLE lightfast_lookups
  ADD COLUMN background BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN run_id BIGINT;

-- The due ones of a connection, and of them those that somebody waits for.
DROP INDEX idx_lookups_connection;
CREATE INDEX idx_lookups_due
  ON lightfast_lookups (connection_id, background, next_attempt_at, id);

-- Until when its look-ups that nobody waits for rest: the provider's budget has no more for them.
ALTER TABLE lightfast_connection_conditions ADD COLUMN rests_until TIMESTAMPTZ;
