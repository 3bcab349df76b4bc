"""The receiver over HTTP, and what it does under load and without its database."""
