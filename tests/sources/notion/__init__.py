"""Tests of the adapter for Notion."""
