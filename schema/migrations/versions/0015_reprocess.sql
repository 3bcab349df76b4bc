-- With what the text was read for references and cut, beside the text itself (its repository, what
-- fields state), of the word whose rank ends in `of`. Null in rows of an older version, and where it
-- wrote a newer word since: those wait for a replay or a resync to be read anew.
ALTER TABLE lightfast_document_ledger ADD COLUMN reading JSONB;

-- A run that makes anew what is stored: `what` of it (chunks, references, deliveries), within
-- `scope`. `cursor` is behind what is done, `counts` what became of it by source type, `samples` some
-- of what could not be made, each with the reason. `tries` counts what failed at this place.
CREATE TABLE lightfast_reprocess_runs (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  what VARCHAR(16)[] NOT NULL,
  scope JSONB NOT NULL,
  state VARCHAR(16) NOT NULL DEFAULT 'due' CONSTRAINT ck_reprocess_runs_state
    CHECK (state IN ('due', 'done', 'failed', 'cancelled')),
  asked_by VARCHAR(32) NOT NULL,
  cursor JSONB,
  counts JSONB NOT NULL DEFAULT '{}',
  samples JSONB NOT NULL DEFAULT '[]',
  steps BIGINT NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  last_error TEXT,
  requested_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  started_at TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  lease_until TIMESTAMPTZ,
  lease_token UUID
);
-- What is asked for again before it has begun is asked for once.
CREATE UNIQUE INDEX uq_reprocess_runs_asked ON lightfast_reprocess_runs (what, scope)
  WHERE state = 'due' AND started_at IS NULL;
CREATE INDEX idx_reprocess_runs_due ON lightfast_reprocess_runs (next_attempt_at, id)
  WHERE state = 'due';
