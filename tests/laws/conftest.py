"""The source of the skeleton, which keeps every law, to be broken in one place by a test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from ingest import skeleton
from ingest.sources.contract import Source
from ingest.testing.sample import Sample

NAME = "acme"
PACKAGE = f"ingest_source_{NAME}"


@dataclass(frozen=True, slots=True)
class Sound:
    """A source as the skeleton has it, its sample, and where its fixtures are."""

    source: Source
    sample: Sample
    fixtures: Path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    """Imported for the tests of one module, and forgotten."""
    folder = skeleton.write(NAME, tmp_path_factory.mktemp("outside"))
    sys.path.insert(0, str(folder / "src"))
    try:
        source, sample = import_module(PACKAGE).SOURCE, import_module(f"{PACKAGE}.demo").SAMPLE
        yield Sound(source, sample, folder / "tests" / "fixtures")
    finally:
        sys.path.remove(str(folder / "src"))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
