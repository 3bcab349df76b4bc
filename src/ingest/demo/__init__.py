"""`ingest demo`: one short story over all sources that have a part in it, on the whole stack."""
