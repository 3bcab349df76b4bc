"""Hosts on one machine: reached by an address, cut off without a word, with clocks of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chaos import clock
from chaos.network import Host, Network, lacking, network

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.xdist_group("hosts")]

_LISTENS = """
import socket, sys
with socket.create_server((sys.argv[1], 0)) as server:
    print(socket.gethostname(), server.getsockname()[1], flush=True)
    while True:
        with server.accept()[0] as line:
            line.sendall(b"here")
"""
_ASKS = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1) as line:
    print(line.recv(10).decode())
"""


@pytest.fixture
def two() -> Iterator[Network]:
    if why := lacking():
        pytest.skip(f"there can be no hosts here: {why}")
    with network(["one", "other"]) as made:
        yield made


def said(host: Host, code: str, *told: object) -> str:
    """What a Python program says there; empty where it fails."""
    command = host.inside([sys.executable, "-c", code, *map(str, told)])
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def test_a_host_is_reached_until_it_is_cut_off_and_again_after(two: Network) -> None:
    one, other = two.hosts
    command = one.inside([sys.executable, "-c", _LISTENS, one.address])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listens:
        try:
            assert listens.stdout is not None
            name, port = listens.stdout.readline().split()
            assert name == "one"
            assert said(other, _ASKS, one.address, port) == "here"
            one.cut_off()
            assert said(other, _ASKS, one.address, port) == ""
            one.join()
            assert said(other, _ASKS, one.address, port) == "here"
        finally:
            listens.kill()


def test_nothing_is_left_of_a_network() -> None:
    if why := lacking():
        pytest.skip(f"there can be no hosts here: {why}")
    with network(["one"]) as made:
        namespace = made.hosts[0].namespace
        assert namespace in _namespaces()
    assert namespace not in _namespaces()


def _namespaces() -> str:
    return subprocess.run(
        ["ip", "netns", "list"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_a_clock_that_is_off_is_so_for_the_time_of_day_alone(tmp_path: Path) -> None:
    env = clock.off(tmp_path, 600)
    if not env:
        pytest.skip("there is no C compiler here")
    for told in ("time.time()", "datetime.datetime.now().timestamp()"):
        assert _asked(told, env) - time.time() == pytest.approx(600, abs=10)
    assert _asked("time.monotonic()", env) - time.monotonic() == pytest.approx(0, abs=10)


def _asked(what: str, env: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", f"import datetime, time; print({what})"]
    return float(subprocess.check_output(command, env={**os.environ, **env}))
