"""The database's schema, installed as `ingest_schema`: `schema.sql` to read, migrations to run.

`src/ingest_schema` is a link to this folder, so that checkout and wheel hold the same files.
"""
