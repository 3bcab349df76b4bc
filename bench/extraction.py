"""How fast references are read out of ordinary issue text: mentions and graph, on one core.

The texts are those of the real mix. Beside it, in the same run, one regular expression that finds
whatever looks like a key or a URL and understands nothing: machines differ and are busy, so the
ratio to that is what counts. Processor time, the best of several rounds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import real
from ingest.core.references import Context, extract
from ingest.sources.registry import syntaxes

_NAIVE = re.compile(
    r"https?://\S+|(?:[\w.-]+/[\w.-]+)?#[0-9]+|\b[A-Z][A-Z0-9]*-[0-9]+\b"
    r"|\b(?:fix|close|resolve|block|depend|relate)\w*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is read."""

    texts: int = 3_000
    rounds: int = 7

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(texts=300, rounds=3)


def extraction(plan: Plan) -> dict[str, object]:
    """Megabytes a second, and how many times the time of the bare expression it takes."""
    texts = list(real.texts(plan.texts))
    context, known = Context("github", "acme/shop", scope="1"), syntaxes()
    size = sum(len(text.encode()) for text in texts)
    found = sum(len(extract(text, context, known)) for text in texts)
    assert found > plan.texts / 2, f"{found} references in {plan.texts} texts"
    ours_s = _seconds(texts, plan.rounds, lambda text: extract(text, context, known))
    naive_s = _seconds(texts, plan.rounds, _NAIVE.findall)
    return {
        "texts": plan.texts,
        "bytes": size,
        "references": found,
        "megabytes_per_second": round(size / ours_s / 1e6, 1),
        "expression_megabytes_per_second": round(size / naive_s / 1e6, 1),
        "times_expression": round(ours_s / naive_s, 2),
        "us_per_text": round(1e6 * ours_s / plan.texts, 1),
    }


def _seconds(texts: Sequence[str], rounds: int, read: Callable[[str], object]) -> float:
    return min(_round(texts, read) for _ in range(rounds))


def _round(texts: Sequence[str], read: Callable[[str], object]) -> float:
    began = time.process_time()
    for text in texts:
        read(text)
    return time.process_time() - began
