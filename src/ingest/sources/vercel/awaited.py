"""What Vercel does not tell yet of a deployment, so that it is asked for again.

A state changes before all that belongs to it can be read: the log of a build that failed, its
message, the URL of what is still being uploaded. Performs no I/O.

Documents: vercel.com/docs/deployments/logs; vercel/vercel#13901, a log that is empty at first.
"""

from __future__ import annotations

from datetime import timedelta

from ingest.core.changes import Refresh
from ingest.sources.contract import Lookup
from ingest.sources.later import later
from ingest.sources.vercel.build_log import BuildLog
from ingest.sources.vercel.payloads import Seen, time_if
from ingest.sources.wire import mapping

_NEW = timedelta(hours=1)
"""Of a deployment that a list tells: one that is older is told as it is."""
_FAILED = "ERROR"


def awaited(lookup: Lookup, of: Seen, log: BuildLog) -> tuple[Refresh, ...]:
    """The look-up that may show the rest; nothing where all is there.

    A log that may not be read, whose events are null, is not waited for.
    """
    may_read = mapping(lookup.raw).get("events") is not None
    is_unsaid = of.error_message is None or (may_read and not log.errors)
    if of.url is not None and not (of.status == _FAILED and is_unsaid):
        return ()
    made = time_if(of.made)
    is_new = made is not None and timedelta(0) <= lookup.sent_at - made < _NEW
    return later(lookup, is_new=is_new)
