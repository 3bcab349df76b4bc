"""Where sources are found, and what a broken one does: nothing, but to be named in one line.

Each test looks from a process of its own, with packages outside of ours on its path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.registry import all_sources, broken
from tests.factories import OURS
from tests.outside import package

SOUND = """
from dataclasses import replace
from ingest.sources.linear import SOURCE as LIKE_IT
SOURCE = replace(LIKE_IT, descriptor=replace(LIKE_IT.descriptor, source_type={!r}, title="Wharf"))
"""
LOOK = """
import json
import sys
import ingest.sources
ingest.sources.__path__ += sys.argv[1:]
from ingest.core.errors import IngestError
from ingest.sources.registry import all_sources, broken, package_of, source, source_types
told = {"types": source_types()}
named = ("ingest.sources.", "wharf")
told["imported"] = [m for m in sys.modules if m.startswith(named) and m.split(".")[-1] == "client"]
try:
    told["wharf"] = source("wharf").descriptor.title
    told["package"] = package_of("wharf")
except IngestError as error:
    told["wharf"] = [type(error).__name__, str(error)]
told["besides"] = [m for m in sys.modules if m.startswith("wharf") or m == "ingest.sources.vercel"]
told["broken"], told["usable"] = broken(), list(all_sources())
told["outside"] = broken(outside_only=True)
print(json.dumps(told))
"""


def seen_with(environ: Mapping[str, str], *more_folders: Path) -> dict[str, Any]:
    """What a process in that environment finds; `more_folders` hold folders as beside the six."""
    ran = subprocess.run(
        [sys.executable, "-c", LOOK, *map(str, more_folders)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_ours_are_all_there_and_none_is_broken() -> None:
    assert len(OURS) >= 6
    assert all_sources().keys() >= OURS
    assert not broken().keys() & OURS


def test_a_source_of_another_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    found = seen_with(package(tmp_path, "wharf_ingest", SOUND.format("wharf")))
    assert set(found["types"]) >= {*OURS, "wharf"}
    assert found["types"] == sorted(found["types"]) == found["usable"]
    assert found["wharf"] == "Wharf"
    assert found["package"] == "wharf_ingest"
    assert found["broken"] == {}


def test_the_names_are_known_without_importing_anybody(tmp_path: Path) -> None:
    found = seen_with(package(tmp_path, "wharf_ingest", "raise SystemExit('imported')"))
    assert "wharf" in found["types"]
    assert found["imported"] == []


def test_who_asks_for_one_source_gets_that_one_alone(tmp_path: Path) -> None:
    found = seen_with(package(tmp_path, "wharf_ingest", "from ingest.sources.linear import SOURCE"))
    assert found["besides"] == ["wharf_ingest"]


def test_a_lone_module_is_no_package(tmp_path: Path) -> None:
    environ = package(tmp_path, "wharf_ingest", "", {"wharf": "wharf_alone"})
    (tmp_path / "wharf_alone.py").write_text(SOUND.format("wharf"))
    found = seen_with(environ)
    assert (found["wharf"], found["package"]) == ("Wharf", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "AttributeError"),
        ("import a_module_that_is_missing", "ModuleNotFoundError: No module named 'a_module"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(7)", "SystemExit: 7"),
        ("raise ValueError('one\\ntwo' + 'x' * 9000)", "ValueError: one two"),
        ("this is no Python", "SyntaxError"),
        ("SOURCE = {'descriptor': None}", "wharf_ingest:SOURCE is no Source"),
        (SOUND.format("wharf") + "SOURCE = replace(SOURCE, descriptor=7)", "is no Source"),
        (SOUND.format("other"), "wharf_ingest:SOURCE says that it is 'other'"),
    ],
)
def test_a_broken_one_names_itself_in_a_line_and_harms_no_other(
    tmp_path: Path, text: str, reason: str
) -> None:
    found = seen_with(package(tmp_path, "wharf_ingest", text))
    (line,) = found["broken"].values()
    assert found["broken"] == found["outside"] == {"wharf": line}
    assert line.startswith("source 'wharf' of wharf_ingest 1.2 is broken: ")
    assert reason in line
    assert line.endswith("; mend it, or uninstall it")
    assert len(line.splitlines()) == 1
    assert len(line) < 500
    assert found["wharf"] == ["BrokenSource", line]
    assert set(found["usable"]) >= OURS


@pytest.mark.parametrize(
    "value",
    ["wharf_ingest.nowhere:SOURCE", "wharf_ingest:NOTHING", ":SOURCE", "wharf ingest:SOURCE"],
)
def test_an_entry_point_that_leads_nowhere_is_broken(tmp_path: Path, value: str) -> None:
    found = seen_with(package(tmp_path, "wharf_ingest", SOUND.format("wharf"), {"wharf": value}))
    assert list(found["broken"]) == ["wharf"]
    assert set(found["usable"]) >= OURS


@pytest.mark.parametrize(
    "name", ["Wharf", "ac_me", "ac-me", "4cme", "a" * 32, "äcme", "a'b", "a b"]
)
def test_a_name_that_cannot_be_one_is_told_and_is_in_no_list(tmp_path: Path, name: str) -> None:
    point = {name: "wharf_ingest:SOURCE"}
    found = seen_with(package(tmp_path, "wharf_ingest", SOUND.format(name), point))
    assert list(found["broken"]) == [name]
    assert "take a to z and 0 to 9" in found["broken"][name]
    assert name not in found["types"]
    assert found["wharf"][0] == "NotConnected"


@pytest.mark.parametrize("name", ["a", "wharf2", "a" * 31])
def test_a_name_may_be_short_or_long_and_have_digits(tmp_path: Path, name: str) -> None:
    point = {name: "wharf_ingest:SOURCE"}
    found = seen_with(package(tmp_path, "wharf_ingest", SOUND.format(name), point))
    assert name in found["usable"]
    assert found["broken"] == {}


def test_nobody_takes_the_name_of_ours(tmp_path: Path) -> None:
    point = {"linear": "wharf_ingest:SOURCE"}
    found = seen_with(package(tmp_path, "wharf_ingest", SOUND.format("linear"), point))
    assert list(found["broken"]) == ["linear of wharf_ingest 1.2"]
    (line,) = found["broken"].values()
    assert "the name is taken by ingest.sources.linear" in line
    assert set(found["usable"]) >= OURS


def test_of_two_packages_with_one_name_the_first_has_it(tmp_path: Path) -> None:
    package(tmp_path, "wharf_second", SOUND.format("wharf").replace("Wharf", "Second"))
    found = seen_with(package(tmp_path, "wharf_first", SOUND.format("wharf")))
    assert found["wharf"] == "Wharf"
    assert "taken by wharf_first 1.2" in found["broken"]["wharf of wharf_second 1.2"]


def test_a_folder_beside_the_six_that_exports_nothing_harms_nobody(tmp_path: Path) -> None:
    """Bug: the command's own help ended in a traceback."""
    (tmp_path / "wharf").mkdir()
    (tmp_path / "wharf" / "__init__.py").write_text("")
    found = seen_with(os.environ, tmp_path)
    line = found["broken"]["wharf"]
    assert line.startswith("source 'wharf' of ingest.sources.wharf is broken: ")
    assert line.endswith("; mend it, or remove its folder")
    assert found["outside"] == {}
    assert set(found["usable"]) >= OURS


