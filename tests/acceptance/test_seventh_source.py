"""A seventh source, in a package outside that `ingest source new` writes: with no line changed here
it is a source like the six, and everything else stays as it is.

Each test installs it, and looks from processes of their own in which it is there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingest import skeleton
from tests.acceptance.beside import SEVENTH
from tests.embedded.watching import REPOSITORY
from tests.factories import OURS
from tests.outside import installed

pytestmark = [pytest.mark.integration, pytest.mark.once]

QUICK = ("-m", "not slow")
BESIDE = "tests/acceptance/beside.py"
SELECTED = (
    "tests/cli/test_tree.py",
    "tests/demo",
    "tests/schema/test_schema.py",
    "tests/sources/test_registry.py::test_ours_are_all_there_and_none_is_broken",
    "tests/test_architecture.py",
    "tests/test_rooms.py",
    "tests/types/test_unions.py",
    "tests/types/test_rendering.py",
)
"""Tests of ours that are harmed first: types, schema, rooms, story, commands. All of them: slow."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The package's own folder, and the environment of a process in which it is installed."""

    folder: Path
    environ: Mapping[str, str]

    def run(self, *argv: str, cwd: Path = REPOSITORY, timeout_s: int = 300) -> str:
        """What a run of Python says, which has to end well."""
        ran = subprocess.run(
            [sys.executable, *argv],
            cwd=cwd,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        assert ran.returncode == 0, (ran.stdout + ran.stderr)[-8_000:]
        return ran.stdout


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    folder = skeleton.write(SEVENTH, tmp_path / "outside")
    environ = installed(folder, tmp_path / "site")
    return Outside(folder, {name: v for name, v in environ.items() if not name.endswith("_URL")})


def _pytest(*more: str) -> tuple[str, ...]:
    return ("-m", "pytest", "-q", "-p", "no:cacheprovider", *more)


def test_its_own_tests_pass_as_written(outside: Outside) -> None:
    told = outside.run(*_pytest(), cwd=outside.folder)
    assert " passed" in told
    assert "skipped" not in told


@pytest.mark.slow
@pytest.mark.xdist_group("stack")
def test_the_demo_plays_it_with_the_six(outside: Outside) -> None:
    told: dict[str, Any] = json.loads(outside.run("-m", "ingest.cli", "demo", "--json"))
    assert {row["source"] for row in told["documents"]} == {*OURS, SEVENTH}
    own = [row for row in told["deliveries"] if row["source"] == SEVENTH]
    assert [row["status"] for row in own] == [row["expected"] for row in own]
    assert {row["status"] for row in own} == {"processed", "skipped"}
    assert all(row["bound"] for row in told["relationships"])
    targets = {row["target_source"] for row in told["relationships"] if row["source"] == SEVENTH}
    assert targets == {"linear", SEVENTH}
    (back,) = [row["documents"] for row in told["returned"] if row["source"] == SEVENTH]
    assert {f"{SEVENTH.upper()}-{number}" for number in (1, 2, 3)} <= set(back)


@pytest.mark.timeout(600)
def test_it_is_a_source_like_the_six_and_the_six_are_what_they_were(
    outside: Outside, postgres_url: str
) -> None:
    server = Outside(outside.folder, {**outside.environ, "TEST_DATABASE_URL": postgres_url})
    told = server.run(*_pytest(*QUICK, BESIDE, *SELECTED))
    assert " passed" in told


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_the_whole_suite_is_green_beside_it(outside: Outside) -> None:
    own = ("--ignore", str(Path(__file__).relative_to(REPOSITORY)))
    outside.run(*_pytest(*QUICK, *own, BESIDE, "tests"), timeout_s=3_500)
