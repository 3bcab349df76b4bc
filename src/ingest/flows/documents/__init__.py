"""Applies what is said of documents: the one path of webhooks, look-ups and replays.

A change becomes a statement (`statements`, without `owned_keys` of others), is called by the name
of now (`named`, `called`; whose that is: `owners`) and rendered before the transaction (`render`,
`prerender`), decided and written in it (`apply`, `draft`, `plan`, `pointing`, `write`, `sight`).
After it references are bound (`bind`, by `keys`) and shown (`shown`), what is renamed is called
otherwise (`renaming`), what became something else ends (`turning`). `find` finds it.
"""
