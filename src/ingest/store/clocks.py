"""How far the clocks of our hosts are from the database's, each as its processes told it last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

# What is inserted is made before another process of the same host is waited for.
_TELL = sa.text("""
INSERT INTO lightfast_clocks AS c (process, ahead_s, told_at)
VALUES (:process, extract(epoch FROM CAST(:at AS timestamptz) - clock_timestamp()),
        clock_timestamp())
ON CONFLICT (process) DO UPDATE SET ahead_s = excluded.ahead_s, told_at = excluded.told_at
""")
_TOLD = sa.text("""
SELECT process, ahead_s, CAST(extract(epoch FROM clock_timestamp() - told_at) AS double precision)
FROM lightfast_clocks WHERE told_at > now() - make_interval(secs => :within_s)
ORDER BY process
""")
_FORGET = sa.text("DELETE FROM lightfast_clocks WHERE told_at < now() - interval '1 day'")


@dataclass(frozen=True, slots=True)
class HostClock:
    """A clock: whose (`kind@host`), by how much it was ahead (behind: less than 0), how long ago.

    Seconds; what the statement took on its way is in them.
    """

    process: str
    ahead_s: float
    ago_s: float


def tell(conn: sa.Connection, process: str, at: datetime) -> None:
    """Say what the process's clock shows just now; `process` as `pulse.process_name`."""
    conn.execute(_TELL, {"process": process, "at": at})


def told(conn: sa.Connection, *, within_s: float) -> list[HostClock]:
    """The clocks that were told within so many seconds, by process."""
    return [HostClock(*row) for row in conn.execute(_TOLD, {"within_s": within_s})]


def forget(conn: sa.Connection) -> int:
    """Forget whoever has said nothing for a day; how many there were."""
    return conn.execute(_FORGET).rowcount
