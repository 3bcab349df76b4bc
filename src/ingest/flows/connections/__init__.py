"""Connections: a source connected to stores, from the day it is connected until it is erased.

`connect` (checked, in agreement with others: `agreement`), `change` (another name, other
`filters`), `leaving` (a store), `credentials` (given, rotated), `lifecycle` (paused, resumed,
disconnected; `inactive` says what it waits for then), `purge` and `erase` (nothing is left).
`learning` keeps what a connection's thing is called by now. `directory` is what a batch reads of
all that: who its rows are for.
"""
