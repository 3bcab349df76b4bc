"""The embedded servers and the stack, tested on real processes."""
