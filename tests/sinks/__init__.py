"""Tests of what the change feed is pushed to."""
