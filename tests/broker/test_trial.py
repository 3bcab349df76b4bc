"""What `ingest doctor` finds out about a broker: whether it carries a message, and why not."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from ingest.broker.broker import broker_of
from ingest.broker.trial import REDIS_SAYS, Standing, Trial, try_out
from tests.broker.rabbit import PROGRAM, alarmed_rabbit
from tests.broker.servers import sentinel, server, tls_server

MACHINES_OWN = shutil.which("redis-server") if shutil.which("openssl") else None
PASSWORD = "a-password-of-mine"


def tried(url: str, **options: object) -> Trial:
    """The trial, which keeps its time and its secrets whatever it finds."""
    began_at = time.monotonic()
    found = try_out(broker_of(url, options))
    assert time.monotonic() - began_at < 6
    assert PASSWORD not in f"{found.said} {found.remedy}"
    assert "\n" not in found.said
    return found


@pytest.mark.integration
def test_a_message_goes_there_and_back_and_leaves_nothing(broker_url: str) -> None:
    found = tried(broker_url)
    assert (found.standing, found.remedy) == (Standing.WELL, "")
    assert "a message was back in" in found.said
    if urlsplit(broker_url).scheme == "redis":
        with Redis.from_url(broker_url) as client:
            assert client.keys() == []


@pytest.mark.integration
def test_a_replica_is_told_from_a_primary(tmp_path: Path) -> None:
    """Bug: a replica lets everybody in, and so doctor said that all is well."""
    with server(tmp_path) as primary, server(tmp_path) as replica:
        replica.tell("REPLICAOF", "127.0.0.1", primary.port)
        found = tried(replica.url)
    assert found.standing is Standing.WRONG
    assert "is a replica and takes no message" in found.said
    assert "sentinel://" in found.remedy


@pytest.mark.integration
def test_a_full_one_is_told_from_one_with_room(tmp_path: Path) -> None:
    with server(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as full:
        found = tried(full.url)
    assert found.standing is Standing.WRONG
    assert "is full (maxmemory)" in found.said
    assert "maxmemory" in found.remedy


@pytest.mark.integration
def test_who_is_not_let_in_is_told_so(tmp_path: Path) -> None:
    with server(tmp_path, "--requirepass", PASSWORD) as guarded:
        host = f"127.0.0.1:{guarded.port}/0"
        for user in ("", "u:wrong@"):
            found = tried(f"redis://{user}{host}")
            assert found.standing is Standing.WRONG
            assert "wants a user and a password" in found.said
        assert tried(f"redis://:{PASSWORD}@{host}").standing is Standing.WELL


@pytest.mark.integration
def test_the_time_limit_holds_for_a_host_that_vanished(tmp_path: Path) -> None:
    with server(tmp_path) as redis:
        assert tried(redis.url).standing is Standing.WELL
        redis.vanish()
        assert tried(redis.url, socket_timeout=60).standing is Standing.AWAY


@pytest.mark.integration
def test_sentinels_are_asked_one_by_one_and_each_url_may_name_the_primary(tmp_path: Path) -> None:
    with server(tmp_path) as primary, sentinel(tmp_path, primary) as watch:
        there = f"sentinel://127.0.0.1:{watch.port}"
        gone = "sentinel://127.0.0.1:1"
        assert tried(f"{gone};{there}/3?master_name=mymaster").standing is Standing.WELL
        assert tried(f"{there}/3?master_name=mymaster;{gone}").standing is Standing.WELL
        assert tried(there, master_name="mymaster").standing is Standing.WELL
        found = tried(f"{there};{gone}?master_name=another")
    assert found.standing is Standing.WRONG
    assert "know no such primary" in found.said


@pytest.mark.integration
@pytest.mark.parametrize(
    "url",
    [
        f"redis://u:{PASSWORD}@127.0.0.1:1/0;redis://u:{PASSWORD}@127.0.0.1:2/0",
        f"rediss://u:{PASSWORD}@127.0.0.1:1/0",
        f"sentinel://:{PASSWORD}@127.0.0.1:1;sentinel://127.0.0.1:2/0?master_name=m",
        f"redis+socket://:{PASSWORD}@/nowhere/redis.sock",
        f"amqp://u:{PASSWORD}@127.0.0.1:1//",
        f"amqps://u:{PASSWORD}@127.0.0.1:1//",
        f"pyamqp://u:{PASSWORD}@127.0.0.1:1//",
    ],
)
def test_a_broker_that_is_away_is_told_with_every_host_and_no_password(url: str) -> None:
    found = tried(url)
    assert found.standing is not Standing.WELL
    for part in url.split(";"):
        assert part.rpartition("@")[2].partition("?")[0].removeprefix("sentinel://") in found.said


@pytest.mark.integration
def test_a_socket_of_this_machine_is_a_broker_too(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with server(tmp_path, "--unixsocket", str(path)):
        assert tried(f"redis+socket://{path}?virtual_host=3").standing is Standing.WELL


@pytest.mark.integration
@pytest.mark.skipif(not MACHINES_OWN, reason="no redis-server is installed: the wheel's has no TLS")
def test_over_tls_the_server_is_verified_unless_the_url_says_otherwise(tmp_path: Path) -> None:
    """kombu's default is to take whoever answers."""
    certificate, key = self_signed(tmp_path)
    with tls_server(tmp_path, str(MACHINES_OWN), certificate, key) as port:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0"
        found = tried(url)
        assert found.standing is Standing.AWAY
        assert "certificate" in found.said
        assert tried(f"{url}?ssl_cert_reqs=none").standing is Standing.WELL
        assert tried(f"{url}?ssl_ca_certs={certificate}").standing is Standing.WELL


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody else vouches for, and its key."""
    certificate, key = directory / "own.pem", directory / "own.key"
    told = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test"
    files = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run(
        ["openssl", *told.split(), "-addext", "subjectAltName=IP:127.0.0.1", *files],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.mark.integration
def test_what_listens_and_never_answers_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert tried(f"redis://127.0.0.1:{port}/0").standing is Standing.AWAY
        assert tried(f"amqp://127.0.0.1:{port}//").standing is Standing.AWAY


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.skipif(not PROGRAM.exists(), reason=f"RabbitMQ is not installed: no {PROGRAM}")
def test_the_alarm_of_rabbitmq_is_told(tmp_path: Path) -> None:
    """It lets everybody in, and takes what is published only once it has room again."""
    with alarmed_rabbit(tmp_path) as url:
        found = tried(url)
    assert found.standing is Standing.WRONG
    assert "memory or disk alarm is on" in found.said
    assert "rabbitmqctl" in found.remedy


def test_every_answer_comes_with_a_remedy() -> None:
    assert all(one.said and one.remedy for one in REDIS_SAYS.values())
