"""Vercel: fixtures in its real shape, and what they mean."""
