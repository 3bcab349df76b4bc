"""Tests of the console: its pages and actions over HTTP, and in a real browser."""
