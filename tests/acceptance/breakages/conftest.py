"""One running stack for all pages that are done to one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.breakages.installation import Installation, installed
from tests.acceptance.breakages.small_disk import database_of, small_disk


@pytest.fixture(scope="package")
def stack(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """With nothing connected yet; whoever uses it leaves it so that others can."""
    directory = tmp_path_factory.mktemp("breakages")
    with (
        small_disk(postgres_url, directory / "disk") as disk,
        database_of(postgres_url, template_database, disk) as database_url,
        installed(database_url, directory, disk) as made,
    ):
        yield made
