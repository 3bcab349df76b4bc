"""Hadolint, systemd and the compose specification read it; skipped where one is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.packaging.reading import PACKAGING, PROCESS, UNITS, procfile
from tests.packaging.tools import said, tool

pytestmark = pytest.mark.once
MOST_EXPOSED = 20
"""Of 100, as `systemd-analyze security` counts; what speaks to the internet and to a database."""


def test_hadolint_finds_nothing() -> None:
    assert said(tool("hadolint"), PACKAGING / "Dockerfile") == (0, "")


def test_the_compose_file_is_one() -> None:
    argv = (tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec")
    code, text = said(*argv, PACKAGING / "compose" / "compose.yaml")
    assert code == 0, text


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with programs that are on this machine: systemd looks whether they are."""
    for path in UNITS.glob("ingest*"):
        text = path.read_text("utf-8")
        text = text.replace("/opt/ingest/bin/ingest-process", str(PROCESS))
        text = text.replace("/opt/ingest/bin/ingest ", f"{shutil.which('true')} ")
        (tmp_path / path.name).write_text(text, "utf-8")
    return tmp_path


def test_systemd_verifies_each_unit(units: Path) -> None:
    """It warns of a key that it does not know, and calls that success: nothing may be said."""
    names = [f"ingest@{name}.service" for name in procfile()]
    names += ["ingest-migrate.service", "ingest.target"]
    analyze = tool("systemd-analyze", "apt-get install systemd")
    told = said(analyze, "verify", "--man=no", *(units / name for name in names))
    assert told == (0, "")


@pytest.mark.parametrize("name", ["ingest@.service", "ingest-migrate.service"])
def test_systemd_finds_each_unit_hardened(units: Path, name: str) -> None:
    analyze = tool("systemd-analyze", "apt-get install systemd")
    argv = ("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}")
    code, text = said(analyze, *argv, units / name)
    assert code == 0, text[-300:]
