"""A receiver for each test, with a database of its own and a bell that only notes its rings."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.web.running import receiver


@pytest.fixture
def rung() -> list[str]:
    """The queues for which a wake-up was published."""
    return []


@pytest.fixture
def port(database_url: str, rung: list[str]) -> Iterator[int]:
    with receiver(database_url, rung.append) as listening:
        yield listening


@pytest.fixture
def client(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as made:
        yield made
