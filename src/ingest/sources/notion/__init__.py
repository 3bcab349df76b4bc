"""Notion: its deliveries are verified and kept, and wait for an adapter."""

from ingest.sources.contract import Source
from ingest.sources.notion.descriptor import DESCRIPTOR

SOURCE = Source(descriptor=DESCRIPTOR)
