"""The shape of a model as it is stored: camelCase, and what is None is left out, never null.

So an optional field is one that may be absent, and a field with any other default is always there.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

Schema = JsonSchemaValue
"""A JSON Schema, draft 2020-12."""

MODE: JsonSchemaMode = "serialization"
DEFINITION = "#/$defs/{model}"


class AsStored(GenerateJsonSchema):
    """Writes the schema of what `model_dump(by_alias=True, exclude_none=True)` gives."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Whether the field is in every stored value; `total` speaks of typed dicts."""
        if field["type"] == "typed-dict-field":
            return super().field_is_required(field, total)
        return _stored(field["schema"])[0]

    def model_field_schema(self, schema: core_schema.ModelField) -> Schema:
        """The field's value where it is there; a default says nothing about that."""
        return self.generate_inner(_stored(schema["schema"])[1])

    def field_title_should_be_set(self, _schema: Any) -> bool:
        """No titles: they would repeat the names."""
        return False


def _stored(schema: Any) -> tuple[bool, Any]:
    """Whether a field of this schema is always stored, and the schema of its value then."""
    always = True
    while schema["type"] in {"default", "nullable"}:
        always = always and schema["type"] != "nullable"
        schema = schema["schema"]
    return always, schema


def shape(model: type[BaseModel]) -> Schema:
    """The schema of one model, with the models inside it under `$defs`."""
    return model.model_json_schema(
        mode=MODE, schema_generator=AsStored, ref_template=DEFINITION, by_alias=True
    )
