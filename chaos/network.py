"""Hosts on one machine: a network namespace each, on a bridge of their own. Linux and root alone.

What is cut off here is cut off as by a pulled cable: nobody is told, and packets go nowhere.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

_PROGRAM = "ip"


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace and its end of the cable; `address` is how others reach it."""

    name: str
    address: str
    namespace: str
    cable: str

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command that runs another one there, under the host's own name."""
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        return [_PROGRAM, "netns", "exec", self.namespace, *named, *argv]

    def cut_off(self) -> None:
        """Nothing comes or goes from now on."""
        _ip("link", "set", self.cable, "down")

    def join(self) -> None:
        """It is reached again."""
        _ip("link", "set", self.cable, "up")


@dataclass(frozen=True, slots=True)
class Network:
    """`address` is where the hosts reach this process's own host."""

    hosts: Sequence[Host]
    address: str
    subnet: str


def lacking() -> str:
    """Why there can be no hosts here; empty where there can."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    missing = [name for name in (_PROGRAM, "unshare") if shutil.which(name) is None]
    return f"{' and '.join(missing)} of iproute2 and util-linux are not here" if missing else ""


@contextmanager
def network(names: Sequence[str]) -> Iterator[Network]:
    """Hosts of these names; they, their cables and the bridge are gone after the block."""
    net, bridge = f"10.231.{secrets.randbelow(256)}", f"chaos{secrets.token_hex(3)}"
    with ExitStack() as held:
        _ip("link", "add", bridge, "type", "bridge")
        held.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{net}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        hosts = [
            _host(held, bridge, name, f"{net}.{number}") for number, name in enumerate(names, 11)
        ]
        yield Network(hosts, f"{net}.1", f"{net}.0/24")


def _host(held: ExitStack, bridge: str, name: str, address: str) -> Host:
    namespace, cable = f"{bridge}-{name}", f"{bridge}{address.rpartition('.')[2]}"
    _ip("netns", "add", namespace)
    held.callback(_ip, "netns", "del", namespace)
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    held.callback(_ip, "link", "del", cable)
    _ip("link", "set", cable, "master", bridge)
    _ip("link", "set", cable, "up")
    for command in (
        ("addr", "add", f"{address}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        _ip("-n", namespace, *command)
    return Host(name, address, namespace, cable)


def _ip(*command: str) -> None:
    subprocess.run([_PROGRAM, *command], check=True, capture_output=True)
