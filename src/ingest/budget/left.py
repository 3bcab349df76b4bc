"""What is left of providers' limits, for the metrics: of each the least of all whose it is.

Law: no label is a token's, a connection's or a tenant's; what is not known is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest.budget.shared import SharedBudgets
from ingest.sources.contract import Source
from ingest.store.gauges import Gauges

SHORTEST_S = 60
"""What is whole again within seconds says nothing to who looks every quarter of a minute."""


def limits_left(budgets: SharedBudgets, sources: Iterable[Source]) -> Gauges:
    """`limit_left` and `limit_amount` by source and limit, as the providers' headers said last.

    Both of the one with the least left. Blocks for Redis, half a second where that is away: then
    nothing is known.
    """
    left: list[tuple[tuple[str, ...], float]] = []
    amounts: list[tuple[tuple[str, ...], float]] = []
    for found in sources:
        source_type = found.descriptor.source_type
        for limit in found.limits.each if found.limits is not None else ():
            told = budgets.least(source_type, limit) if limit.per_s >= SHORTEST_S else None
            if told is None or told.remaining is None:
                continue
            left.append(((source_type, limit.name), float(told.remaining)))
            if amount := told.amount or limit.amount:
                amounts.append(((source_type, limit.name), float(amount)))
    return {"limit_left": left, "limit_amount": amounts}
