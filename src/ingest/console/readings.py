"""What costs something to read and is the same for all who look: told again for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.checkup import look_over
from ingest.flows.doctor import Finding
from ingest.kept import Kept
from ingest.store import gauges
from ingest.store.engine import transaction
from ingest.store.gauges import Gauges
from ingest.wiring import Program

GAUGES_S, COSTLY_S, FINDINGS_S = 5.0, 30.0, 30.0


@dataclass(frozen=True, slots=True)
class Readings:
    """gauges, costly: as of `store.gauges`. findings: the doctor's, who asks no provider."""

    gauges: Kept[Gauges]
    costly: Kept[Gauges]
    findings: Kept[list[Finding]]


def readings_of(parts: Program) -> Readings:
    """Of this installation; nothing is read before it is asked for."""

    def reading(read: Callable[[sa.Connection], Gauges]) -> Callable[[], Gauges]:
        def made() -> Gauges:
            with transaction(parts.engine, durable=False) as conn:
                return read(conn)

        return made

    return Readings(
        Kept(reading(gauges.read), GAUGES_S),
        Kept(reading(gauges.read_costly), COSTLY_S),
        Kept(lambda: [*look_over(parts, offline=True)], FINDINGS_S),
    )
