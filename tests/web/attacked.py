"""A receiver as it is run, in a process of its own, to be attacked: beside an honest sender, with a
look at what the process takes.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ingest.embedded import commands, processes
from ingest.machine import is_ready
from tests.factories import SECRET, SECRET_KEY, signed

HOST = "127.0.0.1"
START_S = 60.0
PROMPT_S = 8.0
"""An honest answer's time beside an attack: what takes a provider's patience is the 30 s of old."""
SOFT_DESCRIPTORS = 1024
"""What most systems give a process unless it asks for more."""


@dataclass(frozen=True)
class Attacked:
    """A running receiver."""

    port: int
    pid: int
    log: Path

    def peak_mib(self) -> float:
        """The most memory that it ever had; skips the test where the system does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            pytest.skip("the peak of a process's memory is read out of /proc")
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def lines(self) -> list[str]:
        """What it has logged."""
        return self.log.read_text(errors="replace").splitlines()

    def metrics(self) -> str:
        """What it counts."""
        return httpx.get(f"http://{HOST}:{self.port}/metrics", timeout=30, trust_env=False).text


@contextmanager
def attacked(database_url: str, broker_url: str, directory: Path) -> Iterator[Attacked]:
    """A receiver by the command that `ingest up` runs, with few descriptors to begin with."""
    port = processes.free_port()
    env = {
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
        "INGEST_SECRET_KEY": SECRET_KEY,
        "INGEST_GITHUB_WEBHOOK_SECRETS": SECRET,
        "PYTHONUNBUFFERED": "1",
    }
    child = commands.web(host=HOST, port=port, env=env)
    few = f'ulimit -Sn {SOFT_DESCRIPTORS} && exec "$@"'
    log = directory / "receiver.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["/bin/sh", "-c", few, "sh", *child.argv], env=env, stdout=output, stderr=output
        ) as process,
    ):
        try:
            processes.wait_until(lambda: is_ready(HOST, port), seconds=START_S, pause=0.1)
            assert is_ready(HOST, port), log.read_text()
            yield Attacked(port, process.pid, log)
        finally:
            process.kill()


def delivery(path: str, body: bytes | None = None, **changes: str) -> bytes:
    """A signed delivery's bytes; `changes` are headers, `_` for `-`."""
    told = body if body is not None else json.dumps({"id": str(uuid.uuid4())}).encode()
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    lines = {**signed("github", told), **named}
    return head(path, len(told), lines) + told


def forged(path: str, length: int) -> bytes:
    """A head whose signature looks like one, for a body of that length."""
    return head(
        path, length, {**signed("github", b""), "x-hub-signature-256": f"sha256={'0' * 64}"}
    )


def head(path: str, length: int, lines: dict[str, str]) -> bytes:
    """A request's head."""
    written = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{written}content-length: {length}\r\n\r\n".encode()


@dataclass(frozen=True)
class Answers:
    """What an honest sender heard, and how long the slowest answer took."""

    statuses: frozenset[int]
    slowest_s: float

    def assert_prompt(self) -> None:
        """Every delivery was taken, and soon."""
        assert self.statuses == {200}
        assert self.slowest_s < PROMPT_S


def deliver(port: int, path: str, count: int = 5, *, body: bytes | None = None) -> Answers:
    """Deliver honestly, each time on a connection of its own, as providers do."""
    statuses: set[int] = set()
    slowest = 0.0
    for _ in range(count):
        began = time.monotonic()
        with socket.create_connection((HOST, port), timeout=60) as client:
            client.sendall(delivery(path, body))
            answer = client.recv(4096)
        statuses.add(int(answer.split(b" ", 2)[1]) if answer else 0)
        slowest = max(slowest, time.monotonic() - began)
    return Answers(frozenset(statuses), slowest)


@contextmanager
def strangers(port: int, count: int, *parts: bytes) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent this much and now sits there."""
    with ExitStack() as stack:
        dialled = (socket.create_connection((HOST, port), timeout=60) for _ in range(count))
        opened = [stack.enter_context(one) for one in dialled]
        for part in parts:
            for one in opened:
                send(one, part)
        yield opened


def send(client: socket.socket, part: bytes) -> None:
    """As much as the other side takes; it may be gone, or deaf."""
    client.settimeout(0.3)
    with suppress(OSError):
        client.sendall(part)
    client.settimeout(60.0)


def descriptors(wanted: int) -> int:
    """As many as wanted for this process, or what it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted + 200 if hard == resource.RLIM_INFINITY else min(hard, wanted + 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    return min(wanted, max(soft, most) - 200)


def flood(port: int, requests: Sequence[bytes], *, lines: int = 50) -> list[int]:
    """Send them all over so many connections, as fast as they are answered; the statuses."""

    async def run() -> list[int]:
        rest = iter(requests)
        each = await asyncio.gather(*(_keep_sending(port, rest) for _ in range(lines)))
        return [one for some in each for one in some]

    return asyncio.run(run())


async def _keep_sending(port: int, rest: Iterator[bytes]) -> list[int]:
    statuses: list[int] = []
    for request in rest:
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(request)
            first = await asyncio.wait_for(reader.readline(), 60)
            writer.close()
        except OSError:
            first = b""
        statuses.append(int(first.split(b" ", 2)[1]) if first else 0)
    return statuses
