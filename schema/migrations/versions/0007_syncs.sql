-- A sync run of a connection: `kind` is backfill, incremental or full, `asked_by` who wanted it.
-- One runs and one waits, at most; `stopped` waits for a person to confirm its `plan`. `scope` is
-- the digest of the connection's metadata when it began, `fence` the number before all it sees.
CREATE TABLE lightfast_sync_runs (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  kind VARCHAR(16) NOT NULL
    CONSTRAINT ck_sync_runs_kind CHECK (kind IN ('backfill', 'incremental', 'full')),
  state VARCHAR(16) NOT NULL DEFAULT 'waiting' CONSTRAINT ck_sync_runs_state
    CHECK (state IN ('waiting', 'running', 'done', 'failed', 'stopped', 'cancelled')),
  asked_by VARCHAR(32) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  fence BIGINT NOT NULL DEFAULT 0,
  confirmed BOOLEAN NOT NULL DEFAULT false,
  plan JSONB,
  reason TEXT,
  requested_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  started_at TIMESTAMPTZ,
  finished_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX uq_sync_runs_running ON lightfast_sync_runs (connection_id)
  WHERE state = 'running';
CREATE UNIQUE INDEX uq_sync_runs_waiting ON lightfast_sync_runs (connection_id)
  WHERE state = 'waiting';
CREATE INDEX idx_sync_runs_connection ON lightfast_sync_runs (connection_id, id);
CREATE INDEX idx_sync_runs_whole ON lightfast_sync_runs (connection_id, id)
  WHERE kind <> 'incremental';
CREATE INDEX idx_sync_runs_ended ON lightfast_sync_runs (finished_at)
  WHERE state IN ('done', 'failed', 'cancelled');
CREATE INDEX idx_sync_runs_stopped ON lightfast_sync_runs (connection_id)
  WHERE state = 'stopped';
CREATE INDEX idx_sync_runs_finished ON lightfast_sync_runs (finished_at);

-- One list of a run: where it stands, what it counted, and when its next page is due. `since` is
-- null for all of it. The part `end` is what is done once all lists are.
CREATE TABLE lightfast_sync_parts (
  run_id BIGINT NOT NULL REFERENCES lightfast_sync_runs(id) ON DELETE CASCADE,
  resource VARCHAR(64) NOT NULL,
  position INTEGER NOT NULL,
  state VARCHAR(16) NOT NULL DEFAULT 'due'
    CONSTRAINT ck_sync_parts_state CHECK (state IN ('due', 'done', 'failed')),
  since TIMESTAMPTZ,
  cursor JSONB,
  kept JSONB,
  made_by VARCHAR(64),
  gap TEXT,
  started_at TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  expected BIGINT,
  pages BIGINT NOT NULL DEFAULT 0,
  calls BIGINT NOT NULL DEFAULT 0,
  seen BIGINT NOT NULL DEFAULT 0,
  changed BIGINT NOT NULL DEFAULT 0,
  deleted BIGINT NOT NULL DEFAULT 0,
  errors BIGINT NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  setbacks INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  lease_until TIMESTAMPTZ,
  lease_token UUID,
  PRIMARY KEY (run_id, resource)
);
CREATE INDEX idx_sync_parts_due ON lightfast_sync_parts (run_id) WHERE state = 'due';

-- What the last complete listing of a resource left: it began at `through`, the last whole one at
-- `whole_at`; `kept` is the provider's own (an export's cursor). Nothing counts in another scope.
CREATE TABLE lightfast_sync_marks (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  resource VARCHAR(64) NOT NULL,
  scope VARCHAR(64) NOT NULL,
  through TIMESTAMPTZ NOT NULL DEFAULT now(),
  whole_at TIMESTAMPTZ,
  made_by VARCHAR(64),
  kept JSONB,
  PRIMARY KEY (connection_id, resource)
);

-- What a run that lists all has seen, by the ledger's identity; gone soon after the run.
CREATE TABLE lightfast_sync_seen (
  run_id BIGINT NOT NULL REFERENCES lightfast_sync_runs(id) ON DELETE CASCADE,
  identity UUID NOT NULL,
  PRIMARY KEY (run_id, identity)
);

-- How often a connection is synced, where it is not as its source has it.
CREATE TABLE lightfast_sync_schedules (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  incremental_s INTEGER,
  full_s INTEGER
);

-- When the receiver was last there, and the times at which none was.
CREATE TABLE lightfast_heartbeats (
  name VARCHAR(32) PRIMARY KEY,
  beat_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE lightfast_receiver_gaps (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  began_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  ended_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Where a connection's provider was told to send its webhooks: below the public URL of this
-- installation. `external_id` is the provider's name for the subscription, once it was made;
-- while it is not `answered`, nobody knows what the provider made of what it was told.
CREATE TABLE lightfast_subscriptions (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  public_url TEXT NOT NULL,
  external_id TEXT,
  answered BOOLEAN NOT NULL DEFAULT false,
  told_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Up to when a provider's log of failed deliveries was looked through, and what came of it. A look
-- began at `began_at`; it walks the log, at `cursor`, and then brings in what that named.
CREATE TABLE lightfast_missed_checks (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  through TIMESTAMPTZ NOT NULL DEFAULT now(),
  stage VARCHAR(16) NOT NULL DEFAULT 'ended'
    CONSTRAINT ck_missed_checks_stage CHECK (stage IN ('ended', 'walking', 'bringing')),
  began_at TIMESTAMPTZ,
  cursor JSONB,
  due_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  claimed_at TIMESTAMPTZ,
  lease BIGINT NOT NULL DEFAULT 0,
  lease_until TIMESTAMPTZ,
  attempts INTEGER NOT NULL DEFAULT 0,
  found BIGINT NOT NULL DEFAULT 0,
  redelivered BIGINT NOT NULL DEFAULT 0,
  recovered BIGINT NOT NULL DEFAULT 0,
  lost BIGINT NOT NULL DEFAULT 0,
  last_error TEXT
);
CREATE INDEX idx_missed_checks_due ON lightfast_missed_checks (due_at);

-- What a provider failed to deliver, until it is in the queue. What cannot be had is due never.
CREATE TABLE lightfast_missed_deliveries (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  delivery_key VARCHAR(255) NOT NULL,
  handle TEXT NOT NULL,
  missed_at TIMESTAMPTZ NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  due_at TIMESTAMPTZ DEFAULT now(),
  PRIMARY KEY (connection_id, delivery_key)
);

-- By which a run goes through the documents of its connection, so many at a time.
CREATE INDEX IF NOT EXISTS idx_feeds_connection_document
  ON lightfast_document_feeds (connection_id, document_id);
