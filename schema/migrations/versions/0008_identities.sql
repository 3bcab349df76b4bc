-- By what a reference is bound, where that is not `target_key` itself: the key as its source compares
-- keys, or `=` with the scope, kind and id of what is meant (U+001F between them). Of what an older
-- version wrote it is null, and the key counts as it is written.
ALTER TABLE lightfast_document_references ADD COLUMN IF NOT EXISTS bind_key VARCHAR(255);
-- `ingest db upgrade` has built it already, beside whoever writes (store/online_indexes).
CREATE INDEX IF NOT EXISTS idx_references_bind_key ON lightfast_document_references
  (store_id, target_source, bind_key) WHERE bind_key IS NOT NULL;

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
