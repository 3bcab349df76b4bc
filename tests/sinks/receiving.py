"""A consumer that knows pushed messages alone: which chunks each document has, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from tests.changes.model import chunk_id, tables

Documents = Mapping[str, list[str]]


@dataclass
class Receiver:
    """Applies messages as docs/changes.md says; a message may come twice."""

    documents: dict[str, dict[str, int]] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)

    def take(self, message: Mapping[str, Any]) -> None:
        snapshot = message["snapshot"]
        if snapshot and snapshot["begins"]:
            self.unnamed = set(self.documents)
        for change in message["changes"]:
            self.unnamed.discard(change["document_id"])
            self.change(change)
        if snapshot and snapshot["ends"]:
            self.forget_unnamed()

    def forget_unnamed(self) -> None:
        for id_ in self.unnamed:
            self.documents.pop(id_, None)
        self.unnamed = set()

    def change(self, change: Mapping[str, Any]) -> None:
        id_, chunks = change["document_id"], change["chunks"]
        if change["op"] != "upserted":
            self.documents.pop(id_, None)
        elif chunks is not None:
            told = [*chunks["new"], *chunks["kept"]]
            self.documents[id_] = {one["id"]: one["position"] for one in told}

    @property
    def shown(self) -> Documents:
        return {
            id_: sorted(chunks, key=chunks.__getitem__) for id_, chunks in self.documents.items()
        }


def standing(engine: sa.Engine) -> Documents:
    """What the tables hold; no document of these tests has two equal chunks."""
    return {id_: [chunk_id(text or "") for text in row[3]] for id_, row in tables(engine).items()}
