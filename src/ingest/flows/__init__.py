"""What happens to requests, deliveries, look-ups and documents, step by step: a room for each.

Law: nothing here knows how it was called (HTTP, Celery, a command), and no framework is imported.
`receiving` a request · `deliveries` and `lookups` drained, with one skeleton of a batch (`batches`)
· `documents` · `connections` · `doctor` · `sweep` and `retention` (what beat does). See
docs/architecture.md.
"""
