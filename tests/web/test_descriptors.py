"""File descriptors: a process takes as many as it may have, and keeps some for itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ingest.web.descriptors import RESERVED, for_connections

RAISE = "from ingest.web.descriptors import raise_limit; print(raise_limit(), raise_limit())"


@pytest.mark.parametrize("hard", [300, 700])
def test_the_soft_limit_becomes_the_hard_one(hard: int) -> None:
    """In a process of its own: a lowered hard limit stays lowered."""
    limited = f'ulimit -Sn 250 && ulimit -Hn {hard} && exec "$@"'
    told = subprocess.run(
        ["/bin/sh", "-c", limited, "sh", sys.executable, "-c", RAISE],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == [str(hard)] * 2


@pytest.mark.parametrize(
    ("limit", "expected"), [(65_536, 2048), (1024, 1024 - RESERVED), (256, 128), (1, 0)]
)
def test_connections_leave_some_to_the_rest_of_the_process(limit: int, expected: int) -> None:
    assert for_connections(limit, 2048) == expected
