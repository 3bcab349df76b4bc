"""Look-ups: asking a provider for what a webhook only hints at.

`drain` is the loop and the table of contents: `request` (asked for, with the deliveries that wait),
claim (`store.lookups`, a `held` row), `fetch` (a provider is asked, in threads, by its `clients`),
`outcome` (what that came to), `settle` (one transaction: documents, the waiting deliveries' ends).
"""
