-- How far a host's clock is ahead of the database's (behind it: less than 0), in seconds, as its
-- processes told it last, each as kind@host.
CREATE TABLE lightfast_clocks (
  process VARCHAR(191) PRIMARY KEY,
  ahead_s DOUBLE PRECISION NOT NULL,
  told_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
-- How often a connection was taken off the store: who writes in it by what he read before is told.
ALTER TABLE lightfast_stores ADD COLUMN links_taken INTEGER NOT NULL DEFAULT 0;
