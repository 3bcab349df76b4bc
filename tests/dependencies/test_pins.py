"""Every Python from the promised one on gets the same releases, all of them pinned. No network."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.dependencies.pins import CONSTRAINTS, needed, oldest, pins, python

NEWEST = "3.14.0"
"""Some dependencies are needed by older or newer Pythons than the one that runs the tests."""


def test_every_pin_admits_the_oldest_python() -> None:
    """Bug: a pin wanted 3.11.5, and on the 3.11.2 of a distribution nothing could be set up."""
    there = needed()
    refusing = [
        f"{pin.name}=={pin.version} wants Python {wanted}"
        for pin in pins()
        if pin.holds(python(oldest())) and there.get(pin.name) is not None
        if (wanted := str(distribution(pin.name).metadata.json.get("requires_python", "")))
        if not SpecifierSet(wanted).contains(oldest())
    ]
    assert oldest() == "3.11.0"
    assert not refusing


def test_every_dependency_is_installed_as_it_is_pinned() -> None:
    pinned = {pin.name: pin.version for pin in pins() if pin.holds({})}
    there = {name: found and found.version for name, found in needed().items()}
    assert {name: pinned.get(name) for name in there} == there


def test_every_pin_is_used() -> None:
    used = needed() | needed(python(oldest())) | needed(python(NEWEST))
    assert [pin.name for pin in pins() if pin.name not in used] == []


def test_pins_are_sorted_and_said_once() -> None:
    """So that two people who add one each are merged without a thought."""
    lines = CONSTRAINTS.read_text("utf-8").splitlines()
    assert lines == sorted(set(lines), key=str.casefold)


@pytest.mark.parametrize("line", ["celery>=5", "celery==5.*", "celery", "celery==5.7,!=5.7.1"])
def test_a_range_is_no_pin(line: str, tmp_path: Path) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text(line)
    with pytest.raises(ValueError, match="no exact pin"):
        pins(path)
