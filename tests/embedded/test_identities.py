"""Root and plain users: PostgreSQL refuses root, and everybody gets a server."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ingest.embedded.launch import LINUX
from ingest.embedded.postgres import Postgres
from ingest.embedded.sockets import directory as socket_directory
from tests.embedded.watching import REPOSITORY, all_gone, family, owner

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("embedded")]

PLAIN_USERS = (
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    ["unshare", "--user", "--map-user=1000", "--map-group=1000"],
)
as_root = pytest.mark.skipif(os.geteuid() != 0 or not LINUX, reason="needs root on Linux")


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that any user can reach: pytest closes its own directories to others."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(params=PLAIN_USERS, ids=["nobody", "namespace"])
def plain_user(request: pytest.FixtureRequest) -> list[str]:
    """A prefix that makes a command run as a plain user who can read this environment."""
    prefix: list[str] = request.param
    if shutil.which(prefix[0]) is None:
        pytest.skip(f"needs {prefix[0]}")
    tried = subprocess.run(
        [*prefix, sys.executable, "-c", "import ingest.embedded"],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if tried.returncode != 0:
        pytest.skip("that user may not exist here, or cannot read this environment")
    return prefix


@as_root
def test_a_plain_user_gets_servers(plain_user: list[str], home: Path) -> None:
    if plain_user[0] == "setpriv":
        os.chown(home, 65534, 65534)
    with owner(home / "data", prefix=["env", f"HOME={home}", *plain_user]) as (process, urls):
        with psycopg.connect(urls.database_url) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("ingest",)
        everyone = family(process.pid)
        process.kill()
        process.wait()
        assert all_gone(everyone)


@as_root
@pytest.mark.parametrize("identities", [("namespace", "nobody"), ("nobody", "namespace")])
def test_root_steps_aside_in_either_way_on_the_same_data(
    data_dir: Path, identities: tuple[str, str]
) -> None:
    """Also under a directory closed to others, as the home of root is."""
    data_dir.mkdir(mode=0o700)
    for times, identity in enumerate(identities, start=1):
        server = Postgres.prepare(data_dir, durable=False, identity=identity)
        try:
            server.start()
            with psycopg.connect(server.url) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
                connection.execute("INSERT INTO kept VALUES ('a')")
                found = connection.execute("SELECT count(*) FROM kept").fetchone()
            assert found == (times,)
            owner_id = Path(f"/proc/{server.pid()}").stat().st_uid
        finally:
            server.stop()
        assert owner_id == (65534 if identity == "nobody" else 0)
        assert socket_directory(data_dir).stat().st_uid == owner_id
