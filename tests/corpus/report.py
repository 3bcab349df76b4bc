"""What came of a folder: rows for people and programs, and what counts as a failure.

Deliveries and answers of APIs are told apart: of the first by event, of the second by kind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from ingest.testing.recorded import Recorded
from tests.corpus import answers
from tests.corpus.answers import AnswerEnd

_WITH_PATH = re.compile(r"payload field \S+: ")
_COLUMNS = ("source", "event", "action", "status", "reason", "recorded", "synthetic", "documents")


@dataclass(frozen=True, slots=True)
class End:
    """One payload's end. `documents` are the ids of those that it speaks of and that stand."""

    recorded: Recorded
    event: str
    action: str
    code: int
    status: str
    reason: str
    documents: frozenset[str] = frozenset()


@dataclass(slots=True)
class Result:
    """The whole of a run."""

    ends: list[End]
    answered: list[AnswerEnd] = field(default_factory=list)
    standing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def failures(self) -> list[str]:
        """Everything for which the run is not a success."""
        is_empty = not self.ends and not self.answered
        found = ["the folder holds no payload"] if is_empty else []
        for end in self.ends:
            fault = _fault(end)
            if fault:
                found.append(f"{end.recorded.name}: {fault}")
        for answer in self.answered:
            found += [f"{answer.recorded.name}: {fault}" for fault in answer.faults]
        return found + [f"sent once more, it moved: {line}" for line in self.moved]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each kind of end; what was recorded and what is synthetic is counted apart."""
        groups: dict[tuple[str, ...], list[End]] = {}
        for end in self.ends:
            key = (end.recorded.source, end.event, end.action, end.status, end.reason)
            groups.setdefault(key, []).append(end)
        return [
            {
                **dict(zip(_COLUMNS, key, strict=False)),
                "recorded": sum(not end.recorded.synthetic for end in ends),
                "synthetic": sum(end.recorded.synthetic for end in ends),
                "documents": len(frozenset[str]().union(*(end.documents for end in ends))),
            }
            for key, ends in sorted(groups.items())
        ]

    def totals(self) -> list[dict[str, Any]]:
        """Statuses by source and by whether somebody made the payloads up."""
        counts: dict[tuple[str, str], Counter[str]] = {}
        for end in self.ends:
            kind = "synthetic" if end.recorded.synthetic else "recorded"
            counts.setdefault((end.recorded.source, kind), Counter())[end.status] += 1
        return [
            {"source": source, "kind": kind, **dict(sorted(statuses.items()))}
            for (source, kind), statuses in sorted(counts.items())
        ]

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "rows": self.rows(),
            "totals": self.totals(),
            "documents": self.standing,
            "api": {"rows": answers.rows(self.answered), "totals": answers.totals(self.answered)},
            "failures": self.failures(),
            "seconds": self.seconds,
        }


def show(result: Result, say: Callable[[str], None]) -> None:
    """Print for people: the rows, the totals, what stands, what failed."""
    _table(_COLUMNS, result.rows(), numbers=_COLUMNS[5:])
    for total in result.totals():
        counts = [
            f"{n} {status}" for status, n in total.items() if status not in {"source", "kind"}
        ]
        say(f"{total['source']}, {total['kind']}: {', '.join(counts)}")
    for source, kinds in result.standing.items():
        say(f"{source} documents: {', '.join(f'{n} {kind}' for kind, n in kinds.items())}")
    _table(answers.COLUMNS, answers.rows(result.answered), numbers=answers.COUNTS)
    for total in answers.totals(result.answered):
        counts = [f"{n} {name}" for name, n in total.items() if name != "source"]
        say(f"{total['source']}, answers of its API: {', '.join(counts)}")
    for failure in result.failures():
        say(f"FAILED: {failure}")
    said = f"{len(result.ends)} payloads and {len(result.answered)} answers"
    say(f"{said} in {result.seconds:g} s")


def _table(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, numbers: Sequence[str]
) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left")
    for row in rows:
        table.add_row(*(str(row[name])[:80] for name in columns))
    Console(width=200, highlight=False, markup=False).print(table)


def _fault(end: End) -> str:
    if end.code >= 500:
        return f"answered {end.code}: {end.reason}"
    if end.code in {401, 404}:
        return f"answered {end.code}, so that it was sent wrongly: {end.reason}"
    if end.status == "pending":
        return f"has no end: {end.reason}"
    if end.status == "dead" and _WITH_PATH.match(end.reason) is None:
        return f"is dead without the path of a required field: {end.reason}"
    return ""
