"""The comparison with programs of others holds what it says, without any of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench import peers, real
from bench.peers import AGAIN, FIRST, SENT_AGAIN, Load
from bench.stage import Stage, connected

DOCUMENTS = 30
LOAD = Load(seconds=1.0, own_s=0.1, database_s=0.1, documents=3, chunks=4)


def test_every_package_of_the_peers_is_pinned() -> None:
    lines = peers.REQUIREMENTS.read_text("utf-8").splitlines()
    names = [line.partition("==")[0] for line in lines if not line.startswith("#")]
    assert all("==" in line for line in lines if not line.startswith("#"))
    assert {"dlt", "langchain-core", "llama-index-core"} <= set(names)
    assert len(names) == len(set(names))


def test_what_is_not_installed_is_said_with_its_reason(tmp_path: Path) -> None:
    """Here: no environment at all, and one without their packages, which is ours."""
    nowhere = peers.importable(tmp_path, "with_dlt")
    assert nowhere is not None
    assert "No such file" in nowhere.reason
    here = peers.importable(Path(sys.prefix), "with_dlt")
    assert here == peers.NotInstalled("ModuleNotFoundError: No module named 'dlt'")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda load: replace(load, documents=2), "2 documents of 3"),
        (lambda load: replace(load, chunks=5), "leaves other chunks"),
    ],
    ids=["documents", "chunks"],
)
def test_a_load_that_is_not_what_it_says_is_no_row(
    spoil: Callable[[Load], Load], says: str
) -> None:
    assert peers.checked({FIRST: LOAD, AGAIN: LOAD}, 3)
    with pytest.raises(AssertionError, match=says):
        peers.checked({FIRST: LOAD, AGAIN: spoil(LOAD)}, 3)


@pytest.mark.integration
def test_ours_loads_each_text_once_and_nothing_new_the_second_time(
    database_url: str, engine: sa.Engine
) -> None:
    place = Stage(database_url, "", engine, connected(engine))
    loads = peers.ours(place, list(real.arrivals(DOCUMENTS, place.connections)))
    assert list(loads) == [FIRST, AGAIN, SENT_AGAIN]
    assert {load.documents for load in loads.values()} == {DOCUMENTS}
    assert loads[FIRST].chunks > DOCUMENTS
