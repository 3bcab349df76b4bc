"""GitHub: what its deliveries mean, on payloads of our own in its shape."""
