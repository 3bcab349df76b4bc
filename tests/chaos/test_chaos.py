"""`make chaos`, a short one: faults strike, and nothing is lost, doubled or wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from chaos import rabbit
from chaos.network import lacking
from tests.embedded.watching import REPOSITORY

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.xdist_group("stack")]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("seed", "more"),
    [(1, ()), (2, ()), (3, ("--broker", "rabbitmq")), (4, ("--hosts", "--rate", "20"))],
)
def test_nothing_is_lost_doubled_or_wrong(seed: int, more: Sequence[str], tmp_path: Path) -> None:
    if "rabbitmq" in more and rabbit.installed() is None:
        pytest.skip("RabbitMQ is not on this machine")
    if "--hosts" in more and (why := lacking()):
        pytest.skip(f"there can be no hosts here: {why}")
    figures = tmp_path / "figures.json"
    told = ("--seed", seed, "--deliveries", 3_000, "--faults", 10, "--json", figures, *more)
    command = [sys.executable, "-m", "chaos", *map(str, told)]
    ended = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-6_000:] + ended.stderr[-3_000:]
    found = json.loads(figures.read_text("utf-8"))
    assert [found[name] for name in ("lost", "doubled", "wrong")] == [0, 0, 0]
    assert (found["faults"], found["seed"]) == (10, seed)
    assert found["answered"] > 2_500
    assert found["stored"] > 2_500
