"""`SECURITY.md` names tests; each of them is there, and every threat has one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from ingest.testing.laws import EVERY_ROOM, laws_of

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


@cache
def _tests_of(file: str) -> frozenset[str]:
    """Those that stand in it, and the laws of sources where it runs them."""
    text = (ROOT / "tests" / file).read_text("utf-8")
    run = [law.__name__ for law in laws_of(EVERY_ROOM)] if "source_laws(" in text else []
    return frozenset({*re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE), *run})


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_a_test_that_is_named_is_there(file: str) -> None:
    assert {name for of, name in NAMED if of == file} - _tests_of(file) == set()


def test_every_threat_has_what_stops_it_and_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 5]
    threats = [row for row in rows if not row.startswith("| actor |")]
    assert threats
    assert [row for row in threats if "`::" not in row and ".py::" not in row] == []
    assert [row for row in threats if "" in (part.strip() for part in row.split("|")[1:-1])] == []
