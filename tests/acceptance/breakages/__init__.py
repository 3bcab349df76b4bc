"""`docs/breakages.md` and `docs/tutorial.md`, step by step: what they say is done to one stack."""
