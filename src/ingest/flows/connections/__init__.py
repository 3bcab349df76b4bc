"""Connections: a source's life in a store, from being connected to being erased.

`connect` (checked, in agreement with others: `agreement`), `credentials` (given, rotated),
`lifecycle` (paused, resumed, disconnected), `purge` and `erase` (nothing is left). `directory` is
what a batch reads of all that: who its rows are for.
"""
