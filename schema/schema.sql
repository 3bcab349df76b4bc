-- The whole database as it is today: read this first.
--
-- Part 1 is the seed's four tables and its enum, exactly as the seed writes them.
-- Part 2 is what the seed's tables refer to. Part 3 is ours: the queue of raw deliveries, the
-- ledger that decides who is newer, and what hangs on it. Part 4 tells of changes, by triggers, part
-- 5 is views for whoever only reads. The migrations build the same; a test compares the two and the
-- SQLAlchemy tables.
--
-- The seed's columns have no time zone: every session runs in UTC. Ours have one.

CREATE TYPE source_type AS ENUM (
  'github',
  'linear',
  'notion',
  'sentry',
  'vercel',
  'zendesk'
);

-- Part 2: owners --------------------------------------------------------------------------------

-- A tenant. The columns of GitHub are of a program before us, and may be null.
CREATE TABLE lightfast_organizations (
  id VARCHAR(191) PRIMARY KEY,
  clerk_org_slug VARCHAR(255) NOT NULL,
  github_org_id INTEGER CONSTRAINT lightfast_organizations_github_org_id_unique UNIQUE,
  github_installation_id INTEGER,
  github_org_slug VARCHAR(255),
  github_org_name VARCHAR(255),
  github_org_avatar_url TEXT,
  claimed_by VARCHAR(191) NOT NULL,
  claimed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX org_github_slug_idx ON lightfast_organizations(github_org_slug);
CREATE INDEX org_installation_idx ON lightfast_organizations(github_installation_id);
CREATE INDEX org_clerk_slug_idx ON lightfast_organizations(clerk_org_slug);

-- A part of an organization, in which stores are.
CREATE TABLE lightfast_workspaces (
  id VARCHAR(191) PRIMARY KEY,
  organization_id VARCHAR(191) NOT NULL REFERENCES lightfast_organizations(id) ON DELETE CASCADE,
  slug VARCHAR(191) NOT NULL,
  is_default BOOLEAN NOT NULL DEFAULT false,
  settings JSONB,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX workspace_org_id_idx ON lightfast_workspaces(organization_id);
CREATE INDEX workspace_org_default_idx ON lightfast_workspaces(organization_id, is_default);
CREATE INDEX workspace_org_slug_idx ON lightfast_workspaces(organization_id, slug);

-- What documents are in: one corpus, with how its texts are cut and embedded. `links_taken`: how often
-- a connection was taken off the store; who writes in it by what he read before is told by that.
CREATE TABLE lightfast_stores (
  id VARCHAR(191) PRIMARY KEY,
  workspace_id VARCHAR(191) NOT NULL REFERENCES lightfast_workspaces(id) ON DELETE CASCADE,
  slug VARCHAR(191) NOT NULL,
  index_name VARCHAR(191) NOT NULL,
  embedding_dim INTEGER NOT NULL DEFAULT 1536,
  pinecone_metric VARCHAR(20) NOT NULL DEFAULT 'cosine',
  pinecone_cloud VARCHAR(20) NOT NULL DEFAULT 'aws',
  pinecone_region VARCHAR(50) NOT NULL DEFAULT 'us-west-2',
  chunk_max_tokens INTEGER NOT NULL DEFAULT 512,
  chunk_overlap INTEGER NOT NULL DEFAULT 50,
  embedding_model VARCHAR(100) NOT NULL DEFAULT 'char-hash-1536',
  embedding_provider VARCHAR(50) NOT NULL DEFAULT 'charHash',
  created_at TIMESTAMP NOT NULL DEFAULT now(),
  updated_at TIMESTAMP NOT NULL DEFAULT now(),
  links_taken INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX idx_stores_ws ON lightfast_stores(workspace_id);
CREATE UNIQUE INDEX uq_ws_slug ON lightfast_stores(workspace_id, slug);

-- Part 1: the seed ------------------------------------------------------------------------------

-- A document that is in sight. `source_id` is its human key (a path, ENG-7, owner/repo#12), which may
-- change; `slug` never does. `content_hash` is the SHA-256 of its text, `config_hash` that of how the
-- store cuts and embeds. `source_metadata` is of the types that `ingest types` writes, `relationships`
-- a view of lightfast_document_references. `created_at` is the source's time, `updated_at` our row's.
CREATE TABLE lightfast_docs_documents (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  source_id VARCHAR(255) NOT NULL,
  source_metadata JSONB NOT NULL,
  parent_doc_id VARCHAR(191),
  slug VARCHAR(256) NOT NULL,
  content_hash VARCHAR(64) NOT NULL,
  config_hash VARCHAR(64),
  frontmatter JSONB,
  chunk_count INTEGER DEFAULT 0 NOT NULL,
  relationships JSONB,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_docs_store ON lightfast_docs_documents(store_id);
CREATE INDEX idx_docs_store_slug ON lightfast_docs_documents(store_id, slug);
CREATE INDEX idx_docs_source_type ON lightfast_docs_documents(source_type);
CREATE INDEX idx_docs_source_id ON lightfast_docs_documents(source_type, source_id);
CREATE INDEX idx_docs_parent ON lightfast_docs_documents(parent_doc_id);
CREATE UNIQUE INDEX uq_docs_store_slug ON lightfast_docs_documents(store_id, slug);
CREATE INDEX idx_docs_metadata_gin ON lightfast_docs_documents USING GIN (source_metadata);
CREATE INDEX idx_docs_relationships_gin ON lightfast_docs_documents USING GIN (relationships);
-- Ours, beside the seed's: a store's documents of a source in the order of a time, those in a state,
-- by what its first 64 characters are (an index row has an end), and those below another.
CREATE INDEX idx_docs_created ON lightfast_docs_documents (store_id, source_type, created_at, id);
CREATE INDEX idx_docs_updated ON lightfast_docs_documents (store_id, source_type, updated_at, id);
CREATE INDEX idx_docs_state ON lightfast_docs_documents
  (left(source_metadata->>'state', 64), source_type, store_id, created_at, id)
  WHERE source_metadata->>'state' IS NOT NULL;
CREATE INDEX idx_docs_status ON lightfast_docs_documents
  (left(source_metadata->>'status', 64), source_type, store_id, created_at, id)
  WHERE source_metadata->>'status' IS NOT NULL;
CREATE INDEX idx_docs_children ON lightfast_docs_documents (parent_doc_id, created_at, id)
  WHERE parent_doc_id IS NOT NULL;

-- A connection: what was connected at a provider, and how it is. `source_metadata` names it and what is
-- wanted of it. `config_status` is configured, paused, refused (its token is) or disconnected, and
-- `is_active` false where it is not configured. `document_count` is right in the end.
CREATE TABLE lightfast_connected_sources (
  id VARCHAR(191) PRIMARY KEY,
  organization_id VARCHAR(191) NOT NULL REFERENCES lightfast_organizations(id) ON DELETE CASCADE,
  workspace_id VARCHAR(191) REFERENCES lightfast_workspaces(id) ON DELETE SET NULL,
  source_type source_type NOT NULL,
  display_name VARCHAR(255) NOT NULL,
  source_metadata JSONB NOT NULL,
  is_active BOOLEAN NOT NULL DEFAULT true,
  config_status VARCHAR(16) DEFAULT 'pending',
  document_count INTEGER NOT NULL DEFAULT 0,
  last_synced_at TIMESTAMP,
  last_ingested_at TIMESTAMP,
  connected_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_sources_org ON lightfast_connected_sources(organization_id);
CREATE INDEX idx_sources_workspace ON lightfast_connected_sources(workspace_id);
CREATE INDEX idx_sources_type ON lightfast_connected_sources(source_type);
CREATE INDEX idx_sources_org_type ON lightfast_connected_sources(organization_id, source_type);
CREATE INDEX idx_sources_org_active ON lightfast_connected_sources(organization_id, is_active);

-- Which stores a connection feeds.
CREATE TABLE lightfast_store_sources (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_id VARCHAR(191) NOT NULL REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  linked_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_store_sources_store ON lightfast_store_sources(store_id);
CREATE INDEX idx_store_sources_source ON lightfast_store_sources(source_id);
CREATE UNIQUE INDEX uq_store_sources_link ON lightfast_store_sources(store_id, source_id);

-- What happened, once for each store: a delivery that was processed or skipped (`status`; failed is of
-- a legacy database), a document that a sync run changed. `event_key` is the provider's id of it, by
-- which nothing is ingested twice.
CREATE TABLE lightfast_ingestion_events (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  event_key VARCHAR(255) NOT NULL,
  event_metadata JSONB NOT NULL,
  status VARCHAR(16) NOT NULL DEFAULT 'processed',
  processed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_events_store ON lightfast_ingestion_events(store_id);
CREATE INDEX idx_events_type ON lightfast_ingestion_events(source_type);
CREATE INDEX idx_events_status ON lightfast_ingestion_events(status);
CREATE UNIQUE INDEX uq_event_key ON lightfast_ingestion_events(store_id, source_type, event_key);

-- Part 3: ours ----------------------------------------------------------------------------------

-- The queue. A row is what a provider sent, to the byte, and where it stands. `status` is pending
-- until it is one of the four terminal ones. Who works renews his lease; where one has run out, that
-- is noted in `missed_at`, and after a while its owner is gone. Such a row is `suspect`: it is claimed
-- alone from then on. `lone` says that the running claim holds this row alone; only a crash while
-- alone is counted in `lone_crashes`. `setbacks` counts how often it was given back for what the
-- database said, `overruns` how often of these for its cost: from the second time on it is tried
-- alone, after the sixth it is dead. `lane` is whom it is for (a connection, or a tenant of the app-wide route): of each
-- lane only a share is worked on, so that nobody's flood starves the others.
CREATE TABLE lightfast_webhook_deliveries (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source_type source_type NOT NULL,
  connection_id VARCHAR(191) REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  delivery_key VARCHAR(255) NOT NULL,
  body_hash BYTEA NOT NULL,
  headers JSONB NOT NULL,
  body BYTEA NOT NULL,
  status VARCHAR(16) NOT NULL DEFAULT 'pending',
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  suspect BOOLEAN NOT NULL DEFAULT false,
  lone BOOLEAN NOT NULL DEFAULT false,
  lone_crashes INTEGER NOT NULL DEFAULT 0,
  conflicting BOOLEAN NOT NULL DEFAULT false,
  last_error TEXT,
  next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  lease_until TIMESTAMPTZ,
  lease_token UUID,
  received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  settled_at TIMESTAMPTZ,
  setbacks INTEGER NOT NULL DEFAULT 0,
  overruns INTEGER NOT NULL DEFAULT 0,
  lane VARCHAR(255) NOT NULL DEFAULT '',
  missed_at TIMESTAMPTZ,
  CONSTRAINT ck_deliveries_status
    CHECK (status IN ('pending', 'processed', 'skipped', 'duplicate', 'dead'))
);
-- The app-wide route has no connection: there, null is one value like any other.
CREATE UNIQUE INDEX uq_deliveries_body ON lightfast_webhook_deliveries
  (delivery_key, connection_id, source_type, body_hash) NULLS NOT DISTINCT;
-- What is due, oldest first. No column that a claim writes may stand in an index.
CREATE INDEX idx_deliveries_due ON lightfast_webhook_deliveries (next_attempt_at, id)
  WHERE status = 'pending';
CREATE INDEX idx_deliveries_lane ON lightfast_webhook_deliveries (lane, next_attempt_at, id)
  WHERE status = 'pending';
-- For people: what was skipped or is dead.
CREATE INDEX idx_deliveries_unhappy ON lightfast_webhook_deliveries (status, id)
  WHERE status IN ('skipped', 'dead');
CREATE INDEX idx_deliveries_duplicate ON lightfast_webhook_deliveries (id)
  WHERE status = 'duplicate';
-- For people, too: the newest of a connection, and of a source.
CREATE INDEX idx_deliveries_of_connection ON lightfast_webhook_deliveries (connection_id, id);
CREATE INDEX idx_deliveries_of_source ON lightfast_webhook_deliveries (source_type, id);
-- For retention: what was settled longest ago. The dead stay until a person says so.
CREATE INDEX idx_deliveries_settled ON lightfast_webhook_deliveries (settled_at)
  WHERE status IN ('processed', 'skipped', 'duplicate');

-- Who is newer. One row for each thing ever heard of, by its identity; it outlives the document.
-- `rank` is the last applied change's place in the total order (null: only heard of, as a parent).
-- `revision` is that of the code which made it, `made` the digest of what it made, where two words of
-- one version may have to be compared.
-- `created_at` is the earliest time that the source's words tell, `created_rank` the rank of that word;
-- `heard_at` is when it was first told of or seen, which counts where no source says.
-- `visible` = not deleted, fed, and under no ancestor that is invisible.
-- `reading` is with what the text was read for references and cut, beside the text itself (its
-- repository, what fields state), of the word whose rank ends in `of`; null where nobody kept it.
CREATE TABLE lightfast_document_ledger (
  identity UUID PRIMARY KEY,
  document_id VARCHAR(191) NOT NULL,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  scope TEXT NOT NULL,
  kind VARCHAR(64) NOT NULL,
  external_id TEXT NOT NULL,
  slug VARCHAR(256) NOT NULL,
  source_id VARCHAR(255),
  parent UUID,
  rank TEXT COLLATE "C",
  state VARCHAR(16) NOT NULL DEFAULT 'unknown',
  fed BOOLEAN NOT NULL DEFAULT true,
  visible BOOLEAN NOT NULL DEFAULT true,
  patches JSONB,
  revision INTEGER NOT NULL DEFAULT 0,
  made VARCHAR(64),
  heard_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ,
  created_rank TEXT COLLATE "C",
  reading JSONB,
  CONSTRAINT ck_ledger_state CHECK (state IN ('unknown', 'live', 'deleted'))
);
CREATE UNIQUE INDEX uq_ledger_document ON lightfast_document_ledger(document_id);
CREATE INDEX idx_ledger_parent ON lightfast_document_ledger(parent) WHERE parent IS NOT NULL;
-- Of a store, and for lists of a kind; none of these columns ever changes.
CREATE INDEX idx_ledger_kind ON lightfast_document_ledger
  (store_id, source_type, kind, document_id);

-- Documents that live but must not be seen now (a deleted ancestor, no feed), kept whole.
CREATE TABLE lightfast_withheld_documents (
  document_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  document JSONB NOT NULL,
  chunks JSONB NOT NULL,
  refs JSONB NOT NULL
);

-- Who feeds a document: the newest word of each connection, by `rank` and then `revision`, says
-- whether it wants it.
CREATE TABLE lightfast_document_feeds (
  document_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  feeding BOOLEAN NOT NULL DEFAULT true,
  rank TEXT COLLATE "C",
  revision INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (document_id, connection_id)
);
CREATE INDEX idx_feeds_connection ON lightfast_document_feeds(connection_id);
CREATE INDEX idx_feeds_connection_document
  ON lightfast_document_feeds(connection_id, document_id);

-- Keys that found a document once (moved issues, renamed repositories) and still do.
CREATE TABLE lightfast_document_aliases (
  document_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  alias VARCHAR(255) NOT NULL,
  store_id VARCHAR(191) NOT NULL,
  source_type source_type NOT NULL,
  PRIMARY KEY (document_id, alias)
);
CREATE INDEX idx_aliases_key ON lightfast_document_aliases(store_id, source_type, alias);

-- Keys of documents in the spelling in which they are compared, where they are written in another.
CREATE TABLE lightfast_folded_keys (
  document_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  key VARCHAR(255) NOT NULL,
  store_id VARCHAR(191) NOT NULL,
  source_type source_type NOT NULL,
  former BOOLEAN NOT NULL,
  PRIMARY KEY (document_id, key)
);
CREATE INDEX idx_folded_keys ON lightfast_folded_keys(store_id, source_type, key);

-- The document's text in the pieces that get embedded; `start` is a character offset.
CREATE TABLE lightfast_document_chunks (
  document_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_docs_documents(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  start INTEGER NOT NULL,
  text TEXT NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (document_id, position)
);

-- What a document points at, with the words that said so; the documents' `relationships` is a
-- view of this table. A target that is not there yet is bound when it appears.
CREATE TABLE lightfast_document_references (
  document_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_docs_documents(id) ON DELETE CASCADE,
  kind VARCHAR(16) NOT NULL,
  target_source source_type NOT NULL,
  target_key VARCHAR(255) NOT NULL,
  origin VARCHAR(16) NOT NULL,
  evidence TEXT NOT NULL,
  store_id VARCHAR(191) NOT NULL,
  target_document_id VARCHAR(191)
    REFERENCES lightfast_docs_documents(id) ON DELETE SET NULL,
  -- By what it is bound, where that is not `target_key` itself: the key as its source compares keys,
  -- or `=` with the scope, kind and id of what is meant (U+001F between them). Of what an older
  -- version wrote it is null, and the key counts as it is written.
  bind_key VARCHAR(255),
  PRIMARY KEY (document_id, kind, target_source, target_key)
);
CREATE INDEX idx_references_key ON lightfast_document_references
  (store_id, target_source, target_key);
CREATE INDEX idx_references_bind_key ON lightfast_document_references
  (store_id, target_source, bind_key) WHERE bind_key IS NOT NULL;
CREATE INDEX idx_references_pointing ON lightfast_document_references
  (target_document_id, document_id)
  WHERE target_document_id IS NOT NULL;

-- The tenants that a connection's metadata names, for deliveries of the app-wide route.
CREATE TABLE lightfast_connection_scopes (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  tenant TEXT NOT NULL,
  PRIMARY KEY (connection_id, tenant)
);
CREATE INDEX idx_scopes_tenant ON lightfast_connection_scopes(source_type, tenant);

-- Secrets, encrypted at rest; several live ones of one kind are a rotation. One that has expired is
-- as good as gone.
CREATE TABLE lightfast_source_credentials (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  kind VARCHAR(32) NOT NULL,
  secret BYTEA NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  expires_at TIMESTAMPTZ
);
CREATE INDEX idx_credentials_connection ON lightfast_source_credentials(connection_id, kind);

-- What a connection has told: the digest of each signed body, and the event that it became. The same
-- body under another delivery id is the same fact, whoever sends it.
CREATE TABLE lightfast_connection_facts (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  fact UUID NOT NULL,
  event_key VARCHAR(255) NOT NULL,
  PRIMARY KEY (connection_id, fact)
);

-- Of what is told at a time that nobody signs (Sentry), the earliest such time of each body, as the
-- version in a rank; `object` is the hash of what it speaks of.
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

-- Where an older version of the program notes keys that are to be bound; we read it, and write
-- lightfast_binding_notes.
CREATE TABLE lightfast_pending_bindings (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  keys JSONB NOT NULL
);

-- What a transaction leaves to be done after it: keys that may have another owner now, names that
-- were told. One that stays is of a worker that died in between, or of more than one step.
CREATE TABLE lightfast_binding_notes (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  note JSONB NOT NULL
);

-- What a space of a scope (a repository, a team, a project; '' where it is the scope itself) was called,
-- by whatever told it. `before`: the name that it took the place of, '' where no rename was told.
-- `at`: the newest time it was told so, in microseconds; `sure_at`: by when a rename had happened,
-- else when a look-up last saw the name. The name of now follows from these (core/naming).
CREATE TABLE lightfast_space_names (
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  scope TEXT NOT NULL,
  space TEXT NOT NULL,
  name VARCHAR(255) NOT NULL,
  before VARCHAR(255) NOT NULL,
  at BIGINT NOT NULL,
  sure_at BIGINT NOT NULL,
  PRIMARY KEY (store_id, source_type, scope, space, name, before)
);

-- What has to be looked up at a provider: one row for each object and connection, however many
-- events asked. `asked` counts the requests, `taken` is how many of them the running look-up
-- serves; what is asked meanwhile is looked up once more. `object` is the hash of the identity.
-- `suspect`, `lone`, `missed_at` are as of deliveries, `crashes` as `lone_crashes`.
-- `told_gone`: a payload says that it is gone for good, and the look-up confirms it. `setbacks` and
-- `overruns` as of deliveries. `background`: nobody waits for it, as where a sync run asked, which is
-- `run_id`.
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
  lease_token UUID,
  setbacks INTEGER NOT NULL DEFAULT 0,
  overruns INTEGER NOT NULL DEFAULT 0,
  told_gone BOOLEAN NOT NULL DEFAULT false,
  suspect BOOLEAN NOT NULL DEFAULT false,
  lone BOOLEAN NOT NULL DEFAULT false,
  missed_at TIMESTAMPTZ,
  background BOOLEAN NOT NULL DEFAULT false,
  run_id BIGINT
);
CREATE UNIQUE INDEX uq_lookups_object ON lightfast_lookups(connection_id, object);
CREATE INDEX idx_lookups_due ON lightfast_lookups(connection_id, background, next_attempt_at, id);
CREATE INDEX idx_lookups_running ON lightfast_lookups(connection_id) WHERE lease_until IS NOT NULL;

-- Deliveries that end with a look-up, and the events that are recorded then. `asked` is the number
-- of the delivery's request, `tellers` the connections that told the events, each in its place.
CREATE TABLE lightfast_lookup_waiters (
  lookup_id BIGINT NOT NULL REFERENCES lightfast_lookups(id) ON DELETE CASCADE,
  delivery_id BIGINT NOT NULL REFERENCES lightfast_webhook_deliveries(id) ON DELETE CASCADE,
  asked BIGINT NOT NULL,
  events JSONB NOT NULL,
  tellers JSONB,
  PRIMARY KEY (lookup_id, delivery_id)
);
CREATE INDEX idx_waiters_delivery ON lightfast_lookup_waiters(delivery_id);

-- What a look-up left for the next one of the same object (which tree of a branch is applied).
CREATE TABLE lightfast_lookup_states (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  object UUID NOT NULL,
  state JSONB NOT NULL,
  PRIMARY KEY (connection_id, object)
);

-- Drawn before a request leaves: among look-ups, the later one knows better.
CREATE SEQUENCE lightfast_fences;

-- How a provider treats a connection's token: `problem` is why it is paused (refused), `held_until`
-- how long it wants to be left alone, `rests_until` how long look-ups that nobody waits for do not
-- come about: the provider's budget has no more for them.
CREATE TABLE lightfast_connection_conditions (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  problem TEXT,
  problem_at TIMESTAMPTZ,
  held_until TIMESTAMPTZ,
  rests_until TIMESTAMPTZ
);

-- What people are shown of a connection that goes on all the same: an object that is refused to its
-- token (`denied`, `subject` names it), an app that is suspended. It stands until that is over: of
-- what the provider tells, `said` is null then, and the time that it told is the `version`.
CREATE TABLE lightfast_connection_flags (
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  flag VARCHAR(64) NOT NULL,
  subject VARCHAR(255) NOT NULL DEFAULT '',
  said TEXT,
  version BIGINT NOT NULL DEFAULT 0,
  flagged_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, flag, subject)
);

-- A connection that waits for its provider's handshake, until `armed_until`; the token that came is
-- encrypted, and shown to a person once. Beside a secret that works it verifies nothing until then;
-- `unproven` is the secret that it became, as long as the older ones stay beside it.
CREATE TABLE lightfast_handshakes (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  armed_until TIMESTAMPTZ,
  token BYTEA,
  captured_at TIMESTAMPTZ,
  shown_at TIMESTAMPTZ,
  unproven BIGINT REFERENCES lightfast_source_credentials(id) ON DELETE SET NULL
);

-- Connections whose document count is another: by `delta`, or, where that is null, to be taken anew.
-- Appended by workers, so that none waits, and by the triggers below. What a worker worked on without
-- a change of it has 0.
CREATE TABLE lightfast_count_marks (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  marked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  delta INTEGER
);

-- One wake-up message at a time for each queue: rung after the last time it was heard.
CREATE TABLE lightfast_bells (
  queue VARCHAR(32) PRIMARY KEY,
  rung_at TIMESTAMPTZ,
  heard_at TIMESTAMPTZ
);

-- Each tick of the beat, once, however many beats run.
CREATE TABLE lightfast_schedule_slots (
  schedule VARCHAR(64) NOT NULL,
  slot BIGINT NOT NULL,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (schedule, slot)
);

-- Fields that providers send and our adapters do not know, reported once each.
CREATE TABLE lightfast_payload_drift (
  source_type source_type NOT NULL,
  field VARCHAR(255) NOT NULL,
  seen BIGINT NOT NULL DEFAULT 1,
  first_seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (source_type, field)
);

-- The oldest program that goes on beside this schema, by the version that it brings.
CREATE TABLE lightfast_schema_serves (oldest VARCHAR(32) PRIMARY KEY);
INSERT INTO lightfast_schema_serves VALUES ('0003');

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

-- How look-ups ended and how long asking took, counted by whoever asked, since the database was made:
-- of each source and end, by the longest time of its class (the last one has none: infinity).
CREATE TABLE lightfast_lookup_counts (
  source_type VARCHAR(64) NOT NULL,
  outcome VARCHAR(16) NOT NULL,
  within_s DOUBLE PRECISION NOT NULL,
  look_ups BIGINT NOT NULL,
  seconds DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (source_type, outcome, within_s)
);

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
-- null for all of it. `setbacks` are pages that failed of late: each makes the next ones smaller.
-- The part `end` is what is done once all lists are.
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

-- How often a connection is synced, where it is not as its source has it.
CREATE TABLE lightfast_sync_schedules (
  connection_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_connected_sources(id) ON DELETE CASCADE,
  incremental_s INTEGER,
  full_s INTEGER
);

-- When the receiver was last there.
CREATE TABLE lightfast_heartbeats (
  name VARCHAR(32) PRIMARY KEY,
  beat_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
-- How far a host's clock is ahead of the database's (behind it: less than 0), in seconds, as its
-- processes told it last, each as kind@host.
CREATE TABLE lightfast_clocks (
  process VARCHAR(191) PRIMARY KEY,
  ahead_s DOUBLE PRECISION NOT NULL,
  told_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
-- The times at which no receiver was there.
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

-- What came out of a legacy database (docs/legacy.md).

-- An import of an archive, by the SHA-256 of its manifest: where it stands, and what it counted.
CREATE TABLE lightfast_legacy_imports (
  archive VARCHAR(64) PRIMARY KEY,
  directory TEXT NOT NULL,
  in_place BOOLEAN NOT NULL,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  finished_at TIMESTAMPTZ,
  counts JSONB
);

-- Documents of which nobody knows in which scope they are: those that came out of a legacy store with
-- no repository, or with several. Whoever tells first of a thing of this kind and id adopts the row,
-- and so its id and slug.
CREATE TABLE lightfast_orphan_documents (
  document_id VARCHAR(191) PRIMARY KEY
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  source_type source_type NOT NULL,
  kind VARCHAR(64) NOT NULL,
  external_id TEXT NOT NULL
);
CREATE INDEX idx_orphans_thing
  ON lightfast_orphan_documents (store_id, source_type, kind, external_id);

-- Which vectors a legacy program had put into its index: `id` is the vector's own there. We write
-- none; they outlive the document, so that whoever owns the index learns which vectors are to go.
CREATE TABLE lightfast_legacy_vector_entries (
  id VARCHAR(191) PRIMARY KEY,
  store_id VARCHAR(191) NOT NULL REFERENCES lightfast_stores(id) ON DELETE CASCADE,
  doc_id VARCHAR(191) NOT NULL
    REFERENCES lightfast_document_ledger(document_id) ON DELETE CASCADE,
  chunk_index INTEGER NOT NULL,
  content_hash VARCHAR(64) NOT NULL,
  upserted_at TIMESTAMP NOT NULL DEFAULT now()
);
CREATE INDEX idx_legacy_vectors_document ON lightfast_legacy_vector_entries (doc_id);
CREATE INDEX idx_legacy_vectors_store ON lightfast_legacy_vector_entries (store_id);
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

-- Part 4: the change feed -----------------------------------------------------------------------

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

-- Part 5: views for readers ---------------------------------------------------------------------

-- Whoever only reads may rely on these: a column is never taken away or given another meaning, only
-- added behind the others. Each has `store_id` (deliveries: their organization) to keep a tenant to his
-- own, and none can be written through. docs/readers.md has a sample of each.

-- A document's text: its chunks, each without what it repeats of the one before. `text` is canonical
-- (title, two line feeds, body); `is_whole` says that it is what `content_hash` is the SHA-256 of. Of a
-- document without chunks it is null, unless that says nothing at all: two line feeds.
CREATE VIEW lightfast_reader_document_text AS
SELECT d.id AS document_id, d.store_id, d.source_type, d.source_id,
  split_part(t.text, E'\n\n', 1) AS title,
  substring(t.text FROM strpos(t.text, E'\n\n') + 2) AS body,
  t.text,
  coalesce(encode(sha256(convert_to(t.text, 'UTF8')), 'hex') = d.content_hash, false) AS is_whole,
  d.content_hash, d.updated_at
FROM lightfast_docs_documents d
CROSS JOIN LATERAL (
  SELECT coalesce(
    string_agg(substring(c.text FROM c.behind - c.start + 1), '' ORDER BY c.position),
    CASE d.content_hash
      WHEN '75a11da44c802486bc6f65640aa48a730f0f684c5c07a42ba3cd1735eb3fb070' THEN E'\n\n'
    END
  ) AS text
  FROM (
    SELECT position, start, text,
      coalesce(lag(start + char_length(text)) OVER (ORDER BY position), 0) AS behind
    FROM lightfast_document_chunks
    WHERE document_id = d.id
  ) c
) t;

-- The chunks with what their document is; `updated_at` moves with the text alone. OFFSET 0: they are
-- found by their document, and never all read for a time.
CREATE VIEW lightfast_reader_chunks AS
SELECT d.id AS document_id, d.store_id, d.source_type, d.source_id, c.position, c.start, c.text,
  c.updated_at, d.content_hash, d.config_hash, d.updated_at AS document_updated_at
FROM lightfast_docs_documents d
CROSS JOIN LATERAL (
  SELECT position, start, text, updated_at FROM lightfast_document_chunks
  WHERE document_id = d.id OFFSET 0
) c;

-- What stands below a document, itself first (`thread_id`, depth 0): each followed by what is below
-- it, siblings as they came to be. `is_root`: the thread's first document is below none that is there.
CREATE VIEW lightfast_reader_threads AS
SELECT r.id AS thread_id, r.store_id, t.position, t.depth, t.id AS document_id, t.parent_doc_id,
  t.source_type, t.source_id, t.source_metadata, t.created_at, t.updated_at,
  p.id IS NULL AS is_root
FROM lightfast_docs_documents r
LEFT JOIN lightfast_docs_documents p ON p.id = r.parent_doc_id AND p.store_id = r.store_id
CROSS JOIN LATERAL (
  WITH RECURSIVE below AS (
    SELECT 0 AS depth, h.id, h.parent_doc_id, h.source_type, h.source_id, h.source_metadata,
      h.created_at, h.updated_at
    FROM lightfast_docs_documents h
    WHERE h.id = r.id
    UNION ALL
    SELECT b.depth + 1, c.id, c.parent_doc_id, c.source_type, c.source_id, c.source_metadata,
      c.created_at, c.updated_at
    FROM below b
    JOIN lightfast_docs_documents c ON c.parent_doc_id = b.id AND c.store_id = r.store_id
  ) SEARCH DEPTH FIRST BY created_at, id SET path CYCLE id SET is_again USING seen
  SELECT below.*, CAST(row_number() OVER (ORDER BY path) - 1 AS integer) AS position
  FROM below
  WHERE NOT is_again
) t;

-- Who points at a document, how, and in which words. Both are there and in sight, in one store.
CREATE VIEW lightfast_reader_backlinks AS
SELECT r.store_id, r.target_document_id AS document_id, r.kind, r.origin, r.evidence, r.target_key,
  f.id AS from_document_id, f.source_type AS from_source_type, f.source_id AS from_source_id,
  f.source_metadata ->> 'url' AS from_url, f.created_at AS from_created_at
FROM lightfast_document_references r
JOIN lightfast_docs_documents f ON f.id = r.document_id AND f.store_id = r.store_id
JOIN lightfast_docs_documents t ON t.id = r.target_document_id AND t.store_id = r.store_id;

-- What was written since a time: `WHERE updated_at >= …`. What is gone or hidden stands in no view;
-- whoever has to learn of that follows the change feed.
CREATE VIEW lightfast_reader_changed AS
SELECT d.store_id, d.updated_at, d.id AS document_id, d.source_type, l.kind, d.source_id, d.slug,
  d.parent_doc_id, d.content_hash, d.config_hash, d.chunk_count, d.created_at
FROM lightfast_docs_documents d
LEFT JOIN lightfast_document_ledger l ON l.document_id = d.id;

-- Deliveries for those whose tools know no `bytea`: all but the raw body.
CREATE VIEW lightfast_reader_deliveries AS
SELECT w.id, s.organization_id, w.connection_id, w.source_type, w.delivery_key, w.headers,
  encode(w.body_hash, 'hex') AS body_hash, octet_length(w.body) AS body_bytes, w.status, w.reason,
  w.attempts, w.last_error, w.conflicting, w.received_at, w.next_attempt_at, w.settled_at
FROM lightfast_webhook_deliveries w
LEFT JOIN lightfast_connected_sources s ON s.id = w.connection_id;