def _ingest(environ: Mapping[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ingest.cli", *argv]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_commands_tell_of_a_broken_one_and_do_their_work(tmp_path: Path) -> None:
    environ = package(tmp_path, "wharf_ingest", "raise SystemExit('imported')")
    told = _ingest(environ, "types")
    assert told.returncode == 0
    assert "GitHubDocMetadata" in told.stdout
    assert [line.partition(" is broken")[0] for line in told.stderr.splitlines()] == [
        "ingest: source 'wharf' of wharf_ingest 1.2"
    ]


def test_help_imports_no_source(tmp_path: Path) -> None:
    environ = package(tmp_path, "wharf_ingest", "print('imported')\nraise SystemExit")
    shown = [_ingest(environ, *argv) for argv in (("--help",), ("source", "connect", "--help"))]
    for told in shown:
        assert (told.returncode, told.stderr) == (0, "")
        assert "imported" not in told.stdout
    assert "wharf" in shown[-1].stdout


def test_the_doctor_has_a_failed_check_for_a_broken_one(tmp_path: Path) -> None:
    environ = package(tmp_path, "wharf_ingest", "")
    ours = {"INGEST_DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://u@127.0.0.1:1/none"}
    told = _ingest({**environ, **ours}, "doctor", "--json")
    checks = {check["check"]: check for check in json.loads(told.stdout)["checks"]}
    assert checks["source wharf"]["state"] == "failed"
    assert "wharf_ingest gives no SOURCE" in checks["source wharf"]["said"]
    assert checks["source wharf"]["remedy"] == "mend it, or uninstall it"


def test_nothing_can_be_connected_to_a_broken_one(tmp_path: Path) -> None:
    environ = package(tmp_path, "wharf_ingest", "")
    argv = ("source", "connect", "wharf", "--store", "s", "--name", "n", "--metadata", "{}")
    told = _ingest(environ, *argv)
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert "is broken" in told.stderr.splitlines()[-1]
