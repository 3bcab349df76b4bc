"""What a step found, what it comes to, and in which parts it is written. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ingest.core.folding import LedgerRow
from ingest.core.values import JSON
from ingest.flows.documents.prerender import MAX_ROWS
from ingest.flows.documents.render import Renders
from ingest.flows.reprocess.remake import Remade, StandingDocument
from ingest.flows.reprocess.stored import REASONS, Unmade
from ingest.store import reprocessing
from ingest.store.reprocessing import Place

MOST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class LookedAtDocument:
    """A document as it stands, its place in the run's order, and what it should be by today."""

    place: Place
    standing: StandingDocument
    made: Remade | Unmade | None

    @property
    def remade(self) -> Remade | None:
        """What is to be written of it."""
        return self.made if isinstance(self.made, Remade) else None

    @property
    def unmade(self) -> Unmade | None:
        """Why it cannot be made, or not all of it that was asked for."""
        return self.made.lacks if isinstance(self.made, Remade) else self.made

    @property
    def outcomes(self) -> Iterator[str]:
        """As what it is counted."""
        yield "looked"
        if self.remade is not None:
            yield from (name for name in ("rechunked", "reread") if getattr(self.remade, name))
        if self.unmade is not None:
            yield self.unmade.reason


@dataclass(frozen=True, slots=True)
class StepPart:
    """What is written in one transaction, and counted with it.

    until: behind which place the run stands after it. again: those of the findings that a listing
    is to tell once more.
    """

    findings: Sequence[LookedAtDocument]
    until: Place
    again: Sequence[LookedAtDocument] = ()

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """What became of the documents, by source type."""
        found: dict[str, Counter[str]] = {}
        for one in self.findings:
            found.setdefault(one.standing.row.source_type, Counter()).update(one.outcomes)
        return found

    @property
    def samples(self) -> list[JSON]:
        """Some of what cannot be made, each with the reason."""
        lacking = ((one, one.unmade) for one in self.findings)
        return [sample(one.standing.row, REASONS[u.reason]) for one, u in lacking if u is not None][
            :MOST_SAMPLES
        ]


def sample(row: LedgerRow, reason: str) -> JSON:
    """A document that cannot be made, as a person reads it."""
    return {
        "document": row.document_id,
        "source_id": row.source_id,
        "store": row.store_id,
        "reason": reason,
    }


@dataclass(slots=True)
class LookedAt:
    """What a step found, in the run's order.

    until: behind which place the next step begins; ends: there is none.
    """

    findings: list[LookedAtDocument] = field(default_factory=list)
    renders: Renders = field(default_factory=Renders)
    until: Place = reprocessing.FIRST
    ends: bool = False

    @property
    def whole(self) -> StepPart:
        """All of it in one."""
        return StepPart(self.findings, self.until)


def parts(looked: LookedAt, *, tells_again: bool = False) -> list[StepPart]:
    """What is written, in as many transactions as it takes for none to write too much; one at
    least, for the run moves on with the last.

    tells_again: whether what cannot be made is to be told once more.
    """
    found: list[list[LookedAtDocument]] = [[]]
    taken = 0
    for one in looked.findings:
        rows = _rows(one, looked.renders)
        taken += rows
        if found[-1] and taken > MAX_ROWS:
            found.append([])
            taken = rows
        found[-1].append(one)
    ends = [*(part[-1].place for part in found[:-1]), looked.until]
    again = [[one for one in part if tells_again and one.unmade] for part in found]
    return [StepPart(*one) for one in zip(found, ends, again, strict=True)]


def _rows(one: LookedAtDocument, renders: Renders) -> int:
    draft = one.remade.entry.draft if one.remade is not None else None
    return renders.rows(draft.upsert, draft.store) if draft is not None else 1
