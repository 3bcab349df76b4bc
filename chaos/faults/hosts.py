"""What happens to hosts, where there are several."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from chaos.faults.fault import AT_ONCE
from chaos.site import Site
from ingest.embedded import processes

_CUT_S = (2.0, 20.0)
_GONE_S = (12.0, 20.0)
_STOPS_S = 30.0


@contextmanager
def cut_off(site: Site, chance: Random) -> Iterator[float]:
    """Nothing comes or goes for a while; its processes live on."""
    host = chance.choice([*site.hosts])
    host.cut_off()
    try:
        yield chance.uniform(*_CUT_S)
    finally:
        host.join()


@contextmanager
def vanished(site: Site, chance: Random) -> Iterator[float]:
    """It loses its power: nobody hears of the end of its processes; they begin anew before it is
    reached again.
    """
    host = chance.choice([*site.hosts])
    host.cut_off()
    for name in site.hosts[host]:
        site.supervisor.kill(name)
    try:
        yield chance.uniform(*_GONE_S)
    finally:
        host.join()


@contextmanager
def restarted(site: Site, _chance: Random) -> Iterator[float]:
    """A rolling restart: one host after the other, each process by SIGTERM."""
    for names in site.hosts.values():
        before = {name: site.supervisor.members(name)[:1] for name in names}
        for name in names:
            for pid in before[name]:
                processes.signal_process(pid, signal.SIGTERM)
        until = time.monotonic() + _STOPS_S
        while any(site.supervisor.members(name)[:1] in ([], before[name]) for name in names):
            if time.monotonic() > until:
                break
            site.tend()
            time.sleep(0.1)
    yield AT_ONCE
