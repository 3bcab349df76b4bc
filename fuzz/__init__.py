"""Hostile inputs for everything that reads what strangers send; see docs/fuzzing.md."""
