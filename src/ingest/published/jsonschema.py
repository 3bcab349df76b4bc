"""Writes the types as JSON Schema, draft 2020-12: one document, each type and union a definition.

Exactly one member of a union holds for a stored value: where a member's mark is open, what marks
its neighbours is taken out.
"""

from __future__ import annotations

from pydantic.json_schema import models_json_schema

from ingest.published.shape import DEFINITION, MODE, AsStored, Schema
from ingest.published.unions import Family, Member, Published

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "What ingest writes into source_metadata, event_metadata and relationships"


def json_schema(types: Published) -> Schema:
    """The document: `$schema`, `title`, and under `$defs` each type and union by its name.

    A program points at the one that it wants, as `#/$defs/DocumentSourceMetadata`.
    """
    members = [member for family in types.families for member in family.members]
    models = [member.model for member in members] + [types.relationships]
    _, made = models_json_schema(
        [(model, MODE) for model in models], schema_generator=AsStored, ref_template=DEFINITION
    )
    definitions: Schema = made["$defs"]
    for member in members:
        _close(definitions[member.name], member)
    for family in types.families:
        definitions |= _unions(family)
    return {"$schema": DIALECT, "title": TITLE, "$defs": definitions}


def _close(definition: Schema, member: Member) -> None:
    if member.mark is not None and not member.mark.values:
        definition["properties"][member.mark.key]["not"] = {"enum": list(member.mark.others)}


def _unions(family: Family) -> Schema:
    unions = {family.name: _one_of(family.seeds)}
    if family.any_name is not None:
        unions[family.any_name] = _one_of(family.members)
    return unions


def _one_of(members: tuple[Member, ...]) -> Schema:
    """A union; the empty one, which JSON Schema cannot write as a choice, holds for nothing."""
    if not members:
        return {"not": {}}
    return {"oneOf": [{"$ref": DEFINITION.format(model=member.name)} for member in members]}
