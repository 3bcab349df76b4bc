"""The bases of the metadata that a source writes: of documents, of events and of connections.

Law: camelCase on the wire and snake_case here; a field that is not known is left out, never null.
Each model adds `type`, a literal of its source's name. Performs no I/O.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ingest.core.values import JSON


class Metadata(BaseModel):
    """Base of the members of `Source.document_types` and `Source.event_types`.

    Made by keyword, in snake_case; several members of one source are told apart by `kind` or
    `action`, a literal or a pattern that no other one fits.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )

    def told(self) -> dict[str, JSON]:
        """The JSON that is stored."""
        return self.model_dump(by_alias=True, exclude_none=True)


class ResyncedMetadata(Metadata):
    """Base of the event that a sync run records where it changed a document.

    kind, id: of the document's identity, within its scope. change: what became of the document.
    run: the sync run's id. version: the source's version, as the ledger writes it.
    """

    action: Literal["resync"] = "resync"
    change: Literal["created", "updated", "deleted", "withdrawn"]
    kind: str
    id: str
    source_id: str
    version: str
    run: int


class ConnectionMetadata(BaseModel):
    """Base of `Descriptor.connection`: what somebody gives who connects a source.

    Further fields are kept. What ends in a request has a `Form` (see `forms`).
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True, extra="allow"
    )
