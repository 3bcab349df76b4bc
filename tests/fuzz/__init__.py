"""The fuzzer itself, and a short run of it."""
