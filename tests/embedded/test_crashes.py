"""The embedded servers on a bad day: nothing is left running, nothing committed is lost."""

import os
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from ingest.embedded import Services, find_running, start
from ingest.embedded.processes import read_pid
from tests.embedded.test_services import read, write
from tests.embedded.watching import all_gone, family, nothing_runs, owner, running

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("embedded"),
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into Linux's /proc"),
]


def server_pids(data_dir: Path) -> list[int]:
    return [
        read_pid(data_dir / "postgres" / "postmaster.pid"),
        read_pid(data_dir / "redis" / "server.pid"),
    ]


def test_killing_the_owner_leaves_nothing_running_and_loses_nothing(data_dir: Path) -> None:
    with owner(data_dir) as (process, urls):
        with psycopg.connect(urls.database_url) as connection:
            connection.execute("CREATE TABLE kept (value text)")
            connection.execute("INSERT INTO kept VALUES ('a')")
        with Redis.from_url(urls.redis_url) as client:
            client.rpush("kept", "a")
        everyone = [pid for server in server_pids(data_dir) for pid in family(server)]
        assert len(everyone) > 5
        process.kill()
        process.wait()
        assert all_gone(everyone)
    with start(data_dir) as services:
        assert read(services) == (["a"], ["a"])


def test_a_start_right_after_the_owner_was_killed_waits_for_the_old_servers(
    data_dir: Path,
) -> None:
    for _ in range(3):
        with owner(data_dir) as (process, _urls):
            process.kill()
            process.wait()
        with start(data_dir) as services:
            write(services, "x")
    with start(data_dir) as services:
        assert read(services) == (["x"] * 3, ["x"] * 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_owner_leaves_nothing_running(
    data_dir: Path, number: signal.Signals
) -> None:
    with owner(data_dir) as (process, _urls):
        everyone = [pid for server in server_pids(data_dir) for pid in family(server)]
        os.killpg(process.pid, number)  # as a terminal does
        process.wait(timeout=30)
        assert all_gone(everyone)
        assert find_running(data_dir) is None


def test_killed_servers_come_back_where_they_were_with_all_data(
    services: Services, data_dir: Path
) -> None:
    urls = services.urls
    write(services, "a")
    with Redis.from_url(urls.redis_url) as client:
        client.execute_command("WAITAOF", 1, 0, 5000)  # its promise is a second, not an instant
    for pid in server_pids(data_dir):
        os.kill(pid, signal.SIGKILL)
    assert all_gone(server_pids(data_dir))
    assert not services.alive()
    services.revive()
    assert services.alive()
    assert services.urls == urls == find_running(data_dir)
    assert read(services) == (["a"], ["a"])


def test_everything_killed_at_once_loses_nothing(data_dir: Path) -> None:
    with owner(data_dir) as (process, urls):
        with psycopg.connect(urls.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value")
        for pid in [process.pid, *server_pids(data_dir)]:
            os.kill(pid, signal.SIGKILL)
        process.wait()
    with (
        start(data_dir, redis=False) as services,
        psycopg.connect(services.urls.database_url) as connection,
    ):
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


@pytest.mark.parametrize("killed", [False, True])
def test_a_pid_file_that_names_a_stranger_is_no_hindrance(data_dir: Path, killed: bool) -> None:
    """A number is given again after a reboot: its new owner is neither waited for nor ended."""
    with owner(data_dir) as (process, _urls):
        pids = server_pids(data_dir)
        for pid in [process.pid, *pids] if killed else [process.pid]:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        assert all_gone(pids)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file = data_dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines() if pid_file.exists() else [""] * 8
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        (data_dir / "redis" / "server.pid").write_text(f"{stranger.pid}\n")
        lock = data_dir / "run" / ".s.PGSQL.5432.lock"
        lock.write_text(f"{stranger.pid}\n")
        with start(data_dir) as services:
            write(services, "a")
            assert not lock.exists()
        assert stranger.poll() is None
        stranger.kill()


def test_a_pid_file_cut_short_is_no_hindrance(data_dir: Path) -> None:
    start(data_dir, redis=False, durable=False).stop()
    (data_dir / "postgres" / "postmaster.pid").write_text("")
    with start(data_dir, redis=False, durable=False) as services:
        assert services.alive()


def test_an_interrupted_first_start_starts_over(data_dir: Path) -> None:
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    (data_dir / "postgres.password").write_text("from before")
    with start(data_dir, redis=False, durable=False) as services:
        assert services.alive()
    assert not (data_dir / "postgres.new").exists()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the copy ends at once
def test_a_forked_copy_of_the_owner_stops_nothing(services: Services) -> None:
    copy = os.fork()
    if copy == 0:
        services.stop()
        os._exit(0)
    os.waitpid(copy, 0)
    assert services.alive()


def test_stopping_twice_is_stopping_once(data_dir: Path) -> None:
    services = start(data_dir, durable=False)
    services.stop()
    services.stop()
    assert nothing_runs(str(data_dir))
    assert running(str(data_dir)) == []
