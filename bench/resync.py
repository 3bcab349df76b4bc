"""What a backfill costs, and a resync that finds nothing new; per source, and over many objects."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.apart import Apart, apart
from bench.crowds import CROWDS
from bench.stage import STORE, Stage, empty, stage
from bench.syncer import SECRET_KEY, RunCost, syncer
from ingest.core.vault import Vault
from ingest.sources.registry import source
from ingest.store import connections, credentials
from ingest.store.engine import transaction
from ingest.testing.sample import sample_of


def connect_to(place: Stage, source_type: str, fake: Apart) -> str:
    sample = sample_of(source_type)
    assert sample is not None
    told = sample.metadata
    with transaction(place.engine) as conn:
        made = connections.create(
            conn, source_type=source_type, name="bench", metadata=told,
            tenants=source(source_type).descriptor.connection_tenants(told), store_ids=[STORE],
        )
        credentials.add(conn, Vault([SECRET_KEY]), made, credentials.API_TOKEN, fake.token)
    return made
