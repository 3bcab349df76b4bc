"""Which IP addresses are of the public internet, and what the others are. Performs no I/O.

Sources: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its updates),
and the addresses at which clouds tell a machine its own secrets. They stand here and not in
`ipaddress` alone, whose `is_global` differs between the releases of Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from ingest.core.errors import Refused, Unavailable

MOST_ADDRESSES = 8
"""Of one name, that are tried."""

_CLOUD = "a cloud's own service"
_RESERVED = "reserved"
_SPECIAL: Sequence[tuple[str, IPv4Network | IPv6Network]] = tuple(
    (kind, ip_network(network))
    for kind, networks in {
        _CLOUD: "169.254.169.254 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254",
        "unspecified": "0.0.0.0/8 ::",
        "loopback": "127.0.0.0/8 ::1",
        "link-local": "169.254.0.0/16 fe80::/10",
        "private": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10",
        "shared between carriers (CGNAT)": "100.64.0.0/10",
        "multicast": "224.0.0.0/4 ff00::/8",
        "for documentation": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
        "for benchmarks": "198.18.0.0/15 2001:2::/48",
        "a local translation": "64:ff9b:1::/48",
        "Teredo": "2001::/32",
        _RESERVED: "192.0.0.0/24 192.88.99.0/24 240.0.0.0/4 ::/96 100::/64 2001::/23 5f00::/16",
    }.items()
    for network in networks.split()
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def judged(host: str, told: Iterable[str]) -> tuple[str, ...]:
    """The addresses that a host's name leads to, in their usual spelling, the first few of them.

    Raises `Refused` where one of them is not of the public internet (a name that has such a one
    beside others is no better), `Unavailable` where there is none.
    """
    addresses = list(dict.fromkeys(told))
    if not addresses:
        raise Unavailable(f"{host} has no address")
    for address in addresses:
        kind = kind_of(address)
        if kind is not None:
            raise Refused(
                f"{host} leads to {address[:60]}, an address that is {kind}; a provider is asked "
                "there only where an operator wants it: INGEST_ALLOWED_API_HOSTS may name the host",
                whole=True,
            )
    return tuple(str(ip_address(address)) for address in addresses[:MOST_ADDRESSES])


def kind_of(address: str) -> str | None:
    """What an address is that is not of the public internet; None for one that is.

    One that carries an IPv4 address (mapped, translated, 6to4) is what that one is.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return "none"
    if isinstance(found, IPv6Address):
        carried = _carried(found)
        if carried is not None:
            return kind_of(str(carried))
        if found.scope_id is not None:
            return "link-local"
    special = next((kind for kind, net in _SPECIAL if found in net), None)
    if special is not None:
        return special
    outside = isinstance(found, IPv6Address) and found not in _GLOBAL_UNICAST
    return _RESERVED if outside or not found.is_global else None


def _carried(address: IPv6Address) -> IPv4Address | None:
    """RFC 4291 (mapped), RFC 6052 (NAT64), RFC 3056 (6to4)."""
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour
