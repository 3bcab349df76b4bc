"""SQL, tested on a real PostgreSQL."""
