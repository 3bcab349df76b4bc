"""Where a token may be sent: the hosts of a provider's API, and those that an operator allows.

Law: a base URL that a connection's metadata makes is `https`, on a host that its provider's pattern
or the operator's setting names; what the operator's own setting says is taken as it is. Performs no
I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ingest.core.errors import Refused
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor
from ingest.sources.forms import Form

ALLOWED_API_HOSTS = "INGEST_ALLOWED_API_HOSTS"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# What ends in a number is an address, in any spelling that resolvers take (WHATWG URL, 3.5).
_LOCAL = "".join(f"[{char}{char.upper()}]" for char in "localhost")
_ENDS = r"(?![A-Za-z0-9.-])"
_NAME = rf"(?:{_LABEL}\.)*(?!(?:[0-9]+|0[xX][0-9A-Fa-f]*|{_LOCAL}){_ENDS}){_LABEL}{_ENDS}"
_LAST_PORT = 65_535
_PORT = r"(?::[1-9][0-9]{0,4})?"

LABEL = Form(_LABEL, "a subdomain alone: letters, digits and '-'")
HOST = Form(
    rf"(?=[^:]{{1,253}}(?::|$)){_NAME}{_PORT}",
    "the name of a host, as errors.example.com (no URL, no address, not localhost)",
)
ALLOWED = Form(
    rf"(?=.{{1,253}}$)(?:\*\.{_LABEL}\.)?{_NAME}",
    "names of hosts, separated by commas, as errors.example.com or *.example.com",
)
"""What the setting may hold: an exact name, or every name under one of two labels or more."""

_BASE = re.compile(rf"https://(?P<host>{_NAME})(?::(?P<port>[0-9]{{1,5}}))?(?:/[A-Za-z0-9_-]+)*/?")


@dataclass(frozen=True, slots=True)
class Reach:
    """What an operator says of hosts.

    api_urls: the bases of providers' APIs that settings name, by source type.
    allowed: names, or `*.example.com`, of hosts that connections' metadata may name beside the
        providers' own.
    """

    api_urls: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiBase:
    """The base of an API; `is_trusted` where the operator named it, wherever it leads."""

    url: str
    is_trusted: bool


def base_of(descriptor: Descriptor, metadata: Mapping[str, JSON], reach: Reach) -> ApiBase:
    """The base of the API of a connection; raises `Refused` where its token may not be sent there.

    The provider's own hosts are asked on the usual port alone.
    """
    configured = reach.api_urls.get(descriptor.source_type)
    if configured:
        return ApiBase(configured, is_trusted=True)
    url = descriptor.api_url(metadata)
    found = _BASE.fullmatch(url)
    if found is None or len(found["host"]) > 253 or int(found["port"] or 443) > _LAST_PORT:
        raise Refused(_fault(descriptor, ""))
    host, port = found["host"], found["port"] or "443"
    if matches(host, reach.allowed):
        return ApiBase(url, is_trusted=True)
    if matches(host, descriptor.api_hosts) and port == "443":
        return ApiBase(url, is_trusted=False)
    raise Refused(_fault(descriptor, host if port == "443" else f"{host}:{port}"))


def host_of(url: str) -> str:
    """The host of a URL in small letters, with its port where one is named; empty where there is
    none.
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def matches(host: str, patterns: Collection[str]) -> bool:
    """Whether a name is one of these, or lies under one that is written `*.example.com`.

    In any case; `*.example.com` is not `example.com` itself.
    """
    name = host.lower()
    return any(
        name.endswith(one[1:]) if one.startswith("*.") else name == one
        for one in map(str.lower, patterns)
    )


def _fault(descriptor: Descriptor, host: str) -> str:
    place = descriptor.api_host_field or "the metadata"
    own = " or ".join(descriptor.api_hosts) or "none of its own"
    named = f"names {host}, which is no host" if host else "makes no name of a host"
    return (
        f"{place} of the connection {named} of {descriptor.title}'s API ({own}): the token is not "
        "sent there; connect the source with the right one, or let the setting "
        f"{ALLOWED_API_HOSTS} name it"
    )
