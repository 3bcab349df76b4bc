"""The views for whoever only reads."""
