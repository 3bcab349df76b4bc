"""Applies what is said of documents: the one path of webhooks, look-ups and replays.

A change becomes a statement (`statements`, without `owned_keys` of others), is rendered before the
transaction (`render`, `prerender`), decided and written in it (`apply`, `draft`, `plan`, `write`),
and its references are bound after it (`bind`).
"""
