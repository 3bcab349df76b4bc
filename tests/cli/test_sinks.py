"""`ingest changes sink`: added, listed, paused, resumed, removed; and what doctor says of each."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ingest.flows.doctor import State, look_at_sinks
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest
from tests.factories import make_store
from tests.sinks.hook import NEWER, SECRET

pytestmark = pytest.mark.integration

URL = "https://hooks.example/secret-path?key=secret-key"


@pytest.fixture
def added(ingest: Ingest, engine: sa.Engine) -> Ingest:
    make_store(engine, "docs")
    ran = ingest(
        *("changes", "sink", "add", "search", "--webhook-env", "HOOK", "--secret-env", "SIGNING"),
        *("--store", "docs", "--json"),
        HOOK=URL,
        SIGNING=SECRET,
    )
    assert ran.json == {"name": "search", "kind": "webhook", "target": "https://hooks.example/…"}
    return ingest


def test_a_sink_is_listed_without_what_is_secret(added: Ingest) -> None:
    assert added("changes", "sink", "add", "stream", "--redis-stream", "documents").code == 0
    ran = added("changes", "sink", "list", "--json")
    assert [(row["name"], row["state"]) for row in ran.json] == [
        ("search", "waiting"),
        ("stream", "waiting"),
    ]
    for said in (ran.out, added("changes", "sink", "list").out):
        assert "secret" not in said
        assert "https://hooks.example/…" in said


def test_a_sink_is_paused_resumed_and_removed(added: Ingest, engine: sa.Engine) -> None:
    def state() -> str:
        (row,) = added("changes", "sink", "list", "--json").json
        return str(row["state"])

    assert added("changes", "sink", "pause", "search").code == 0
    assert state() == "paused"
    (found,) = look_at_sinks(engine)
    assert (found.state, found.said) == (State.NOTE, "is paused")
    assert added("changes", "sink", "resume", "search", "--snapshot").code == 0
    assert state() == "waiting"
    (found,) = look_at_sinks(engine)
    assert found.state is State.OK
    assert added("changes", "sink", "remove", "search").code == 0
    assert added("changes", "sink", "list", "--json").json == []
    assert added("changes", "consumers", "--json").json == []
    for action in ("pause", "resume", "remove"):
        ran = added("changes", "sink", action, "search")
        assert (ran.code, "no sink is called search" in ran.err) == (2, True)


def test_doctor_names_what_hinders_a_sink(added: Ingest, engine: sa.Engine) -> None:
    def found_after(change: str) -> str:
        with transaction(engine) as conn:
            conn.execute(sa.text(f"UPDATE lightfast_change_sinks SET {change}"))  # noqa: S608
        (found,) = look_at_sinks(engine)
        assert found.state is State.FAILED
        return found.said

    late = "next_attempt_at = now() - interval '10 min'"
    assert found_after(late) == "nobody has pushed to it for 10 min"
    failing = "attempts = 3, problem = 'the webhook answers 500'"
    assert found_after(failing) == "failed 3 times in a row: the webhook answers 500"


def test_a_secret_is_changed_in_two_steps(added: Ingest) -> None:
    def rotate(*argv: str) -> tuple[int, str]:
        ran = added("changes", "sink", "rotate", *argv, NEWER=NEWER, SHORT="whsec_short")
        return ran.code, ran.err

    assert rotate("search", "--secret-env", "NEWER") == (0, "")
    (row,) = added("changes", "sink", "list", "--json").json
    assert "rotating_since" in row["options"]
    assert rotate("search", "--end") == (0, "")
    assert added("changes", "sink", "add", "stream", "--redis-stream", "s").code == 0
    for argv, said in (
        (["search"], "give --secret-env VAR to begin"),
        (["search", "--end", "--secret-env", "NEWER"], "give --secret-env VAR to begin"),
        (["search", "--end"], "signs with one secret"),
        (["search", "--secret-env", "SHORT"], "24 to 64"),
        (["stream", "--end"], "is not signed"),
        (["nobody", "--end"], "no sink is called nobody"),
    ):
        code, err = rotate(*argv)
        assert (code, said in err) == (2, True), err


def test_doctor_names_a_sink_whose_secret_no_key_opens(added: Ingest) -> None:
    """Bug: it looked at the secrets of connections alone."""
    assert added("db", "upgrade").code == 0
    other = "another key for tests which is as long as needed"
    told = json.loads(added("doctor", "--offline", "--json", INGEST_SECRET_KEY=other).out)
    (found,) = [one for one in told["checks"] if one["check"] == "secret key"]
    assert (found["state"], "the secret of the sink search" in found["said"]) == ("failed", True)
    assert "ingest changes sink remove search" in found["remedy"]


def test_wrong_use_is_told(added: Ingest) -> None:
    for argv, said in (
        (["again"], "give one of"),
        (["search", "--celery-task", "t"], "there is a consumer called search"),
        (["x", "--webhook", "https://a.example/x", "--secret-env", "NOT_SET"], "is not set"),
        (["x", "--redis-stream", "s", "--max-entries", "0"], "max-entries"),
        (["x", "--webhook", URL, "--webhook-env", "HOOK"], "give one of them"),
        (["x", "--redis-stream", "s", "--store", "dosc"], "there is no store dosc"),
        (["x", "--redis-stream", "s", "--source", "guthib"], "is no source"),
        (["x", "--redis-stream", "s", "--url-env", "RABBIT"], "no streams of Redis"),
        (["x", "--redis-stream", "s"], "no Redis is known"),
    ):
        rabbit = {"RABBIT": "amqp://guest:guest@mq.example//", "HOOK": URL}
        ran = added("changes", "sink", "add", *argv, **rabbit, CELERY_BROKER_URL=rabbit["RABBIT"])
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
