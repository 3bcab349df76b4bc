"""Down to the socket: who is connected to, how long that may take, and how much may come.

Law: of a host that a connection's metadata names, the name is resolved once for each socket, every
address is judged, and the socket goes to one of those very addresses: what the name's server says
the next time counts for nothing. Certificates are proven for the name. A request has one limit of
time and one of bytes, whichever way they come. A proxy of the environment is the operator's own and
resolves by itself. Source: httpcore, "Network Backends".
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from ipaddress import ip_address
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from ingest.core.errors import BadSettings
from ingest.sources.access import Resolve
from ingest.sources.addresses import judged

CONNECT_S, STEP_S = 5.0, 30.0
LARGEST_HEAD = 2**18
"""Of an answer, with all the interim ones (RFC 9110, 15.2) before it."""
_MOST_SOCKETS, _MOST_IDLE = 16, 8


@dataclass(slots=True)
class Allowance:
    """What a request may still take in all, its redirects included: until when, and how many bytes.

    Counted at the socket, before anything is decoded.
    """

    now: Callable[[], datetime]
    until: datetime
    bytes_left: int = LARGEST_HEAD

    def left_s(self) -> float:
        """Seconds until its end; negative past it."""
        return (self.until - self.now()).total_seconds()

    def take(self, count: int) -> None:
        """So many bytes came; raises `httpcore.RemoteProtocolError` where they are too many."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise httpcore.RemoteProtocolError("the answer is larger than any may be")


class Step(float):
    """The longest wait for one step of a request, which its allowance bounds as well.

    httpcore hands a time-out through to the socket as it was given, so it may know its request.
    """

    allowance: Allowance

    def __new__(cls, seconds: float, allowance: Allowance) -> Self:
        step = super().__new__(cls, seconds)
        step.allowance = allowance
        return step


@dataclass(frozen=True, slots=True)
class Network:
    """The world below: sockets, and whose certificates are believed. A test passes its own."""

    sockets: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)
    certificates: Callable[[], ssl.SSLContext] = httpx.create_ssl_context


class Transport:
    """The sockets to one base URL. Blocking; used by several threads at a time.

    base_url: says whether TLS is spoken, and which proxy of the environment is for it.
    resolve: the addresses of a name, each judged before anybody connects to it; None where the
        operator named the host, and any address will do.
    """

    def __init__(self, base_url: str, resolve: Resolve | None, network: Network) -> None:
        """Raises `BadSettings` for a proxy of the environment that cannot be used."""
        url = httpx.URL(base_url)
        proxy = _proxy(url)
        # Where a proxy connects, the address that we would judge is not the one it connects to.
        judging = None if proxy is not None else resolve
        self._pool = httpcore.ConnectionPool(
            ssl_context=network.certificates() if url.scheme == "https" else None,
            proxy=proxy,
            max_connections=_MOST_SOCKETS,
            max_keepalive_connections=_MOST_IDLE,
            keepalive_expiry=5.0,
            network_backend=_Backend(network.sockets, judging),
        )

    def send(self, request: httpx.Request, allowance: Allowance) -> httpcore.Response:
        """The answer as far as its head; the caller reads the body, and closes it.

        Raises what httpcore raises, and `Refused` for an address that nobody may be asked at.
        """
        allowance.bytes_left = LARGEST_HEAD
        step = Step(STEP_S, allowance)
        waits = {"connect": CONNECT_S, "read": step, "write": STEP_S, "pool": STEP_S}
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.content,
            extensions={"timeout": waits},
        )
        return self._pool.handle_request(asked)

    def close(self) -> None:
        """Let go of open connections."""
        self._pool.close()


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were judged; without `resolve` to whatever it is told."""

    def __init__(self, sockets: httpcore.NetworkBackend, resolve: Resolve | None) -> None:
        self._sockets = sockets
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """The first address that answers; raises what the last of them raised."""
        places = (host,) if self._resolve is None else judged(host, self._resolve(host))
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for place in places:
            try:
                return _Stream(
                    self._sockets.connect_tcp(place, port, timeout, local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError(f"{host} has no address")


class _Stream(httpcore.NetworkStream):
    """A socket whose reads are counted and end with their request."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Raises `httpcore.ReadTimeout` past the request's end, as for one read that is slow."""
        if not isinstance(timeout, Step):
            return self._inner.read(max_bytes, STEP_S if timeout is None else timeout)
        left_s = timeout.allowance.left_s()
        if left_s <= 0.0:
            raise httpcore.ReadTimeout("the whole request takes too long")
        read = self._inner.read(max_bytes, min(float(timeout), left_s))
        timeout.allowance.take(len(read))
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it."""
        self._inner.write(buffer, STEP_S if timeout is None else timeout)

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same over TLS, for the name that was asked for and not for the address."""
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """What the pool wants to know of a socket."""
        return self._inner.get_extra_info(info)


def _proxy(url: httpx.URL) -> httpcore.Proxy | None:
    """The environment's proxy for this URL, by the rules of `urllib.request`."""
    told = getproxies()
    found = told.get(url.scheme) or told.get("all")
    if not found or is_loopback(url.host) or proxy_bypass(url.host):
        return None
    try:
        proxy = httpx.Proxy(found if "://" in found else f"http://{found}")
        if proxy.url.scheme.startswith("socks"):
            import_module("socksio")
    except ImportError as error:
        raise BadSettings(f"a SOCKS proxy of the environment needs a package: {error}") from error
    except (ValueError, httpx.InvalidURL):  # which may quote its password
        raise BadSettings("the environment names a proxy (HTTPS_PROXY, …) that is none") from None
    return _core(proxy)


def _core(proxy: httpx.Proxy) -> httpcore.Proxy:
    url = proxy.url
    place = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    return httpcore.Proxy(place, proxy.raw_auth)


def is_loopback(host: str) -> bool:
    """A proxy of the environment is no way to this very machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
