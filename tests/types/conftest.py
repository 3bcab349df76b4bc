"""What the tests of the published types share: the compiler, and what is published."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ingest.published import Published, published, typescript
from ingest.sources.registry import all_sources
from tests.types import compiler


@pytest.fixture(scope="session")
def modules() -> Path:
    """The compiler and the validator; where Node or npm is missing, the test is skipped."""
    try:
        return compiler.installed(Path(sys.prefix), os.environ.get("PATH", os.defpath))
    except compiler.MissingTool as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def types() -> Published:
    """What our sources write."""
    return published(all_sources())


@pytest.fixture(scope="session")
def ours(types: Published) -> str:
    """The same as TypeScript."""
    return typescript(types)
