"""Raises the process's limit of file descriptors, and shares them out to connections."""

from __future__ import annotations

import contextlib
import resource

RESERVED = 256
"""Kept for the database, the broker, logs and what is being accepted."""
ENOUGH = 65_536
"""What is asked for where the hard limit is none."""


def raise_limit() -> int:
    """Raise the soft limit to the hard one; the limit that holds then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has a lower limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else soft


def for_connections(limit: int, most: int) -> int:
    """How many of `limit` descriptors connections may use, `most` at most.

    All but RESERVED; of a limit below twice that, half.
    """
    return min(most, max(limit - RESERVED, limit // 2))
