"""The embedded servers on a good day: start, find, refuse, stop, start again."""

import stat
import threading
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from ingest.embedded import DataDirInUseError, EmbeddedError, Services, find_running, start
from tests.embedded.watching import owner, running

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("embedded")]


def write(services: Services, value: str) -> None:
    with psycopg.connect(services.urls.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", (value,))
    with Redis.from_url(services.urls.redis_url) as client:
        client.rpush("kept", value)


def read(services: Services) -> tuple[list[str], list[str]]:
    with psycopg.connect(services.urls.database_url) as connection:
        rows = connection.execute("SELECT value FROM kept ORDER BY value").fetchall()
    with Redis.from_url(services.urls.redis_url, decode_responses=True) as client:
        items = client.lrange("kept", 0, -1)
    assert isinstance(items, list)
    return [row[0] for row in rows], [str(item) for item in items]


def test_a_second_start_finds_the_data_of_the_first(data_dir: Path) -> None:
    with start(data_dir) as services:
        write(services, "a")
    with start(data_dir) as services:
        write(services, "b")
        assert read(services) == (["a", "b"], ["a", "b"])


def test_sessions_run_in_utc_with_room_for_a_hundred(services: Services) -> None:
    with psycopg.connect(services.urls.database_url) as connection:
        for name, value in {"timezone": "UTC", "max_connections": "100", "fsync": "on"}.items():
            assert connection.execute(f"SHOW {name}").fetchone() == (value,)


def test_nobody_comes_in_without_the_password(services: Services, data_dir: Path) -> None:
    url = services.urls.database_url
    password = url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(password, "guess"))
    port = url.rsplit(":", 1)[1].split("/")[0]
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"host={data_dir / 'run'} port={port} user=ingest dbname=ingest")
    port = services.urls.redis_url.rsplit(":", 1)[1].split("/")[0]
    once = Retry(NoBackoff(), retries=0)
    with Redis(port=int(port), retry=once) as client, pytest.raises(AuthenticationError):
        client.ping()


def test_the_unix_socket_lets_the_password_in(services: Services, data_dir: Path) -> None:
    password, port = services.urls.database_url.split(":")[2:4]
    target = f"host={data_dir / 'run'} port={port.split('/')[0]} user=ingest dbname=ingest"
    with psycopg.connect(target, password=password.split("@")[0]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_passwords_are_in_private_files_and_nowhere_else(
    services: Services, data_dir: Path
) -> None:
    for name in ("services.json", "postgres.password", "redis/server.conf"):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600
    for url in (services.urls.database_url, services.urls.redis_url):
        password = url.split(":")[2].split("@")[0]
        assert running(password) == []
        assert password not in repr(services) + repr(services.urls)


def test_another_command_finds_what_runs(data_dir: Path) -> None:
    assert find_running(data_dir) is None
    with owner(data_dir) as (process, urls):
        found = find_running(data_dir)
        assert found == urls
        assert found is not None
        with psycopg.connect(found.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        process.kill()
        process.wait()
        assert find_running(data_dir) is None  # at once, though the servers need a moment to end


def test_variables_of_the_users_own_database_lead_nobody_astray(data_dir: Path) -> None:
    """Bug: with PGSSLMODE=require in the environment nothing started."""
    variables = ["PGHOSTADDR=192.0.2.1", "PGSSLMODE=require", "PGCHANNELBINDING=require"]
    variables += ["PGTARGETSESSIONATTRS=read-only", "PGOPTIONS=-c no_such_setting=1"]
    with owner(data_dir, prefix=["env", *variables]) as (process, urls):
        assert find_running(data_dir) == urls
        process.kill()
        process.wait()


def test_a_second_owner_is_refused_and_told_who_the_first_is(data_dir: Path) -> None:
    with owner(data_dir) as (process, _urls):
        with pytest.raises(DataDirInUseError, match=rf"in use by process {process.pid}: stop"):
            start(data_dir)
        assert find_running(data_dir) is not None


def test_only_what_was_asked_for_is_started(data_dir: Path) -> None:
    with start(data_dir, postgres=False, durable=False) as services:
        assert services.urls.database_url == ""
        assert not (data_dir / "postgres").exists()
        assert find_running(data_dir) == services.urls
        assert services.alive()
    assert not services.alive()


def test_a_data_path_too_long_for_a_socket_is_no_hindrance(tmp_path: Path) -> None:
    directory = tmp_path / ("long " * 30) / "data"
    with (
        start(directory, redis=False, durable=False) as services,
        psycopg.connect(services.urls.database_url) as connection,
    ):
        shown = connection.execute("SHOW unix_socket_directories").fetchone()
    assert shown is not None
    outside = Path(shown[0].strip('"'))
    assert len(str(outside)) < 90
    assert not outside.exists()


def test_a_failed_start_gives_the_directory_back(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"written by PostgreSQL 9, but .* offers"):
        start(data_dir, durable=False)
    version.unlink()
    version.parent.rmdir()
    with start(data_dir, durable=False) as services:
        assert services.alive()


def test_a_lost_password_file_is_named_and_not_replaced(data_dir: Path) -> None:
    start(data_dir, redis=False, durable=False).stop()
    (data_dir / "postgres.password").unlink()
    with pytest.raises(EmbeddedError, match=r"postgres\.password is missing.*put it back"):
        start(data_dir, redis=False, durable=False)


def test_a_wrong_password_file_is_named_and_nothing_keeps_running(data_dir: Path) -> None:
    start(data_dir, redis=False, durable=False).stop()
    (data_dir / "postgres.password").write_text("another")
    with pytest.raises(EmbeddedError, match="does not let us in"):
        start(data_dir, redis=False, durable=False)


def test_a_thread_that_may_end_early_may_not_start_servers(data_dir: Path) -> None:
    errors: list[str] = []

    def attempt() -> None:
        try:
            start(data_dir)
        except EmbeddedError as error:
            errors.append(str(error))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert errors == ["embedded servers must be started from the main thread"]
