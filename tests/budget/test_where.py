"""Where it is counted: the Redis that the settings name, the broker's own, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from ingest.budget.tally import SharedTally
from ingest.wiring import program
from tests.budget.askers import BASE, LIMIT, limited_by, may

REDIS, OTHER, RABBIT = "redis://127.0.0.1:1/0", "redis://127.0.0.1:2/0", "amqp://u:p@127.0.0.1//"


def port_of(tally: SharedTally) -> object:
    return tally.counts.storage.get_connection_kwargs()["port"]


@pytest.mark.parametrize(
    ("environ", "ports"),
    [
        ({"REDIS_URL": REDIS}, [1]),
        ({"CELERY_BROKER_URL": f"{REDIS};{OTHER}"}, [1, 2]),
        ({"CELERY_BROKER_URL": REDIS, "REDIS_URL": OTHER}, [2]),
        ({"CELERY_BROKER_URL": RABBIT, "REDIS_URL": OTHER}, [2]),
        ({"CELERY_BROKER_URL": RABBIT}, []),
        ({}, []),
    ],
)
def test_it_is_counted_in_the_redis_that_there_is(
    tmp_path: Path, environ: dict[str, str], ports: list[int]
) -> None:
    made = program({**environ, "INGEST_DATA_DIR": str(tmp_path)})
    assert [port_of(one) for one in made.budgets.open()] == ports
    made.close()


@pytest.mark.integration
def test_two_environments_of_one_redis_count_apart(redis_url: str, tmp_path: Path) -> None:
    """As their queues are apart."""
    told = {"REDIS_URL": redis_url, "INGEST_DATA_DIR": str(tmp_path)}
    programs = [program(told), program({**told, "INGEST_QUEUE_PREFIX": "staging-"})]
    for made in programs:
        budget = made.budgets.of(limited_by(LIMIT), BASE, {}, "t")
        assert budget is not None
        assert may(budget)
        made.close()
    with Redis.from_url(redis_url) as client:
        counted = {key.decode().partition(":notion:")[0] for key in client.keys("*:notion:*")}
    assert counted == {"ingest:budget", "staging-ingest:budget"}
