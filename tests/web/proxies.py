"""nginx and Caddy with the very configurations of `docs/proxy`, on loopback, before a receiver.

Only names, ports and paths are put in: they run beside whatever else the machine runs.
"""

from __future__ import annotations

import getpass
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ingest.embedded import processes

DOCS = Path(__file__).parent.parent.parent / "docs" / "proxy"
HOST = "127.0.0.1"
START_S = 30.0


@dataclass(frozen=True)
class Proxy:
    """A proxy that listens, and how to speak to it."""

    port: int
    trust: ssl.SSLContext

    def dial(self) -> ssl.SSLSocket:
        """A connection, after the handshake of TLS."""
        plain = socket.create_connection((HOST, self.port), timeout=60)
        return self.trust.wrap_socket(plain, server_hostname="localhost")

    def ask(self, *parts: bytes) -> bytes:
        """Send these; what is answered until the proxy closes, or has said it all."""
        with self.dial() as client:
            for part in parts:
                client.sendall(part)
            return heard(client)


def heard(client: ssl.SSLSocket) -> bytes:
    """Everything until the other side closes."""
    told = b""
    try:
        while part := client.recv(65536):
            told += part
    except (ConnectionResetError, ssl.SSLError):
        pass
    return told


def substituted(name: str, changes: Mapping[str, str]) -> str:
    """A configuration with what is this machine's; each change has to be something that it says."""
    text = (DOCS / name).read_text("utf-8")
    for old, new in changes.items():
        assert old in text, f"{name} does not say {old!r}"
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(directory: Path, receiver_port: int) -> Iterator[Proxy]:
    """nginx, in the foreground and in a directory of its own."""
    program = _program("nginx")
    certificate, key, trust = _certificate(directory)
    port = processes.free_port()
    own = f"fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path"
    text = substituted(
        "nginx.conf",
        {
            "user www-data;": f"user {getpass.getuser()};",
            "/run/nginx.pid": f"{directory}/nginx.pid",
            "/var/log/nginx/": f"{directory}/",
            "/var/lib/nginx/": f"{directory}/",
            "server_tokens off;": f"server_tokens off; {own} {directory}/s;",
            "127.0.0.1:8000": f"{HOST}:{receiver_port}",
            "listen 443 ssl;": f"listen {HOST}:{port} ssl;",
            "hooks.example.com;": "localhost;",
            "/etc/ssl/hooks.example.com/fullchain.pem": str(certificate),
            "/etc/ssl/hooks.example.com/privkey.pem": str(key),
        },
    )
    path = directory / "nginx.conf"
    path.write_text(text)
    argv = [program, "-p", str(directory), "-c", str(path), "-e", f"{directory}/start.log"]
    with _running([*argv, "-g", "daemon off;"], directory, port):
        yield Proxy(port, trust)


@contextmanager
def caddy(directory: Path, receiver_port: int) -> Iterator[Proxy]:
    """Caddy, with a certificate that is given and nothing that it would ask the world for."""
    program = _program("caddy")
    certificate, key, trust = _certificate(directory)
    port = processes.free_port()
    text = substituted(
        "Caddyfile",
        {
            "{\n\tservers {": "{\n\tadmin off\n\tauto_https off\n\tservers {",
            "hooks.example.com {": (
                f"https://localhost:{port} {{\n\tbind {HOST}\n\ttls {certificate} {key}"
            ),
            "127.0.0.1:8000": f"{HOST}:{receiver_port}",
        },
    )
    path = directory / "Caddyfile"
    path.write_text(text)
    argv = [program, "run", "--adapter", "caddyfile", "--config", str(path)]
    with _running(argv, directory, port):
        yield Proxy(port, trust)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not on this machine: install it to run this test")
    return found


@contextmanager
def _running(argv: list[str], directory: Path, port: int) -> Iterator[None]:
    log = directory / "output.log"
    env = {"HOME": str(directory), "XDG_DATA_HOME": str(directory), "PATH": "/usr/bin:/bin"}
    with (
        log.open("wb") as output,
        subprocess.Popen(argv, env=env, stdout=output, stderr=output) as process,
    ):
        try:
            until = time.monotonic() + START_S
            while not _listens(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _certificate(directory: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """One of our own for localhost, its key, and who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address(HOST))]
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "cert.pem", directory / "key.pem"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return *paths, ssl.create_default_context(cafile=str(paths[0]))
