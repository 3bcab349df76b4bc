"""Where the servers' programs come from, and what is said when there are none."""

from pathlib import Path

import pytest

from ingest.embedded.binaries import find_postgres, find_redis
from ingest.embedded.errors import EmbeddedError


def test_the_wheels_bring_a_supported_postgres_and_a_redis() -> None:
    assert find_postgres(environment={}).major >= 15
    assert find_redis(environment={}).name == "valkey-server"


def test_the_programs_can_be_swapped() -> None:
    postgres, redis = find_postgres(environment={}), find_redis(environment={})
    environment = {
        "INGEST_POSTGRES_BIN": str(postgres.directory),
        "INGEST_REDIS_BIN": str(redis),
    }
    assert find_postgres(environment=environment) == postgres
    assert find_redis(environment=environment) == redis


def test_a_directory_without_programs_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"initdb \(from INGEST_POSTGRES_BIN\) is not a prog"):
        find_postgres(environment={"INGEST_POSTGRES_BIN": str(tmp_path)})
    with pytest.raises(EmbeddedError, match=r"\(from INGEST_REDIS_BIN\) is not a program"):
        find_redis(environment={"INGEST_REDIS_BIN": str(tmp_path)})


def test_data_of_another_major_version_name_both_versions() -> None:
    with pytest.raises(EmbeddedError, match=r"PostgreSQL 11, but .* set INGEST_POSTGRES_BIN"):
        find_postgres(major=11, environment={})


def test_a_program_that_does_not_run_says_so(tmp_path: Path) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\necho broken >&2\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(EmbeddedError, match="does not run on this machine: broken"):
        find_postgres(environment={"INGEST_POSTGRES_BIN": str(tmp_path)})
