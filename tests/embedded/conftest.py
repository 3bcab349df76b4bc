"""Fixtures of the embedded servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.embedded import Services, start
from tests.embedded.watching import nothing_runs


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory, of which nothing may run when the test is over."""
    directory = tmp_path / "data"
    yield directory
    assert nothing_runs(str(directory))


@pytest.fixture
def services(data_dir: Path) -> Iterator[Services]:
    with start(data_dir) as running:
        yield running
