"""One budget for all who ask: what it lets through, with Redis and without."""
