"""A private PgBouncer in transaction mode before a database whose zone is New York's, for tests.

Skips where there is none.
"""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from ingest.embedded import processes
from ingest.embedded.identity import choose_identity, give

IGNORED, REFUSED = "options", "extra_float_digits"
"""Which start-up parameters it ignores: `options` silently, or none that matter, so that it refuses
them."""


@contextmanager
def pgbouncer(database_url: str, directory: Path, *, ignores: str = REFUSED) -> Iterator[str]:
    """The URL of the same database through a pooler of two sessions."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    parts, port = urlsplit(database_url), processes.free_port()
    with psycopg.connect(database_url, prepare_threshold=None) as conn:
        name = parts.path.strip("/")
        conn.execute(f"ALTER DATABASE {name} SET timezone = 'America/New_York'".encode())
    where = f"host={parts.hostname} port={parts.port} user={parts.username}"
    if parts.password:  # an empty one is a wrong setting
        where += f" password={parts.password}"
    directory.mkdir()
    config = directory / "pgbouncer.ini"
    config.write_text(f"""
[databases]
* = {where}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
ignore_startup_parameters = {ignores}
""")
    identity = choose_identity(Path(program))
    give(directory, identity=identity)
    with (directory / "log").open("wb") as log:
        bound = processes.spawn(
            [program, str(config)], death_signal=signal.SIGTERM, identity=identity, output=log
        )
    try:
        ready = processes.wait_until(lambda: _listens(port) or not bound.running(), seconds=20)
        assert ready, (directory / "log").read_text()
        assert bound.running(), (directory / "log").read_text()
        yield parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}").geturl()
    finally:
        bound.popen.send_signal(signal.SIGTERM)  # at once; SIGINT would wait for its clients
        bound.popen.wait(20)
        bound.release()


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0
