"""Tests of `schema/`: the file, the migrations and the SQLAlchemy tables say the same."""
