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
