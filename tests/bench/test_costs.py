"""The unit costs are of what they say: each step asserts its rows; figures are in proportion."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bench import costs
from bench.stage import Stage, connected

PLAN = costs.Plan(rounds=2, deliveries=40, group=10, batch=20, checkpoints=1, touched=10)


@pytest.mark.integration
@pytest.mark.once  # a benchmark brings its own server
def test_the_costs_of_a_small_run_are_in_proportion(database_url: str, engine: sa.Engine) -> None:
    """The steps assert for themselves what they left; a duplicate costs less than what is new."""
    place = Stage(database_url, "", engine, connected(engine))
    found = costs.measured(place, PLAN)
    tables = found["tables"]
    assert isinstance(tables, dict)
    each = tables["of one delivery"]
    assert each["receipt"]["deliveries"] == each["processing"]["deliveries"] == 40
    assert each["deletion"]["deliveries"] == 4 * 40 + 40 + 10 + 40
    assert each["duplicate"]["log_bytes"] < each["receipt"]["log_bytes"] / 2
    assert each["edit_processing"]["log_bytes"] > each["unchanged_processing"]["log_bytes"]
    assert each["receipt"]["commits"] == pytest.approx(1 / 10, abs=0.2)  # some are of the measuring
    received, processed = (
        tables["bytes on disk of one, received"],
        tables["bytes on disk of one, processed"],
    )
    assert processed["all"]["total"] > received["all"]["total"] > 1_000
    assert "lightfast_docs_documents" in processed
    month = tables["of a billion a month"]["all new"]
    assert month["per_second"] == 386
    assert month["worker_cores"] == pytest.approx(0.386 * each["processing"]["own_ms"], abs=0.01)
    assert month["deliveries_tb"] == pytest.approx(processed[costs.QUEUE]["total"] / 1e3, abs=0.01)
