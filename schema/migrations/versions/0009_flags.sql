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

-- What is told of an app names its installation, or its team: a connection is found by these too.
INSERT INTO lightfast_connection_scopes (connection_id, source_type, tenant)
SELECT id, source_type, 'installation:' || ltrim(source_metadata->>'githubInstallationId', '0')
FROM lightfast_connected_sources
WHERE CAST(source_type AS text) = 'github'
  AND source_metadata->>'githubInstallationId' ~ '^0*[1-9][0-9]*$'
ON CONFLICT DO NOTHING;
INSERT INTO lightfast_connection_scopes (connection_id, source_type, tenant)
SELECT id, source_type, 'team:' || (source_metadata->>'vercelTeamId')
FROM lightfast_connected_sources
WHERE CAST(source_type AS text) = 'vercel' AND source_metadata->>'vercelTeamId' <> ''
ON CONFLICT DO NOTHING;
