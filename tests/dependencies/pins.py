"""The pins of `constraints.txt`, and what is needed of them. Reads files and asks no network."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
EXTRA = "dev"
Python = Mapping[str, str]
"""The marker variables of a Python that may be another than the one that runs."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One line: exactly this release, where the marker holds."""

    name: str
    version: str
    marker: Marker | None = None

    def holds(self, python: Python) -> bool:
        return self.marker is None or self.marker.evaluate(dict(python))


def pins(path: Path = CONSTRAINTS) -> list[Pin]:
    """The lines of the file; raises ValueError for one that is no exact pin."""
    return [_pin(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _pin(line: str) -> Pin:
    wanted = Requirement(line)
    exact = [spec for spec in wanted.specifier if spec.operator == "=="]
    if len(exact) != 1 or len(wanted.specifier) != 1 or "*" in exact[0].version:
        raise ValueError(f"{line!r} is no exact pin: write name==version")
    return Pin(canonicalize_name(wanted.name), exact[0].version, wanted.marker)


def project() -> Mapping[str, str]:
    """Name and `requires-python` of this project, as `pyproject.toml` says."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"name": told["name"], "requires-python": told["requires-python"]}


def oldest() -> str:
    """The first release of the oldest Python that we promise to run on."""
    (bound,) = SpecifierSet(project()["requires-python"])
    return f"{bound.version}.0"


def python(release: str) -> Python:
    """The marker variables of that release of Python, on this platform."""
    return {
        "python_full_version": release,
        "implementation_version": release,
        "python_version": release.rpartition(".")[0],
    }


def needed(of: Python | None = None) -> dict[str, Distribution | None]:
    """All that the development environment of that Python (this one) needs, as installed here."""
    found: dict[str, Distribution | None] = {}
    asked = [(project()["name"], frozenset({EXTRA}))]
    done: set[tuple[str, frozenset[str]]] = set()
    while asked:
        name, extras = asked.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        found[name] = _installed(name)
        asked += _wanted_by(found[name], extras, of or {})
    del found[project()["name"]]
    return found


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _wanted_by(
    of: Distribution | None, extras: frozenset[str], python: Python
) -> Iterator[tuple[str, frozenset[str]]]:
    for line in (of.requires or ()) if of is not None else ():
        wanted = Requirement(line)
        if wanted.marker is None or any(
            wanted.marker.evaluate({**python, "extra": extra}) for extra in extras or {""}
        ):
            yield canonicalize_name(wanted.name), frozenset(wanted.extras)
