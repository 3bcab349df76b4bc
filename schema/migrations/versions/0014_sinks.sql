-- Where the change feed is pushed to: a sink is a consumer of the same name that we read for.
-- `target` is what people see of it (a stream, a task, a URL without what may be secret in it),
-- `secret` the JSON of what may be: URL, signing secret. `attempts` failed since the last time that
-- something was taken; `problem` is why it is paused, or what went wrong then. `taken` are the ids
-- of the messages that were taken of a batch that was not taken whole. Who pushes has the lease, and
-- no other.
CREATE TABLE lightfast_change_sinks (
  name VARCHAR(191) PRIMARY KEY,
  kind VARCHAR(16) NOT NULL CONSTRAINT ck_change_sinks_kind
    CHECK (kind IN ('redis-stream', 'celery-task', 'webhook')),
  target TEXT NOT NULL,
  options JSONB NOT NULL,
  secret BYTEA,
  stores TEXT[],
  source_types TEXT[],
  paused BOOLEAN NOT NULL DEFAULT false,
  problem TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  lease_token UUID,
  lease_until TIMESTAMPTZ,
  taken TEXT[] NOT NULL DEFAULT '{}',
  delivered BIGINT NOT NULL DEFAULT 0,
  delivered_at TIMESTAMPTZ,
  fell_behind_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
