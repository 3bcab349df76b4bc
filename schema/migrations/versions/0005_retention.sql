-- What was settled longest ago, for retention. `ingest db upgrade` has built it already, beside
-- whoever writes (store/online_indexes); what is built here is that of an empty table.
CREATE INDEX IF NOT EXISTS idx_deliveries_settled ON lightfast_webhook_deliveries (settled_at)
  WHERE status IN ('processed', 'skipped', 'duplicate');
