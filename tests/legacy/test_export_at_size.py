"""The export of 200,000 documents: every row, flat memory, and killed at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.manifest import MANIFEST
from tests.databases import empty_databases
from tests.legacy.check_archive import check
from tests.legacy.database import Built, build
from tests.legacy.measured import ROOT, measured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(1800)]

SMALL, MIDDLE, LARGE = 5_000, 20_000, 200_000
MORE_MIB = 12.0
"""By so much the peaks may differ: 200,000 hashes of documents are 4 MiB."""
KILLS, SEED = 10, 7


@pytest.fixture
def make_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as make:
        yield make


def test_memory_is_that_of_a_small_database(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    """And everything is there, row by row, as an independent look says."""
    peaks: dict[tuple[str, int], float] = {}
    for documents in (SMALL, LARGE):
        built = build(make_database(), documents=documents)
        place = tmp_path / str(documents)
        for step in ("export", "verify"):
            done = measured(["legacy", step, str(place), "--json"], {"DATABASE_URL": built.url})
            assert done.code == 0, done.err
            assert json.loads(done.out)["rows"] == sum(built.rows.values())
            peaks[step, documents] = done.peak_mib
        assert check(built.url, place) == []
    for step in ("export", "verify"):
        assert peaks[step, LARGE] - peaks[step, SMALL] < MORE_MIB, peaks


def test_killed_at_any_moment_the_next_one_succeeds(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    """What is there is the archive of before or the whole new one, or there is none."""
    built = build(make_database(), documents=MIDDLE)
    dice = random.Random(SEED)
    command = [sys.executable, "-m", "ingest.cli", "legacy", "export", str(tmp_path), "--force"]
    began = time.monotonic()
    _export(command, built)
    took_s = time.monotonic() - began
    killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen(command, env=_environment(built), cwd=ROOT)
        try:
            process.wait(dice.uniform(0.1, 1.0) * took_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        if (tmp_path / MANIFEST).exists():
            assert Archive.open(tmp_path).verify() == []
    assert killed > KILLS / 3
    _export(command, built)
    assert check(built.url, tmp_path) == []
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] + [".jsonl"] * 8


def _export(command: list[str], built: Built) -> None:
    done = subprocess.run(command, env=_environment(built), cwd=ROOT, check=False)
    assert done.returncode == 0


def _environment(built: Built) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": built.url}
