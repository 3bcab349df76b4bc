"""What a sender is told about a delivery. Performs no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a verified delivery.

    status: `accepted` where it is stored now, `duplicate` where it was known already, `handshake`
        and `dropped` where it was answered and not stored: the latter was signed too long ago.
    id: of its row; None where there is none.
    """

    id: int | None
    status: Literal["accepted", "duplicate", "handshake", "dropped"]
