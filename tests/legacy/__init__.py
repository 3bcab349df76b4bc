"""Tests of the way out of a legacy database and of the way in."""
