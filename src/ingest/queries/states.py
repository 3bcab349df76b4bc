"""What a source calls the state that its documents are in. Performs no I/O."""

from __future__ import annotations

from functools import cache
from typing import Literal

from ingest.published import published
from ingest.sources.registry import all_sources

Field = Literal["state", "status"]


@cache
def state_field(source_type: str) -> Field:
    """`status` where its metadata has one and no `state`, as the types say that it writes."""
    members = published(all_sources()).documents.members
    models = [member.model for member in members if member.source_type == source_type]
    names = {field.alias or name for model in models for name, field in model.model_fields.items()}
    return "status" if "status" in names and "state" not in names else "state"
