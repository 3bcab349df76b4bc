"""The ordinary mass of rows of a legacy database, in SQL: the same each time."""

from __future__ import annotations

from collections.abc import Mapping

_WORKSPACE = "(md5('mass workspace ' || n)::uuid)::text"
_AT = "timestamp '2024-01-01 00:00:00.000001' + make_interval(secs => n * 1.000007)"
MASS: Mapping[str, str] = {
    "organizations": f"""
INSERT INTO {{organizations}} (id, clerk_org_slug, github_org_id, github_installation_id,
  github_org_slug, github_org_name, claimed_by, claimed_at, created_at, updated_at)
SELECT 'org_mass_' || n, 'mass-' || n, 1000000 + n, 2000000 + n, 'mass-' || n, 'Mass ' || n,
       'user_mass', {_AT}, {_AT}, {_AT}
FROM generate_series(0, %(stores)s - 1) n
""",
    "workspaces": f"""
INSERT INTO {{workspaces}} (id, organization_id, slug, is_default, created_at, updated_at)
SELECT {_WORKSPACE}, 'org_mass_' || n, 'default', true, {_AT}, {_AT}
FROM generate_series(0, %(stores)s - 1) n
""",
    "stores": f"""
INSERT INTO {{stores}} (id, workspace_id, slug, index_name, created_at, updated_at)
SELECT {_WORKSPACE} || '_docs', {_WORKSPACE}, 'docs', 'mass-' || n, {_AT}, {_AT}
FROM generate_series(0, %(stores)s - 1) n
""",
    "repositories": f"""
INSERT INTO {{repositories}} (id, organization_id, github_repo_id, github_installation_id,
  permissions, connected_at, last_synced_at, config_status, config_path, config_detected_at,
  workspace_id, document_count, last_ingested_at, metadata, created_at)
SELECT md5('mass repository ' || n)::uuid, 'org_mass_' || n, 3000000 + n, 2000000 + n,
       '{{{{"pull": true, "push": true, "admin": false}}}}', {_AT}, {_AT}, 'configured',
       'lightfast.yml', {_AT}, {_WORKSPACE}, %(documents)s / %(stores)s, {_AT},
       jsonb_build_object('fullName', format('mass-%%s/site', n), 'description', NULL,
         'language', 'MDX', 'private', n %% 2 = 0, 'owner', format('mass-%%s', n),
         'ownerAvatar', 'https://avatars.example.com/mass', 'stargazersCount', n,
         'updatedAt', '2024-01-01T00:00:00Z'), {_AT}
FROM generate_series(0, %(stores)s - 1) n
""",
    "store_repositories": f"""
INSERT INTO {{store_repositories}} (id, store_id, github_repo_id, repo_full_name, linked_at)
SELECT md5('mass link ' || n)::uuid, {_WORKSPACE} || '_docs', 3000000 + n,
       format('mass-%%s/site', n), {_AT}
FROM generate_series(0, %(stores)s - 1) n
""",
    "documents": f"""
INSERT INTO {{documents}} (id, store_id, path, slug, content_hash, config_hash, commit_sha,
  committed_at, frontmatter, chunk_count, created_at, updated_at)
SELECT s.id || '_docs_part-' || n / 1000 || '_page-' || n, s.id,
       format('docs/part-%%s/page-%%s.mdx', n / 1000, n),
       format('docs/part-%%s/page-%%s', n / 1000, n),
       encode(sha256(('body ' || n)::bytea), 'hex'), encode(sha256('config'), 'hex'),
       substr(encode(sha256(('commit ' || n / 20)::bytea), 'hex'), 1, 40), {_AT},
       jsonb_build_object('title', 'Page ' || n, 'description', repeat('what it is about ', 5),
         'tags', jsonb_build_array('docs', 'part-' || n / 1000), 'weight', n / 7.0),
       %(chunks)s, {_AT}, {_AT}
FROM generate_series(0, %(documents)s - 1) n
JOIN {{stores}} s ON s.index_name = 'mass-' || n %% %(stores)s
""",
    "commits": f"""
INSERT INTO {{commits}} (id, store_id, before_sha, after_sha, delivery_id, processed_at)
SELECT s.id || '_' || md5('delivery ' || n)::uuid, s.id,
       substr(encode(sha256(('commit ' || n - 1)::bytea), 'hex'), 1, 40),
       substr(encode(sha256(('commit ' || n)::bytea), 'hex'), 1, 40),
       md5('delivery ' || n)::uuid, {_AT}
FROM generate_series(0, (%(documents)s - 1) / %(of)s) n
JOIN {{stores}} s ON s.index_name = 'mass-' || n %% %(stores)s
""",
    "vector_entries": """
INSERT INTO {vector_entries} (id, store_id, doc_id, chunk_index, content_hash, upserted_at)
SELECT d.id || '#' || i, d.store_id, d.id, i, encode(sha256((d.path || i)::bytea), 'hex'),
       d.updated_at
FROM {documents} d, generate_series(0, %(chunks)s - 1) i
""",
}
"""What each table is filled with; doubled braces are braces, and doubled signs of per cent too."""
