"""What happens to the broker where it is RabbitMQ."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from chaos.faults.fault import AT_ONCE
from chaos.rabbit import NAME
from chaos.site import Site

_AWAY_S = (1.0, 4.0)
_USUAL_SHARE = "0.4"


@contextmanager
def killed(site: Site, _chance: Random) -> Iterator[float]:
    """Killed, and there again as soon as it has started."""
    site.supervisor.kill(NAME)
    yield AT_ONCE


@contextmanager
def stopped(site: Site, chance: Random) -> Iterator[float]:
    """It ends all its connections, and takes none for a while."""
    with _commanded(site, ("stop_app",), ("start_app",)):
        yield chance.uniform(*_AWAY_S)


@contextmanager
def out_of_memory(site: Site, chance: Random) -> Iterator[float]:
    """The alarm of its memory: whoever publishes is no longer read from."""
    limit = "set_vm_memory_high_watermark"
    with _commanded(site, (limit, "absolute", "1"), (limit, _USUAL_SHARE)):
        yield chance.uniform(*_AWAY_S)


@contextmanager
def frozen(site: Site, chance: Random) -> Iterator[float]:
    """SIGSTOP: it takes connections and answers nothing."""
    members = site.supervisor.members(NAME)
    _signal(members, signal.SIGSTOP)
    try:
        yield chance.uniform(*_AWAY_S)
    finally:
        _signal(members, signal.SIGCONT)


@contextmanager
def _commanded(site: Site, command: tuple[str, ...], undo: tuple[str, ...]) -> Iterator[None]:
    """A node that will not hear how it was before is killed, and is so when it is back."""
    assert site.rabbit is not None, "drawn for a site without RabbitMQ"
    site.rabbit.tell(*command)
    try:
        yield
    finally:
        if not site.rabbit.tell(*undo):
            site.supervisor.kill(NAME)


def _signal(members: list[int], number: signal.Signals) -> None:
    for pid in members:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
