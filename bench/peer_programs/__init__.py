"""Programs of others that load the same texts, run in the environment that `bench.peers` makes.

They import nothing of ours: that environment has their packages alone.
"""
