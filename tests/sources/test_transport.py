"""Down to the socket: the address that is connected to is the one that was judged, the certificate
is for the name, and no way of sending bytes outlasts a request's limits.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ingest.core.errors import IngestError, Refused, TransientError, Unavailable
from ingest.sources.access import Resolve
from ingest.sources.http import Api
from ingest.sources.transport import Network
from tests.sources.hostile import HEADS, answering, http

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAME, PUBLIC, OTHER, PRIVATE = "api.halcyon.example", "8.8.8.8", "8.8.4.4", "10.0.0.7"
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n%b\r\n{}"


class Sockets(httpcore.NetworkBackend):
    """Remembers who is connected to; `dead` are addresses at which nobody answers."""

    def __init__(self, *, dead: Iterable[str] = (), last: bool = True) -> None:
        self.places: list[str] = []
        self.dead = set(dead)
        self.answer = _OK % (b"connection: close\r\n" if last else b"")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.places.append(host)
        if host in self.dead:
            raise httpcore.ConnectError("nobody is there")
        return httpcore.MockStream([self.answer] * 9)


class Names:
    """A server of names that answers each question with the next of its answers."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def api(
    resolve: Resolve | None, sockets: httpcore.NetworkBackend, url: str = f"https://{NAME}"
) -> Api:
    return Api("Halcyon", url, lambda: NOW, resolve=resolve, network=Network(sockets))


def test_the_socket_goes_to_the_address_that_was_judged() -> None:
    sockets, names = Sockets(), Names([PUBLIC])
    with closing(api(names, sockets)) as halcyon:
        assert halcyon.get("thing").status == 200
    assert (names.asked, sockets.places) == ([NAME], [PUBLIC])


def test_a_name_that_changes_its_mind_in_between_changes_nothing() -> None:
    """DNS rebinding: the first answer passes, the next one is the prey; nobody asks for it."""
    sockets, names = Sockets(last=False), Names([PUBLIC], [PRIVATE])
    with closing(api(names, sockets)) as halcyon:
        for _ in range(3):
            halcyon.get("thing")
    assert (len(names.asked), sockets.places) == (1, [PUBLIC])


def test_a_new_socket_is_judged_anew() -> None:
    sockets, names = Sockets(), Names([PUBLIC], [PRIVATE])
    with closing(api(names, sockets)) as halcyon:
        halcyon.get("thing")
        with pytest.raises(Refused, match=r"api\.halcyon\.example leads to 10\.0\.0\.7"):
            halcyon.get("thing")
    assert sockets.places == [PUBLIC]


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        [PUBLIC, PRIVATE],
        ["::ffff:10.0.0.7"],
        ["localhost"],
        [NAME],
    ],
)
def test_nobody_connects_to_what_is_not_public(addresses: list[str]) -> None:
    sockets = Sockets()
    with closing(api(Names(addresses), sockets)) as halcyon, pytest.raises(Refused):
        halcyon.get("thing")
    assert sockets.places == []


def test_the_next_address_is_tried_where_the_first_does_not_answer() -> None:
    sockets = Sockets(dead={PUBLIC})
    with closing(api(Names([PUBLIC, OTHER]), sockets)) as halcyon:
        assert halcyon.get("thing").status == 200
    assert sockets.places == [PUBLIC, OTHER]


def test_where_none_answers_it_is_tried_later() -> None:
    sockets = Sockets(dead={PUBLIC, OTHER})
    with closing(api(Names([PUBLIC, OTHER]), sockets)) as halcyon, pytest.raises(Unavailable):
        halcyon.get("thing")
    assert sockets.places == [PUBLIC, OTHER]
    with closing(api(Names([]), sockets)) as halcyon, pytest.raises(Unavailable):
        halcyon.get("thing")


def test_a_name_that_leads_nowhere_may_lead_somewhere_later() -> None:
    def fail(host: str) -> Sequence[str]:
        raise Unavailable(f"the name {host} leads nowhere")

    def fail_oddly(host: str) -> Sequence[str]:
        raise UnicodeError(f"{host} has a label that is too long")

    with closing(api(fail, Sockets())) as halcyon, pytest.raises(Unavailable, match="nowhere"):
        halcyon.get("thing")
    with closing(api(fail_oddly, Sockets())) as halcyon, pytest.raises(TransientError):
        halcyon.get("thing")


def test_the_host_of_an_operator_is_not_judged() -> None:
    sockets = Sockets()
    with closing(api(None, sockets, "http://10.0.0.7:9000")) as halcyon:
        assert halcyon.get("thing").status == 200
    assert sockets.places == [PRIVATE]


# Certificates: for the name, whatever the address.


class _Detour(httpcore.NetworkBackend):
    """Leads every connection to one port of this machine, as a route of a network would."""

    def __init__(self, port: int) -> None:
        self.port, self.places = port, list[str]()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.places.append(host)
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.port, timeout)


