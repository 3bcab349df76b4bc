"""The demo's story, without a stack; tests/acceptance plays it."""
