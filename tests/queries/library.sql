-- The rows of `library.py`: as many documents as the setting `library.documents` says.
--
-- b: the number of a family of ten, n: of a document. Families whose numbers differ by a multiple of
-- 190 are of one store.

CREATE FUNCTION pg_temp.id_of(n bigint) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$ SELECT CAST(CAST(md5('document ' || n) AS uuid) AS varchar) $$;

CREATE FUNCTION pg_temp.store_of(b bigint) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$ SELECT 'store-' || lpad(CAST(CASE WHEN b % 10 < 4 THEN 0 ELSE 1 + b % 19 END AS text), 2, '0') $$;

CREATE FUNCTION pg_temp.source_of(b bigint) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN b * 7919 / 13 % 200 < 90 THEN 'github' WHEN b * 7919 / 13 % 200 < 145 THEN 'linear'
     WHEN b * 7919 / 13 % 200 < 172 THEN 'zendesk' WHEN b * 7919 / 13 % 200 < 187 THEN 'notion'
     WHEN b * 7919 / 13 % 200 < 199 THEN 'sentry' ELSE 'vercel' END $$;

CREATE FUNCTION pg_temp.kind_of(source varchar, n bigint) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN n % 10 BETWEEN 1 AND 5 AND source NOT IN ('vercel', 'notion') THEN 'comment'
     WHEN source = 'github' THEN (ARRAY['issue', 'file', 'file', 'file', 'pull_request'])[1 + n % 10 % 5]
     WHEN source = 'linear' THEN CASE WHEN n % 500 = 9 THEN 'project' ELSE 'issue' END
     WHEN source = 'notion' THEN 'page' WHEN source = 'vercel' THEN 'deployment'
     WHEN source = 'zendesk' THEN CASE WHEN n % 10 = 9 THEN 'article' ELSE 'ticket' END
     ELSE 'issue' END $$;

CREATE FUNCTION pg_temp.key_of(source varchar, kind varchar, n bigint) RETURNS varchar
LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE source
     WHEN 'github' THEN CASE kind
       WHEN 'file' THEN 'docs/part-' || n % 97 || '/chapter-' || n || '.md'
       WHEN 'comment' THEN 'halcyon/web#' || n / 10 || '/comment/' || n
       ELSE 'halcyon/web#' || n END
     WHEN 'linear' THEN CASE WHEN kind = 'issue' THEN 'ENG-' || n ELSE pg_temp.id_of(-n) END
     WHEN 'notion' THEN pg_temp.id_of(-n)
     WHEN 'sentry' THEN CASE kind WHEN 'issue' THEN 'WEB-' || to_hex(n)
       ELSE n / 10 || '/comment/' || n END
     WHEN 'vercel' THEN 'dpl_' || md5(CAST(n AS text))
     ELSE CAST(n AS text) END $$;

CREATE FUNCTION pg_temp.metadata_of(source varchar, kind varchar, key varchar, n bigint, told text)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE source
     WHEN 'github' THEN CASE kind
       WHEN 'file' THEN jsonb_build_object('type', source, 'kind', 'file', 'path', key,
         'commitSha', md5(CAST(n AS text)) || '00000000', 'committedAt', told,
         'repoFullName', 'halcyon/web', 'branch', 'main')
       WHEN 'comment' THEN jsonb_build_object('type', source, 'kind', kind, 'repoFullName',
         'halcyon/web', 'id', n, 'number', n / 10, 'conversation', 'issue', 'author',
         'user-' || n % 300, 'url', 'https://github.com/' || key, 'createdAt', told, 'updatedAt', told)
       ELSE jsonb_build_object('type', source, 'kind', replace(kind, '_', '-'), 'repoFullName',
         'halcyon/web', 'number', n, 'title', 'The lamp at pier ' || n || ' stays dark', 'state',
         CASE WHEN n % 7 = 0 THEN 'open' ELSE 'closed' END, 'author', 'user-' || n % 300,
         'url', 'https://github.com/' || key, 'createdAt', told, 'updatedAt', told,
         'labels', jsonb_build_array('area-' || n % 40, 'night')) END
     WHEN 'linear' THEN CASE WHEN kind = 'issue' THEN jsonb_build_object('type', source, 'kind', kind,
         'id', pg_temp.id_of(-n), 'url', 'https://linear.app/halcyon/issue/' || key, 'createdAt',
         told, 'updatedAt', told, 'identifier', key, 'teamId', 'team-1', 'teamKey', 'ENG', 'state',
         (ARRAY['todo', 'done', 'done', 'canceled', 'in-progress', 'done'])[1 + n / 10 % 6],
         'priority', n % 5, 'labels', jsonb_build_array('Bug'), 'assigneeId', 'user-' || n % 300)
       ELSE jsonb_build_object('type', source, 'kind', kind, 'id', key, 'url',
         'https://linear.app/halcyon/' || key, 'createdAt', told, 'updatedAt', told, 'issueId',
         pg_temp.id_of(-(n / 10 * 10)), 'userId', 'user-' || n % 300) END
     WHEN 'notion' THEN jsonb_build_object('type', source, 'kind', 'doc-page', 'pageId', key, 'title',
         'Page ' || n, 'url', 'https://www.notion.so/' || key, 'lastEditedTime', told)
     WHEN 'sentry' THEN jsonb_build_object('type', source, 'kind', kind, 'issueId',
         CAST(n / 10 AS text), 'shortId', key, 'project', 'web', 'level', 'error', 'status',
         CASE WHEN n % 3 = 0 THEN 'unresolved' ELSE 'resolved' END, 'count', n % 1000, 'firstSeen',
         told, 'lastSeen', told, 'url', 'https://halcyon.sentry.io/issues/' || n)
     WHEN 'vercel' THEN jsonb_build_object('type', source, 'kind', kind, 'deploymentId', key,
         'deploymentUrl', key || '.vercel.app', 'project', 'web', 'environment', 'production',
         'status', CASE WHEN n % 9 = 0 THEN 'ERROR' ELSE 'READY' END, 'createdAt', told, 'url',
         'https://vercel.com/' || key)
     ELSE jsonb_build_object('type', source, 'kind', kind, 'url',
         'https://halcyon.zendesk.com/tickets/' || n, 'updatedAt', told, 'ticketId', n, 'status',
         (ARRAY['open', 'pending', 'solved', 'solved', 'solved'])[1 + n % 5], 'priority', 'normal',
         'tags', jsonb_build_array('night', 'pier-' || n % 50), 'commentCount', n % 9) END $$;

