"""Measurements that anyone can run: `make bench`; each is a ratio within one run."""
