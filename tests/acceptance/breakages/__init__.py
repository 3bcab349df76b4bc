"""`docs/breakages.md`, step by step: what it breaks, says and mends is done to a running stack."""
