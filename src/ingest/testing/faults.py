"""Bad weather at a provider: faults of a share of all requests, drawn from a seed.

Law: a fault says nothing of what is asked for: it is a limit, an error of the server's own, or an
answer that does not arrive. What an object is, whether it is there and whether the token is known
is never a fault of these.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, get_args

from ingest.testing.breaking import Break
from ingest.testing.fakes import Answer

FaultKind = Literal[
    "limited", "500", "502", "503", "503 told", "cut", "torn", "reset", "hang", "drip"
]
USUAL: tuple[FaultKind, ...] = tuple(kind for kind in get_args(FaultKind) if kind != "drip")
"""All but the one that takes as long as whoever asks lets it."""
_WEIGHTS: Mapping[FaultKind, int] = {"hang": 1}
"""How often one comes beside the others, which have 4: who hangs takes its time."""
_STATUSES: Mapping[FaultKind, int] = {"500": 500, "502": 502, "503": 503, "503 told": 503}
_BREAKS: tuple[Break, ...] = get_args(Break)
_WAIT_S = 1


def retry_after(seconds: int, _now: datetime) -> Answer:
    """RFC 9110, 10.2.3: too many requests, and in how many seconds they are too many no more."""
    return Answer(429, {"message": "Too Many Requests"}, {"retry-after": str(seconds)})


Limited = Callable[[int, datetime], Answer]
"""How a provider says that its caller is to wait so many seconds from that moment on."""


@dataclass(slots=True)
class Faults:
    """`share` of all requests go wrong, until `calm`; `struck` counts how.

    limited: see `Limited`. kinds: of them only these.
    """

    seed: int
    share: float = 1 / 3
    limited: Limited = retry_after
    kinds: tuple[FaultKind, ...] = USUAL
    calm: bool = False
    struck: Counter[FaultKind] = field(default_factory=Counter)
    _drawn: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._drawn = random.Random(self.seed)

    def through(self, right: Callable[[], Answer]) -> Answer:
        """What comes of a request that has this right answer; to be a `Fake`'s `weather`."""
        kind = self._draw()
        return right() if kind is None else self._instead(kind, right)

    def _draw(self) -> FaultKind | None:
        if self.calm or self._drawn.random() >= self.share:
            return None
        weights = [_WEIGHTS.get(kind, 4) for kind in self.kinds]
        (kind,) = self._drawn.choices(self.kinds, weights)
        self.struck[kind] += 1
        return kind

    def _instead(self, kind: FaultKind, right: Callable[[], Answer]) -> Answer:
        """Of the right answer some begin, and do not end."""
        if kind == "limited":
            return self.limited(_WAIT_S, datetime.now(UTC))
        if kind in _STATUSES:
            headers = {"content-type": "text/html"}
            if kind == "503 told":
                headers["retry-after"] = str(_WAIT_S)
            return Answer(_STATUSES[kind], b"<html>It is us, not you.</html>", headers)
        return replace(right(), breaks=next(one for one in _BREAKS if one == kind))
