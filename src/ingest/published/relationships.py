"""The seed's `DocumentRelationships` as a model: `mentions` has a key for every known source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.alias_generators import to_camel


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Temporal(_Part):
    """What the document happened with."""

    deployment_id: str | None = None
    commit_sha: str | None = None
    before_event_id: str | None = None
    after_event_id: str | None = None


class Graph(_Part):
    """What the document does to others; each is `<source>:<canonical mention>`."""

    resolves: list[str] | None = None
    blocked_by: list[str] | None = None
    depends_on: list[str] | None = None
    related_to: list[str] | None = None


def relationships(source_types: Iterable[str]) -> type[BaseModel]:
    """The model of a document's `relationships` where these sources can be mentioned.

    It is called `DocumentRelationships`. Absent parts are left out, never null.
    """
    keys: dict[str, Any] = dict.fromkeys(source_types, (list[str] | None, None))
    mentions = create_model("Mentions", __base__=_Part, **keys)
    parts: dict[str, Any] = {
        "mentions": (mentions | None, None),
        "temporal": (Temporal | None, None),
        "graph": (Graph | None, None),
    }
    said = "What a document mentions, what it happened with, and what it does to others."
    return create_model("DocumentRelationships", __base__=_Part, __doc__=said, **parts)
