"""How often an address may give a wrong password: some times a minute, whoever asks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

MOST_FAILURES = 10
WITHIN_S = 60.0
MOST_ADDRESSES = 10_000
"""Remembered at once; the one that failed longest ago is forgotten first."""


@dataclass(slots=True)
class Throttle:
    """The failures of this process, by address. For one thread, the event loop's.

    clock: monotonic, in seconds.
    """

    clock: Callable[[], float]
    _failed: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)

    def wait_s(self, address: str) -> float:
        """How long it has to wait before it may try again; 0 where it need not."""
        failed = self._recent(_network(address))
        return max(0.0, failed[0] + WITHIN_S - self.clock()) if len(failed) >= MOST_FAILURES else 0

    def failed(self, address: str) -> None:
        """It gave a wrong one."""
        network = _network(address)
        self._failed[network] = [*self._recent(network), self.clock()][-MOST_FAILURES:]
        self._failed.move_to_end(network)
        if len(self._failed) > MOST_ADDRESSES:
            self._failed.popitem(last=False)

    def _recent(self, network: str) -> list[float]:
        since = self.clock() - WITHIN_S
        return [at for at in self._failed.get(network, ()) if at > since]


def _network(address: str) -> str:
    """Of IPv6 the 64 bits that somebody has at home; what is no address is one of its own."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(int(found) >> 64) if isinstance(found, IPv6Address) else str(found)