def _certificate(name: str, folder: Path) -> Path:
    """A certificate that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = folder / f"{name}.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@contextmanager
def _tls(pem: Path) -> Iterator[tuple[int, list[str | None], list[str]]]:
    """A TLS server on loopback: its port, the names that were asked for, and the requests."""
    names: list[str | None] = []
    requests: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            while True:
                try:
                    talking, _ = listening.accept()
                except OSError:
                    return
                with (
                    talking,
                    suppress(OSError),
                    context.wrap_socket(talking, server_side=True) as secured,
                ):
                    requests.append(secured.recv(65_536).decode())
                    secured.sendall(_OK % b"connection: close\r\n")

        thread = threading.Thread(target=run)
        thread.start()
        yield listening.getsockname()[1], names, requests
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return _certificate(NAME, tmp_path)


def _secured(port: int, pem: Path | None, name: str = NAME) -> tuple[Api, _Detour]:
    detour = _Detour(port)
    network = Network(detour, lambda: ssl.create_default_context(cafile=pem))
    url = f"https://{name}"
    return Api("Halcyon", url, lambda: NOW, resolve=Names([PUBLIC]), network=network), detour


def test_a_certificate_for_the_name_passes_at_the_address_that_was_judged(pem: Path) -> None:
    with _tls(pem) as (port, names, requests):
        halcyon, detour = _secured(port, pem)
        with closing(halcyon):
            assert halcyon.get("thing").body == b"{}"
    assert detour.places == [PUBLIC]
    assert names == [NAME]
    assert requests[0].startswith("GET /thing HTTP/1.1\r\n")
    assert f"\r\nHost: {NAME}\r\n".lower() in requests[0].lower()


@pytest.mark.parametrize("name", ["errors.halcyon.example", "halcyon.example"])
def test_a_certificate_for_another_name_does_not(pem: Path, name: str) -> None:
    with _tls(pem) as (port, names, requests):
        halcyon, _ = _secured(port, pem, name)
        with closing(halcyon), pytest.raises(Unavailable, match="certificate"):
            halcyon.get("thing")
    assert (names, requests) == ([name], [])


def test_a_certificate_that_nobody_vouches_for_does_not(pem: Path) -> None:
    with _tls(pem) as (port, _, requests):
        halcyon, _ = _secured(port, None)
        with closing(halcyon), pytest.raises(Unavailable, match="certificate"):
            halcyon.get("thing")
    assert requests == []


# A proxy of the environment connects by itself.

_BY_PROXY = """
from contextlib import closing
from datetime import UTC, datetime
from ingest.core.errors import IngestError
from ingest.sources.http import Api

def resolve(host):
    raise SystemExit("the proxy resolves")

def now():
    return datetime.now(UTC)

with closing(Api("Halcyon", "https://api.halcyon.example", now, resolve=resolve)) as api:
    try:
        api.get("thing")
    except IngestError as error:
        print(type(error).__name__)
"""


def _through(environ: dict[str, str]) -> str:
    """What a process with this environment says."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    ran = subprocess.run(
        [sys.executable, "-c", _BY_PROXY],
        env=kept | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return (ran.stdout + ran.stderr).strip().splitlines()[-1]


def test_a_proxy_of_the_environment_is_handed_the_name() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            with listening.accept()[0] as talking:
                heard.append(talking.recv(65_536))
                talking.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        proxy = f"http://somebody:word@127.0.0.1:{listening.getsockname()[1]}"
        assert _through({"HTTPS_PROXY": proxy}) == "Unavailable"
        thread.join(5)
    assert heard[0].startswith(b"CONNECT api.halcyon.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic c29tZWJvZHk6d29yZA==" in heard[0]
    exempt = {"HTTPS_PROXY": proxy, "NO_PROXY": ".halcyon.example"}
    assert _through(exempt) == "the proxy resolves"


# Limits: of time and of bytes, whichever way they come.


def _faster(times: int) -> Callable[[], datetime]:
    began = time.monotonic()
    return lambda: NOW + timedelta(seconds=(time.monotonic() - began) * times)


@pytest.mark.parametrize("name", ["byte by byte", "interim answers, slowly"])
def test_a_head_that_comes_byte_by_byte_ends_with_its_request(name: str) -> None:
    """A bug once: every byte bought the sender another half minute of a look-up's thread."""
    with answering(HEADS[name]) as url, closing(Api("Halcyon", url, _faster(120))) as halcyon:
        began = time.monotonic()
        with pytest.raises(TransientError, match="takes too long: /thing"):
            halcyon.get("thing")
        assert time.monotonic() - began < 5.0


def test_a_head_has_a_size_however_fast_it_comes() -> None:
    endless = answering(HEADS["interim answers for ever"])
    with endless as url, closing(Api("Halcyon", url, lambda: NOW)) as halcyon:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="RemoteProtocolError"):
            halcyon.get("thing")
        assert time.monotonic() - began < 5.0


def test_redirects_share_one_limit_of_time() -> None:
    def slowly() -> Iterator[bytes]:
        time.sleep(0.2)
        yield http("location: /on", b"", "302 Found")

    with (
        answering(slowly) as url,
        closing(Api("Halcyon", url, _faster(120))) as halcyon,
        pytest.raises(TransientError, match="takes too long"),
    ):
        halcyon.get("thing")


def test_an_error_comes_with_nothing_that_went_before_it() -> None:
    sockets = Sockets(dead={PUBLIC})
    with closing(api(Names([PUBLIC]), sockets)) as halcyon, pytest.raises(IngestError) as raised:
        halcyon.get("thing")
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