-- Everybody names the first document of a hub, and much hangs below its seventh; the largest store has one.
CREATE TEMP TABLE drawn AS
SELECT n, b, store, source, kind, pg_temp.key_of(source, kind, n) AS key, made,
       made + (n * 7919 % 1000000) * interval '20 seconds' AS moved,
       CASE WHEN kind = 'comment' OR (source = 'notion' AND n % 10 BETWEEN 1 AND 5) THEN b * 10
            WHEN n % 20 = 16 AND n > 2000 THEN hub + 6 END AS parent,
       CASE WHEN b >= 190 THEN (b - 190 * (1 + n % (b / 190))) * 10 END AS one,
       CASE WHEN n % 40 = 7 THEN hub WHEN b >= 380 AND n % 3 = 0
            THEN (b - 190 * (1 + n / 3 % (b / 190))) * 10 END AS other
FROM (SELECT *, pg_temp.kind_of(source, n) AS kind FROM (
  SELECT n, n / 10 AS b, pg_temp.store_of(n / 10) AS store, pg_temp.source_of(n / 10) AS source,
         CASE WHEN n / 10 % 10 < 4 THEN 0 ELSE n / 10 % 190 * 10 END AS hub,
         timestamp '2024-01-01' + n * CAST(2 * 365 * 86400.0 / documents || ' seconds' AS interval)
           + (n * 104729 % 86400) * interval '1 second' AS made
  FROM CAST(current_setting('library.documents') AS bigint) AS documents,
       generate_series(0, documents - 1) AS n OFFSET 0) placed OFFSET 0) numbered;
CREATE UNIQUE INDEX ON drawn (n);
ANALYZE drawn;

CREATE TEMP TABLE pointed AS
SELECT d.n, d.store, t.n AS target, t.source, t.key
FROM (SELECT n, store, one AS target FROM drawn UNION SELECT n, store, other FROM drawn) d
JOIN drawn t ON t.n = d.target WHERE t.n <> d.n;
ANALYZE pointed;

INSERT INTO lightfast_organizations (id, clerk_org_slug, claimed_by)
SELECT DISTINCT store, store, 'test' FROM drawn;

INSERT INTO lightfast_workspaces (id, organization_id, slug)
SELECT DISTINCT store, store, store FROM drawn;

INSERT INTO lightfast_stores (id, workspace_id, slug, index_name)
SELECT DISTINCT store, store, store, store FROM drawn;

INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug, source_id,
   rank, state, heard_at, created_at)
SELECT CAST(md5('identity ' || n) AS uuid), pg_temp.id_of(n), store,
       CAST(source AS source_type), 'halcyon', kind, n, n || '~' || left(md5(CAST(n AS text)), 12),
       key, CAST(moved AS text), 'live', made AT TIME ZONE 'UTC', made AT TIME ZONE 'UTC'
FROM drawn ORDER BY n;

INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   config_hash, chunk_count, relationships, created_at, updated_at)
SELECT pg_temp.id_of(d.n), d.store, CAST(d.source AS source_type), d.key,
       pg_temp.metadata_of(d.source, d.kind, d.key, d.n,
                           to_char(d.moved, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
       pg_temp.id_of(d.parent), d.n || '~' || left(md5(CAST(d.n AS text)), 12),
       md5(d.key) || md5(d.key), md5('config') || md5('config'), 1 + d.n % 3, m.relationships,
       d.made, d.moved
FROM drawn d LEFT JOIN (
  SELECT n, jsonb_build_object('mentions', jsonb_object_agg(source, keys)) AS relationships
  FROM (SELECT n, source, jsonb_agg(key ORDER BY key) AS keys FROM pointed GROUP BY n, source) s
  GROUP BY n) m ON m.n = d.n
ORDER BY d.n;

INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id)
SELECT pg_temp.id_of(n), 'mention', CAST(source AS source_type), key, 'text', key, store,
       pg_temp.id_of(target)
FROM pointed ORDER BY n;

INSERT INTO lightfast_document_aliases (document_id, alias, store_id, source_type)
SELECT pg_temp.id_of(n), 'OLD-' || n, store, CAST(source AS source_type) FROM drawn
WHERE kind = 'issue' AND n % 20 = 0;
