"""Flows: what happens next, and nothing about how it was called; a room for each thing that does.

`receiving` a request · `deliveries` and `lookups` drained, with one skeleton of a batch (`batches`)
· `documents` · `connections` · `doctor` · `sweep` (what beat does). See docs/architecture.md.
"""
