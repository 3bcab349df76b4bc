"""With what a document's text was read for references: what stands in no text. Performs no I/O.

Law: `reading_of(kept(upsert, …))` has all that the references and chunks of an object hang on
beside its title and body. So both can be made anew from what is stored (docs/decisions/0041).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ingest.core.canonical import clean_json
from ingest.core.changes import Upsert
from ingest.core.identity import Identity
from ingest.core.references import Reference
from ingest.core.values import JSON

_TAIL = 27
"""The end of a rank, without its version: of what is seen its fence, of what is told the end of its
digest."""


@dataclass(frozen=True, slots=True)
class KeptReading:
    """What an upsert said beside its text; the fields of `Upsert` of these names.

    called: the name that its space has in its own words (`sources.naming`), whatever it is called
        where it is written; of what has none, its home.
    """

    home: str | None = None
    home_scope: str | None = None
    title_is_made_up: bool = False
    chunk_overlap: int | None = None
    references: tuple[Reference, ...] = ()
    links: tuple[str, ...] = ()
    called: str | None = None
    branch: str | None = None


def kept(upsert: Upsert, rank: str, called: str | None = None) -> dict[str, JSON]:
    """The reading as JSON, for the ledger; what is empty is left out. It is that of one word: a
    program that does not know readings may write a newer one beside it.
    """
    told: dict[str, JSON] = {"of": rank[-_TAIL:]}
    if upsert.home is not None:
        told["home"] = upsert.home
    if upsert.home_scope is not None:
        told["scope"] = upsert.home_scope
    if upsert.title_is_made_up:
        told["madeUp"] = True
    if upsert.chunk_overlap is not None:
        told["overlap"] = upsert.chunk_overlap
    if upsert.references:
        told["references"] = [_plain(one) for one in upsert.references]
    if upsert.links:
        told["links"] = [*upsert.links]
    if upsert.branch is not None:
        told["branch"] = upsert.branch
    if called is not None and called != upsert.home:
        told["called"] = called
    return cast("dict[str, JSON]", clean_json(told))


def reading_of(told: Mapping[str, Any] | None, rank: str | None) -> KeptReading | None:
    """The reading that was kept; None where there is none of the word of this rank."""
    if told is None or rank is None or told.get("of") != rank[-_TAIL:]:
        return None
    return KeptReading(
        told.get("home"),
        told.get("scope"),
        bool(told.get("madeUp")),
        told.get("overlap"),
        tuple(_reference(one) for one in told.get("references", ())),
        tuple(told.get("links", ())),
        told.get("called", told.get("home")),
        told.get("branch"),
    )


def _plain(one: Reference) -> list[JSON]:
    thing: JSON = None
    if one.thing is not None:
        thing = [one.thing.source_type, one.thing.scope, one.thing.kind, one.thing.id]
    return [one.kind, one.source, one.key, one.origin, one.evidence, one.prefix, thing]


def _reference(told: list[Any]) -> Reference:
    kind, source, key, origin, evidence, prefix, thing = told
    meant = None if thing is None else Identity(*thing)
    return Reference(kind, source, key, origin, evidence, prefix, meant)
