ALTER TABLE lightfast_connection_scopes DROP CONSTRAINT lightfast_connection_scopes_pkey;
ALTER TABLE lightfast_connection_scopes ADD PRIMARY KEY (connection_id, tenant);

CREATE TABLE lightfast_lookups (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  object UUID NOT NULL,
  scope TEXT NOT NULL,
  kind VARCHAR(64) NOT NULL,
  external_id TEXT NOT NULL,
  hint JSONB NOT NULL,
  asked BIGINT NOT NULL DEFAULT 1,
  taken BIGINT NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  asked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  patient_until TIMESTAMPTZ NOT NULL DEFAULT now(),
  next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  lease_until TIMESTAMPTZ,
  lease_token UUID
);
CREATE UNIQUE INDEX uq_lookups_object ON lightfast_lookups(connection_id, object);
CREATE INDEX idx_lookups_connection ON lightfast_lookups(connection_id, next_attempt_at, id);
CREATE INDEX idx_lookups_running ON lightfast_lookups(connection_id) WHERE lease_until IS NOT NULL;

CREATE TABLE lightfast_lookup_waiters (
  lookup_id BIGINT NOT NULL REFERENCES lightfast_lookups(id) ON DELETE CASCADE,
  delivery_id BIGINT NOT NULL REFERENCES lightfast_webhook_deliveries(id) ON DELETE CASCADE,
  asked BIGINT NOT NULL,
  events JSONB NOT NULL,
  PRIMARY KEY (lookup_id, delivery_id)
);
CREATE INDEX idx_waiters_delivery ON lightfast_lookup_waiters(delivery_id);

CREATE TABLE lightfast_lookup_states (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  object UUID NOT NULL,
  state JSONB NOT NULL,
  PRIMARY KEY (connection_id, object)
);

CREATE SEQUENCE lightfast_fences;

CREATE TABLE lightfast_connection_conditions (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  problem TEXT,
  problem_at TIMESTAMPTZ,
  held_until TIMESTAMPTZ
);

CREATE TABLE lightfast_handshakes (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  armed_until TIMESTAMPTZ,
  token BYTEA,
  captured_at TIMESTAMPTZ,
  shown_at TIMESTAMPTZ
);
