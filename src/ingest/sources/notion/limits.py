"""Notion's limit: so many requests of a connection in each minute, spent at any pace.

Document: developers.notion.com/reference/request-limits: 180, and 600 on the plans Business and
Enterprise, which no answer tells apart: the smaller figure holds for all. No header says what is
left; a 429 says how long to wait, and that holds the connection.
"""

from __future__ import annotations

from ingest.sources.limits import Limit, RateLimits

LIMITS = RateLimits((Limit("requests", 180, 60),))
