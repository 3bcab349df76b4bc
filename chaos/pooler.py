"""PgBouncer in transaction mode before the database, where it is installed."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ingest.embedded.identity import choose_identity, give
from ingest.embedded.stack import Child

NAME = "pooler"
_SESSIONS = 30
READY_S = 20.0


def installed() -> Path | None:
    """The program, if there is one."""
    found = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    return Path(found) if found else None


def pooled(url: str, port: int) -> str:
    """The same database through the pooler on this port, which knows the password."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}").geturl()


def configured(program: Path, url: str, directory: Path, port: int) -> tuple[Child, str]:
    """The child that runs it, with its configuration in that directory, and whom it runs as."""
    directory.mkdir()
    parts, config = urlsplit(url), directory / "pgbouncer.ini"
    where = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
    }
    told: Mapping[str, object] = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": _SESSIONS,
        "max_client_conn": 500,
        "server_login_retry": 1,
        "ignore_startup_parameters": "extra_float_digits",
    }
    database = " ".join(f"{name}={value}" for name, value in where.items() if value)
    lines = ["[databases]", f"* = {database}", "[pgbouncer]"]
    lines += [f"{name} = {value}" for name, value in told.items()]
    config.touch(mode=0o600)
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    identity = choose_identity(program)
    give(directory, identity=identity)
    return Child(NAME, [str(program), "-q", str(config)], cwd=None), identity


def listens(port: int) -> bool:
    """Whether it does by now."""
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0
