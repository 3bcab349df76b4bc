"""`ingest source new`: a small and whole package, or one line that says why it is not made."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

import ingest
from ingest import skeleton
from ingest.cli import run
from ingest.sources.registry import GROUP
from tests.embedded.watching import REPOSITORY
from tests.outside import installed

NAMES = ("q", "auk", "abcdefghijabcdefghijabcdefghij1")
"""The shortest, one that is short, and the longest."""
LISTED = """
import json
from ingest.sources.registry import source
found = source("auk")
listed = {kind for resource in found.listing.resources for kind in resource.kinds}
written = {model.model_fields["kind"].default for model in found.document_types}
print(json.dumps([sorted(listed), sorted(written)]))
"""
"""Says the kinds that an installed source lists, and those that it writes."""


def test_it_says_where_the_package_is_and_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["source", "new", "auk", "--directory", str(tmp_path / "made")], {}) == 0
    told = capsys.readouterr()
    assert told.out == f"{tmp_path}/made/ingest-source-auk\n"
    assert "pip install -e '.[dev]' && pytest" in told.err
    assert (tmp_path / "made" / "ingest-source-auk" / "README.md").is_file()


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["source", "new", "auk", "--directory", str(tmp_path), "--json"], {}) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"source_type": "auk", "folder": f"{tmp_path}/ingest-source-auk"}


def test_by_default_it_is_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["source", "new", "auk"], {}) == 0
    assert (tmp_path / "ingest-source-auk").is_dir()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Auk", "'Auk' cannot be a source's type; take a to z and 0 to 9, first a letter"),
        ("../x", "'../x' cannot be a source's type"),
        ("x" * 32, "cannot be a source's type"),
        ("1a", "cannot be a source's type"),
        ("linear", "there is a source linear already; take another name"),
        ("taken", "ingest-source-taken is there already; remove it, or give another --directory"),
    ],
)
def test_a_name_that_cannot_be_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (tmp_path / "ingest-source-taken").mkdir()
    assert run(["source", "new", name, "--directory", str(tmp_path)], {}) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["ingest-source-taken"]
    assert list((tmp_path / "ingest-source-taken").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(["source", "new", "auk", "--directory", str(tmp_path / "file")], {}) == 2
    assert "ingest-source-auk cannot be written: " in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_the_skeleton_s_own_name_is_left(tmp_path: Path, name: str) -> None:
    folder = skeleton.write(name, tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    left = [path for path in files if skeleton.NAME in f"{path.name}{path.read_text()}".lower()]
    assert left == []
    points = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]
    assert points == {GROUP: {name: f"ingest_source_{name}:SOURCE"}}


def test_sync_runs_find_all_that_it_writes(tmp_path: Path) -> None:
    """A kind of document that is in no list is never backfilled, and never pruned."""
    environ = installed(skeleton.write("auk", tmp_path / "outside"), tmp_path / "site")
    told = _runs("-c", LISTED, cwd=tmp_path, environ=environ)
    listed, written = json.loads(told)
    assert listed == written == ["comment", "ticket"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_clean_and_formatted_as_written(tmp_path: Path, name: str) -> None:
    folder = skeleton.write(name, tmp_path)
    for command in (["check"], ["format", "--check"]):
        _runs("-m", "ruff", *command, "--no-cache", ".", cwd=folder)


def test_its_readme_is_ten_steps(tmp_path: Path) -> None:
    lines = (skeleton.write("auk", tmp_path) / "README.md").read_text().splitlines()
    assert [line.partition(".")[0] for line in lines if line[:1].isdigit()] == [
        str(number) for number in range(1, 11)
    ]


def test_what_it_is_made_of_is_shipped() -> None:
    """Every file of the package that is no Python is data of the package, whoever builds it."""
    package = Path(ingest.__file__).parent
    told = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]
    shipped = {path for glob in told["package-data"]["ingest"] for path in package.glob(glob)}
    others = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".py"}
    assert {path for path in others if path.parent.name != "__pycache__"} <= shipped


@pytest.mark.slow
def test_its_types_are_strict_as_written(tmp_path: Path) -> None:
    folder = skeleton.write("auk", tmp_path)
    _runs("-m", "mypy", "--cache-dir", str(tmp_path / "cache"), cwd=folder)


def _runs(*argv: str, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """What a run of Python says, which has to end well."""
    ran = subprocess.run(
        [sys.executable, *argv], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
