"""The types of what ingest writes, as TypeScript and JSON Schema, for the programs that read it.

Law: what comes out is a function of the sources' models alone. Performs no I/O.
"""

from ingest.published.jsonschema import json_schema
from ingest.published.typescript import typescript
from ingest.published.unions import Family, Mark, Member, Published, published

__all__ = ["Family", "Mark", "Member", "Published", "json_schema", "published", "typescript"]
