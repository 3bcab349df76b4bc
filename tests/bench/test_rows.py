"""The benchmarks' deliveries are of the size that they say, and leave the rows that they say."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import psycopg
import pytest
import sqlalchemy as sa

from bench import contestants, real
from bench.mix import Connections
from bench.rows import rows_of
from bench.stage import RESULT_TABLES, Stage, connected, fill, requeue

DELIVERIES = 150
# Without what a clock or a run of its own tells.
_SAME = "SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {} t"


def test_the_real_mix_has_the_sizes_of_recorded_payloads() -> None:
    """Bug: bodies were a fifth of what providers send, and ours looked twice as fast."""
    bodies: dict[str, list[int]] = {}
    for arrival in real.arrivals(200, Connections("one", "other")):
        event = arrival.headers.partition('-event":"')[2].partition('"')[0]
        bodies.setdefault(event, []).append(len(arrival.body))
    assert {name: len(sizes) for name, sizes in bodies.items()} == {
        "issues": 80, "pull_request": 40, "issue_comment": 20, "Issue": 60,
    }  # fmt: skip
    kilobytes = {name: mean(sizes) / 1000 for name, sizes in bodies.items()}
    assert kilobytes["issues"] == pytest.approx(12, abs=1.5)
    assert kilobytes["pull_request"] == pytest.approx(24.3, abs=2.5)
    assert kilobytes["issue_comment"] == pytest.approx(13.5, abs=1.5)
    assert mean(size for sizes in bodies.values() for size in sizes) == pytest.approx(13e3, rel=0.1)


@pytest.mark.integration
def test_ours_and_the_limits_leave_the_same_rows_with_bound_references(
    database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    """Bug: no reference was ever written, and the limits failed on the first that was bound."""
    place = Stage(database_url, "", engine, connected(engine))
    fill(place, real.arrivals(DELIVERIES, place.connections))
    assert contestants.ours(database_url).deliveries == DELIVERIES
    rows, said = rows_of(database_url), real.expected(DELIVERIES)
    assert {name: rows[name] for name in said} == said
    assert said["bound"] > said["documents"] / 2
    assert rows["references"] > rows["mentions"] > said["bound"]
    assert rows["chunks"] > DELIVERIES
    assert rows["events"] == DELIVERIES
    left, kept = _left(database_url), tmp_path / "rows.json"
    contestants.keep_final_rows(database_url, kept)
    for bare in (contestants.limit, contestants.bulk_limit):
        requeue(place)
        assert rows_of(database_url).total() == 0
        bare(database_url, kept)
        assert _left(database_url) == left


def _left(database_url: str) -> dict[str, object]:
    """A fingerprint of each table's rows."""
    with psycopg.connect(database_url) as conn:
        found = {t: conn.execute(_SAME.format(t).encode()).fetchone() for t in RESULT_TABLES}
    return {table: row[0] for table, row in found.items() if row is not None}
