"""Brings deliveries from the queue to their end: claimed, routed, normalised, settled, in batches.

`drain` is the loop and the table of contents: claim (`store.claiming`, under a `lease`), `route`
(whose is it), `normalise` (what does it mean), `settle` (one transaction: events, documents,
look-ups, ends), `verdicts` (how each ended). `gate` says which batches may run at once.
"""
