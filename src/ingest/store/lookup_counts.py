"""How look-ups ended and how long asking took: counters of all fetchers together, that only grow.

A row for each source, end and class of times; nobody's transaction waits for them but to add up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import inf

import sqlalchemy as sa

WITHIN_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, inf)
"""The classes of times, each by its longest. Another version may have others."""

# In the order of the keys, so that two that add at once never wait for each other in a circle.
_ADD = sa.text("""
INSERT INTO lightfast_lookup_counts AS c (source_type, outcome, within_s, look_ups, seconds)
SELECT * FROM unnest(
  CAST(:sources AS varchar[]), CAST(:outcomes AS varchar[]), CAST(:within_s AS double precision[]),
  CAST(:look_ups AS bigint[]), CAST(:seconds AS double precision[]))
ORDER BY 1, 2, 3
ON CONFLICT (source_type, outcome, within_s) DO UPDATE
  SET look_ups = c.look_ups + excluded.look_ups, seconds = c.seconds + excluded.seconds
""")
_READ = sa.text("""
SELECT source_type, outcome, within_s, look_ups, seconds FROM lightfast_lookup_counts
ORDER BY source_type, outcome, within_s
""")


@dataclass(frozen=True, slots=True)
class LookUpTimes:
    """The look-ups of a source that ended so: how many took how long at most, and all together.

    buckets: (longest seconds, how many took no longer), growing, up to all of them.
    """

    source_type: str
    outcome: str
    buckets: tuple[tuple[float, int], ...]
    seconds: float


def add(conn: sa.Connection, ended: Iterable[tuple[str, str, float]]) -> None:
    """Count look-ups, each by its source type, its end and the seconds that asking took."""
    counts: dict[tuple[str, str, float], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for source_type, outcome, seconds in ended:
        key = source_type, outcome, WITHIN_S[bisect_left(WITHIN_S, seconds)]
        before = counts[key]
        counts[key] = before[0] + 1, before[1] + seconds
    if not counts:
        return
    sources, outcomes, within_s = zip(*counts, strict=True)
    look_ups, seconds_of = zip(*counts.values(), strict=True)
    conn.execute(
        _ADD,
        {
            "sources": list(sources),
            "outcomes": list(outcomes),
            "within_s": list(within_s),
            "look_ups": list(look_ups),
            "seconds": list(seconds_of),
        },
    )


def read(conn: sa.Connection) -> list[LookUpTimes]:
    """All that was ever counted, by source and end.

    All have the same classes, those of other versions too: else nobody could add them up.
    """
    rows = conn.execute(_READ).all()
    classes = sorted({*WITHIN_S, *(row.within_s for row in rows)})
    found: list[LookUpTimes] = []
    for (source_type, outcome), of in groupby(rows, lambda row: tuple(row[:2])):
        kept = list(of)
        here = {row.within_s: row.look_ups for row in kept}
        many = accumulate(here.get(within_s, 0) for within_s in classes)
        buckets = tuple(zip(classes, many, strict=True))
        found.append(LookUpTimes(source_type, outcome, buckets, sum(r.seconds for r in kept)))
    return found
