"""What a run is asked for: what of it is made anew, and what it is about. Pure.

As JSON it stands in the run's row, so that the same is the same whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.core.errors import BadInput
from ingest.core.times import iso, parse_time
from ingest.core.values import JSON
from ingest.store.reprocessing import Within

CHUNKS, REFERENCES, DELIVERIES = "chunks", "references", "deliveries"
WHAT = (CHUNKS, REFERENCES, DELIVERIES)
FROM_TEXT = (CHUNKS, REFERENCES)
"""What is made of stored text, which is what a run does unless it is told."""


@dataclass(frozen=True, slots=True)
class ReprocessRequest:
    """What a run does.

    what: of WHAT, in that order. resync: whether providers are listed for what cannot be made of
    what is stored.
    """

    what: tuple[str, ...] = FROM_TEXT
    within: Within = field(default_factory=Within)
    resync: bool = False

    def __post_init__(self) -> None:
        unknown = sorted({*self.what} - {*WHAT})
        if unknown:
            known = ", ".join(WHAT)
            raise BadInput(f"{unknown[0][:40]!r} is nothing to make anew; there is {known}")
        if not self.what:
            raise BadInput(f"name what to make anew: {', '.join(WHAT)}")
        timed = self.within.since is not None or self.within.until is not None
        if timed and self.what != (DELIVERIES,):
            raise BadInput("a time is one of deliveries; give it with --what deliveries alone")
        if self.resync and not self.has_text:
            raise BadInput("a resync is of documents; name chunks or references too")
        if self.within.kind is not None and DELIVERIES in self.what:
            raise BadInput("a kind is one of documents; deliveries have none: leave it away")

    @property
    def has_text(self) -> bool:
        """Whether documents are gone through."""
        return CHUNKS in self.what or REFERENCES in self.what

    @property
    def scope(self) -> dict[str, JSON]:
        """What it is about, as JSON; what is about all is left out."""
        told: dict[str, JSON] = {
            name: value
            for name, value in (
                ("store", self.within.store),
                ("source", self.within.source),
                ("connection", self.within.connection),
                ("kind", self.within.kind),
                ("since", iso(self.within.since) if self.within.since is not None else None),
                ("until", iso(self.within.until) if self.within.until is not None else None),
            )
            if value is not None
        }
        return {**told, "resync": True} if self.resync else told


def in_order(what: Collection[str]) -> tuple[str, ...]:
    """What is named, each once, in the order in which it is done; what is unknown stays."""
    return (*(one for one in WHAT if one in what), *sorted({*what} - {*WHAT}))


def asked_of(what: Collection[str], scope: Mapping[str, Any]) -> ReprocessRequest:
    """What a run's row asks for."""
    return ReprocessRequest(
        in_order(what),
        Within(
            scope.get("store"),
            scope.get("source"),
            scope.get("connection"),
            scope.get("kind"),
            _time(scope.get("since")),
            _time(scope.get("until")),
        ),
        bool(scope.get("resync")),
    )


def _time(told: str | None) -> datetime | None:
    return None if told is None else parse_time(told)
