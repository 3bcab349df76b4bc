"""What a stranger reads when `make` cannot set up: the culprit, in the last lines. No network.

Some packages are made here, and nothing else can be had: `rock` wants `pebble` 2 or newer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.dependencies.pins import ROOT

pytestmark = pytest.mark.xdist_group("install")

Install = Callable[..., subprocess.CompletedProcess[str]]
INSTALLERS = ("pip", "uv") if shutil.which("uv") else ("pip",)


def make_wheel(shelf: Path, name: str, version: str, *headers: str) -> None:
    """A package on the shelf, as an index offers it."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers, ""]
    tags = ["Wheel-Version: 1.0", "Root-Is-Purelib: true", "Tag: py3-none-any", ""]
    inside = f"{name}-{version}.dist-info"
    file = shelf / f"{name}-{version}-py3-none-any.whl"
    with ZipFile(file, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{inside}/METADATA", "\n".join(lines))
        wheel.writestr(f"{inside}/WHEEL", "\n".join(tags))
        wheel.writestr(f"{inside}/RECORD", "")
    wants = "".join(h for h in headers if h.startswith("Requires-Python: ")).partition(": ")[2]
    page = shelf / "simple" / name / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    with page.open("a") as index:
        link = f'<a href="{file.as_uri()}" data-requires-python="{escape(wants)}">{file.name}</a>'
        index.write(f"{link}\n")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All the packages that there are."""
    folder = tmp_path_factory.mktemp("shelf")
    make_wheel(folder, "pebble", "1")
    make_wheel(folder, "pebble", "2")
    make_wheel(folder, "pebble", "3", "Requires-Python: >=99")
    make_wheel(folder, "rock", "1", "Requires-Dist: pebble>=2")
    return folder


def environment(shelf: Path, *, uv: bool = False) -> dict[str, str]:
    """Nothing can be had but what is on the shelf; and pip has settings that are in the way."""
    folders = os.environ["PATH"].split(os.pathsep)
    return {
        **os.environ,
        "PATH": os.pathsep.join(f for f in folders if uv or not (Path(f) / "uv").exists()),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": (shelf / "simple").as_uri(),
        "PIP_EXTRA_INDEX_URL": (shelf / "no-such-folder").as_uri(),
        "PIP_FIND_LINKS": str(shelf / "no-such-folder"),
        "PIP_USER": "1",
        "PIP_RETRIES": "0",
        "UV_DEFAULT_INDEX": (shelf / "simple").as_uri(),
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "1",
    }


@pytest.fixture(scope="module", params=INSTALLERS)
def install(
    request: pytest.FixtureRequest, shelf: Path, tmp_path_factory: pytest.TempPathFactory
) -> Install:
    """`install("pebble==1", "rock")` asks for rock where pebble is pinned; one venv serves all."""
    place = tmp_path_factory.mktemp("place")
    environ = environment(shelf, uv=request.param == "uv")

    def call(pin: str, *wanted: str) -> subprocess.CompletedProcess[str]:
        constraints = place / "constraints.txt"
        constraints.write_text(f"{pin}\n")
        arguments = [str(place / "venv"), sys.executable, "--constraint", str(constraints), *wanted]
        return run([str(ROOT / ".ci" / "install"), *arguments], environ)

    return call


def run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_pin_that_contradicts_another_is_named(install: Install) -> None:
    """Bug: with --quiet nothing told which package was at fault."""
    done = install("pebble==1", "rock")
    assert done.returncode == 1
    told = done.stderr.splitlines()[-12:]
    assert any("pebble" in line and "rock" in line for line in told)
    assert any("pebble==1" in line for line in told)
    assert "Nothing is set up" in told[-1]


def test_a_pin_for_newer_pythons_is_named_with_its_wish(install: Install) -> None:
    done = install("pebble==3", "rock")
    assert done.returncode == 1
    told = "\n".join(done.stderr.splitlines()[-12:])
    assert "pebble==3" in told
    assert ">=99" in told


def test_a_package_that_cannot_be_had_is_named(install: Install) -> None:
    done = install("pebble==1", "boulder")
    assert done.returncode == 1
    assert "boulder" in done.stderr


def test_what_goes_well_is_quiet_whatever_the_settings_of_pip(install: Install) -> None:
    done = install("pebble==2", "rock")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


NO_PYTHON = [
    ("", "No Python >= 3.11 found"),
    ("/no/such/python", "there is no such program"),
    ("/bin/false", "does not run"),
]


@pytest.mark.parametrize(("python", "said"), NO_PYTHON)
def test_no_python_is_one_line(python: str, said: str, tmp_path: Path) -> None:
    done = run(["make", "setup", f"VENV={tmp_path}/venv", f"PYTHON={python}"], os.environ)
    assert done.returncode == 2
    line, of_make = done.stderr.splitlines()
    assert said in line
    assert of_make.startswith("make")
    assert not (tmp_path / "venv").exists()


def stand_in(path: Path, *cases: str) -> str:
    """A Python that answers some arguments in its own way."""
    script = ["#!/bin/sh", 'case "$*" in', *cases, "esac", f'exec "{sys.executable}" "$@"', ""]
    path.write_text("\n".join(script))
    path.chmod(0o755)
    return str(path)


def test_an_older_python_is_one_line(tmp_path: Path) -> None:
    python = stand_in(tmp_path / "python", "*print*) echo 3.10.13; exit;;", "*sys.exit*) exit 1;;")
    done = run([str(ROOT / ".ci" / "install"), f"{tmp_path}/venv", python], os.environ)
    assert done.returncode == 1
    assert done.stderr == f"PYTHON={python} is Python 3.10.13: 3.11 or newer is needed\n"


NO_ENSUREPIP, NO_VIRTUALENV, NO_PIP = (
    f'"{words}"*) exit 1;;' for words in ("-c import ensurepip", "-m virtualenv", "-m pip")
)


def test_without_ensurepip_another_pip_is_used(shelf: Path, tmp_path: Path) -> None:
    """Debian leaves ensurepip out."""
    python, environ = stand_in(tmp_path / "python", NO_ENSUREPIP, NO_VIRTUALENV), environment(shelf)
    if run([python, "-m", "pip", "--version"], environ).returncode:
        pytest.skip("this Python has no pip")
    done = run([str(ROOT / ".ci" / "install"), f"{tmp_path}/venv", python, "rock"], environ)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "venv" / "bin" / "pip").exists()


def test_without_any_installer_it_says_what_to_install(shelf: Path, tmp_path: Path) -> None:
    python = stand_in(tmp_path / "python", NO_ENSUREPIP, NO_VIRTUALENV, NO_PIP)
    done = run([str(ROOT / ".ci" / "install"), f"{tmp_path}/venv", python], environment(shelf))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "apt install python3-venv" in line
