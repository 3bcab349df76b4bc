"""The import of 200,000 documents: every row by the rules, in flat memory; once more, for none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.sources.registry import source_types
from ingest.store.engine import connect
from ingest.store.upgrade import upgrade
from tests.databases import empty_databases
from tests.legacy.archiving import archive
from tests.legacy.check_import import accounted, check
from tests.legacy.database import build
from tests.legacy.measured import measured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(3600)]

SMALL, LARGE = 5_000, 200_000
MORE_MIB = 24.0
"""By so much the peaks may differ: some bytes for each document, and the answer of the report."""


@pytest.fixture
def make(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as made:
        yield made


def ours(url: str) -> str:
    engine = connect(url)
    upgrade(engine, source_types())
    engine.dispose()
    return url


def test_memory_is_that_of_a_small_database(make: Callable[[], str], tmp_path: Path) -> None:
    peaks: dict[int, float] = {}
    for documents in (SMALL, LARGE):
        built = build(make(), documents=documents)
        directory = archive(built, tmp_path / str(documents))
        url = ours(make())
        done = measured(["legacy", "import", str(directory), "--json"], {"DATABASE_URL": url})
        assert done.code == 0, done.err
        told = json.loads(done.out)
        peaks[documents] = done.peak_mib
        assert accounted(told["tables"], directory) == []
        assert check(directory, url, Path(told["report"])) == []
        again = measured(["legacy", "import", str(directory), "--json"], {"DATABASE_URL": url})
        assert {counts["written"] for counts in json.loads(again.out)["tables"].values()} == {0}
    assert peaks[LARGE] - peaks[SMALL] < MORE_MIB, peaks
