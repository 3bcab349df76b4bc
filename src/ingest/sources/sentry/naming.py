"""How a project's issues are called after its slug, under one slug and under another.

Short ids are made of the slug of now, so all change with it, and keep their counters
(`api/bases/project.py`, `models/group.py` of getsentry/sentry). Performs no I/O.
"""

from __future__ import annotations

from ingest.core.naming import Called
from ingest.core.values import JSON
from ingest.sources.naming import Metadata, Naming
from ingest.sources.wire import text


def _within(metadata: Metadata) -> Called | None:
    """The project is the scope itself; a comment's key does not name it."""
    slug = text(metadata, "project") if metadata.get("kind") == "issue" else None
    return Called("", slug) if slug is not None else None


def _key(key: str, before: str, after: str) -> str:
    prefix, dash, counter = key.rpartition("-")
    return f"{after.upper()}-{counter}" if dash and prefix.upper() == before.upper() else key


def _metadata(told: Metadata, before: str, after: str) -> dict[str, JSON]:
    made: dict[str, JSON] = dict(told)
    short_id = text(told, "shortId")
    if short_id is not None:
        made["shortId"] = _key(short_id, before, after)
    if told.get("project") == before:
        made["project"] = after
    return made


NAMING = Naming(within=_within, key=_key, metadata=_metadata, prefix=str.upper)
