"""Processes that are killed by SIGKILL, whole or in part; the supervisor starts them anew."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from chaos.faults.fault import AT_ONCE, Fault
from chaos.site import Site

_BEATS_S = (4.0, 8.0)


def killed(*names: str) -> Fault:
    """All processes of one of these at once."""

    @contextmanager
    def strike(site: Site, chance: Random) -> Iterator[float]:
        here = [name for name in names if site.supervisor.members(name)]
        for name in here and [chance.choice(here)]:
            site.supervisor.kill(name)
        yield AT_ONCE

    return strike


@contextmanager
def one_process(site: Site, chance: Random) -> Iterator[float]:
    """One of a worker's, fetcher's or syncer's processes, which its first one replaces."""
    members = site.supervisor.members(chance.choice(["worker", "worker-2", "fetcher", "syncer"]))
    with suppress(ProcessLookupError, IndexError):
        os.kill(chance.choice(members[1:] or members), signal.SIGKILL)
    yield AT_ONCE


@contextmanager
def two_beats(site: Site, chance: Random) -> Iterator[float]:
    """A second beat for a while."""
    site.supervisor.add(site.beat("beat-2"))
    try:
        yield chance.uniform(*_BEATS_S)
    finally:
        site.supervisor.remove("beat-2")
