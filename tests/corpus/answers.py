"""Recorded answers of the providers' APIs, each read by the real client, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ingest.core.changes import Upsert
from ingest.sources.registry import source, source_types
from ingest.testing.playback import Playback, Playing, Unasked
from ingest.testing.player import PlayedBack, Player, playing_back
from ingest.testing.recorded import RecordedAnswer
from ingest.testing.sample import all_playings, without_sample

NOT_ASKED, NOT_BUILT, FAILED = "not asked for", "not built", "failed"
COLUMNS = ("source", "kind", "status", "end", "why", "answers", "objects", "documents", "calls")
COUNTS = COLUMNS[5:]
_UNFORESEEN = (AttributeError, LookupError, TypeError, ValueError)
"""What the playback of a provider raises where an answer is of a shape that it does not foresee."""


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """What came of one answer. why: of one that nobody asks for. faults: for people."""

    recorded: RecordedAnswer
    kind: str
    end: str
    why: str = ""
    objects: int = 0
    documents: int = 0
    calls: int = 0
    faults: tuple[str, ...] = ()


def read_all(answers: Sequence[RecordedAnswer]) -> list[AnswerEnd]:
    """The end of each, in their order."""
    playings = all_playings()
    with playing_back() as player:
        return [_read(player, one, playings) for one in answers]


def read_one(answer: RecordedAnswer) -> AnswerEnd:
    """The end of one."""
    (end,) = read_all([answer])
    return end


def rows(ends: Sequence[AnswerEnd]) -> list[dict[str, Any]]:
    """A row for each kind of end, with the sums of what it came to."""
    groups: dict[tuple[str, ...], Counter[str]] = {}
    for end in ends:
        status = "" if end.recorded.status is None else str(end.recorded.status)
        key = (end.recorded.source, end.kind, status, end.end, end.why)
        told = groups.setdefault(key, Counter())
        told.update(answers=1, objects=end.objects, documents=end.documents, calls=end.calls)
    return [
        {**dict(zip(COLUMNS, key, strict=False)), **{name: told[name] for name in COUNTS}}
        for key, told in sorted(groups.items())
    ]


def totals(ends: Sequence[AnswerEnd]) -> list[dict[str, Any]]:
    """How many answers of each source ended how, and what they told."""
    found: dict[str, Counter[str]] = {}
    for end in ends:
        told = found.setdefault(end.recorded.source, Counter())
        told.update({"answers": 1, end.end: 1, "objects": end.objects, "documents": end.documents})
    return [{"source": name, **dict(sorted(told.items()))} for name, told in sorted(found.items())]


def _read(player: Player, one: RecordedAnswer, playings: Mapping[str, Playing]) -> AnswerEnd:
    playing = playings.get(one.source)
    if playing is None:
        reason = without_sample().get(one.source, "its sample plays nothing back")
        if one.source in source_types():
            return AnswerEnd(one, "", FAILED, faults=(reason,))
        return AnswerEnd(one, "", NOT_BUILT)
    try:
        of = playing.of(one)
    except _UNFORESEEN as error:
        fault = f"cannot be played back: {type(error).__name__}: {error}"
        return AnswerEnd(one, "", FAILED, faults=(fault,))
    if isinstance(of, Unasked):
        return AnswerEnd(one, of.kind, NOT_ASKED, of.why)
    played = player.play(source(one.source), playing, of)
    return _end(one, of, played)


def _end(one: RecordedAnswer, of: Playback, played: PlayedBack) -> AnswerEnd:
    faults = (*played.faults, *_unpublished(one.source, played.documents))
    return AnswerEnd(
        one,
        of.kind,
        FAILED if faults or played.end is None else played.end,
        objects=of.objects,
        documents=len(played.documents),
        calls=played.calls,
        faults=faults,
    )


def _unpublished(name: str, documents: Sequence[Upsert]) -> list[str]:
    """Documents whose metadata are of none of the source's published types."""
    types = source(name).document_types
    return [
        f"{one.source_id} has metadata of no published type"
        for one in documents
        if not any(_fits(model, one.metadata) for model in types)
    ]


def _fits(model: Any, metadata: Mapping[str, Any]) -> bool:
    try:
        TypeAdapter(model).validate_python({**metadata})
    except ValidationError:
        return False
    return True
