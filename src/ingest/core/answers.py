"""What a sender is told about a delivery. Performs no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified delivery: stored now, known already, or a handshake, which has no id."""

    id: int | None
    status: Literal["accepted", "duplicate", "handshake"]
