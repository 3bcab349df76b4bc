"""What `ingest up` checks before it starts anything."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ingest.cli import run
from ingest.core.errors import BadInput
from ingest.machine import MOST_WORKERS, default_workers, is_ready, require_port


def test_a_port_that_somebody_listens_on_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = run(["up", "--port", str(port)], {"INGEST_DATA_DIR": str(data_dir)})
    assert code == 2
    assert f"port {port}" in capsys.readouterr().err
    assert not data_dir.exists()


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(BadInput, match=r"192\.0\.2\.1"):
        require_port("192.0.2.1", 8000)


def test_where_nobody_listens_nothing_is_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert not is_ready("127.0.0.1", port)


def test_a_machine_gets_a_few_workers() -> None:
    assert 1 <= default_workers() <= MOST_WORKERS
