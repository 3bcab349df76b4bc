"""The fake of Linear's API runs once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sources.linear.looking import served


@pytest.fixture(scope="session", autouse=True)
def _served() -> Iterator[None]:
    with served():
        yield
