"""`ingest doctor`: what is wrong is found, named, and comes with what to do about it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadSignature
from ingest.flows import sweep
from ingest.flows.doctor import look_at_data_dir
from ingest.flows.receiving import refusals
from ingest.flows.receiving.messages import EnqueueArguments
from ingest.flows.receiving.refusals import record_unverified
from ingest.sources.notion.demo.fake import make
from ingest.store import conditions, connections, handshakes, schedule
from ingest.store.engine import transaction
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.black_hole import proxied
from tests.cli.conftest import SECRET_KEY, Ingest, Ran, Town
from tests.databases import empty_databases
from tests.factories import METADATA, SECRET
from tests.store.test_sessions import set_here

pytestmark = pytest.mark.integration

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
TOKEN = "ntn_a_token_that_nobody_may_see"


@pytest.fixture
def workspace() -> Iterator[Fake]:
    with serving(make()) as fake:
        yield fake


class Doctor:
    """Runs the command with a broker, and reads what it said."""

    def __init__(self, ingest: Ingest, broker_url: str) -> None:
        self._ingest = ingest
        self.environ = {"CELERY_BROKER_URL": broker_url}

    def run(self, *argv: str, **environ: str) -> Ran:
        return self._ingest("doctor", *argv, **{**self.environ, **environ})

    def checks(self, *argv: str, **environ: str) -> dict[str, dict[str, Any]]:
        """By the check's name; of several the first that is not well."""
        found: dict[str, dict[str, Any]] = {}
        for one in json.loads(self.run("--json", *argv, **environ).out)["checks"]:
            if found.get(one["check"], {"state": "ok"})["state"] == "ok":
                found[one["check"]] = one
        return found


@pytest.fixture
def doctor(ingest: Ingest, broker_url: str) -> Doctor:
    assert ingest("db", "upgrade").code == 0
    return Doctor(ingest, broker_url)


@pytest.fixture
def attended(engine: sa.Engine) -> None:
    """Beat ticked and workers were heard a moment ago."""
    sweep.sweep(engine, lambda _queue: None)
    with transaction(engine) as conn:
        for queue in ("ingest", "fetch"):
            schedule.hear(conn, queue)


def connect_notion(ingest: Ingest, *more: str, **environ: str) -> str:
    ingest("store", "create", "docs")
    told = ("--store", "docs", "--name", "Notes", "--metadata", json.dumps(METADATA["notion"]))
    return str(ingest("source", "connect", "notion", *told, *more, **environ).out.strip())


def with_token(ingest: Ingest, token: str) -> str:
    secrets = ("--token-env", "TOKEN", "--webhook-secret-env", "SECRET")
    return connect_notion(ingest, *secrets, TOKEN=token, SECRET=SECRET)


def test_all_is_well_with_a_current_database_a_broker_and_a_proven_token(
    ingest: Ingest, doctor: Doctor, workspace: Fake, attended: None
) -> None:
    with_token(ingest, workspace.provider.token)
    ran = doctor.run(INGEST_NOTION_API_URL=workspace.url)
    assert (ran.code, ran.err) == (0, ""), ran.out
    lines = {line.split(": ")[0].split(maxsplit=1)[1]: line for line in ran.out.splitlines()}
    assert lines["schema"].startswith("ok ")
    assert "answers" in lines["broker"]
    assert "opens all 2 stored secrets" in lines["secret key"]
    assert any(line.endswith("none has come yet") for line in ran.out.splitlines())
    checks = doctor.checks(INGEST_NOTION_API_URL=workspace.url)
    assert {one["state"] for one in checks.values()} == {"ok", "note"}
    assert checks["notion 'Notes': token"]["state"] == "ok"
    assert len(workspace.asked_for("users/me")) == 2


def test_in_json_it_is_one_document_that_says_whether_all_is_well(
    doctor: Doctor, attended: None
) -> None:
    ran = doctor.run("--json")
    assert ran.json["well"] is True
    assert {tuple(one) for one in ran.json["checks"]} == {("check", "state", "said", "remedy")}


def test_a_misspelt_variable_is_listed_with_the_right_name(doctor: Doctor, attended: None) -> None:
    ran = doctor.run(INGEST_LEASE_SECOND="30")
    said = "INGEST_LEASE_SECOND is not a setting; did you mean INGEST_LEASE_SECONDS?"
    assert f"note        settings: {said}" in ran.out
    assert (ran.code, ran.err) == (0, f"ingest: {said}\n")


def test_a_wrong_token_fails_with_the_command_that_mends_it(
    ingest: Ingest, doctor: Doctor, workspace: Fake, attended: None
) -> None:
    id_ = with_token(ingest, TOKEN)
    ran = doctor.run(INGEST_NOTION_API_URL=workspace.url)
    assert ran.code == 1
    (line,) = [one for one in ran.out.splitlines() if one.startswith("FAILED")]
    assert "token: " in line
    assert f"-> ingest source credentials {id_} --token-env VAR" in line
    assert TOKEN not in ran.out + ran.err


def test_a_provider_that_does_not_answer_is_a_failed_check_and_no_traceback(
    ingest: Ingest, doctor: Doctor, attended: None
) -> None:
    with_token(ingest, TOKEN)
    checks = doctor.checks(INGEST_NOTION_API_URL="http://127.0.0.1:1")
    assert checks["notion 'Notes': token"]["state"] == "failed"
    assert doctor.run(INGEST_NOTION_API_URL="http://127.0.0.1:1").code == 1
    ran = doctor.run("--offline", INGEST_NOTION_API_URL="http://127.0.0.1:1")
    assert ran.code == 0
    assert "stored, and not tried" in ran.out


def test_a_limited_token_is_not_proven_and_not_wrong(
    ingest: Ingest, doctor: Doctor, workspace: Fake
) -> None:
    with_token(ingest, workspace.provider.token)
    workspace.troubles.append(Trouble(Answer(429, {}, {"retry-after": "1"}), "users/me", 9))
    found = doctor.checks(INGEST_NOTION_API_URL=workspace.url)["notion 'Notes': token"]
    assert (found["state"], found["said"][:10]) == ("note", "not proven")


def test_every_wrong_variable_is_named(doctor: Doctor) -> None:
    ran = doctor.run(INGEST_MAX_BODY_BYTES="lots", INGEST_NOTION_API_URL="notion", REDIS_URL="x")
    assert ran.code == 1
    assert "INGEST_MAX_BODY_BYTES is 'lots'" in ran.out
    assert "INGEST_NOTION_API_URL is no base of an API" in ran.out


def test_secrets_of_no_source_and_of_one_without_the_route_are_pointed_out(doctor: Doctor) -> None:
    checks = doctor.checks(INGEST_GOPHER_WEBHOOK_SECRETS="a", INGEST_ZENDESK_WEBHOOK_SECRETS="b")
    assert checks["app-wide gopher"]["state"] == "failed"
    assert "opens nothing" in checks["app-wide zendesk"]["said"]
    assert "refuses every request" in checks["app-wide linear"]["said"]


def test_an_absent_service_is_unreachable_and_exit_3(doctor: Doctor) -> None:
    ran = doctor.run(DATABASE_URL=NOWHERE)
    assert ran.code == 3
    assert ran.out.splitlines()[-1].startswith("UNREACHABLE database: ")
    for away in ("redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"):
        ran = doctor.run(CELERY_BROKER_URL=away)
        assert ran.code == 3
        assert "UNREACHABLE broker: " in ran.out


def test_a_database_that_can_only_be_read_is_a_failed_check(
    doctor: Doctor, database_url: str
) -> None:
    """Bug: all was well, and no delivery could be stored."""
    set_here(database_url, "default_transaction_read_only = on")
    found = doctor.checks()["database"]
    assert found["state"] == "failed"
    assert "default_transaction_read_only is on" in found["said"]
    assert "promote it" in found["remedy"]


def test_a_silent_database_is_unreachable_within_five_seconds(
    doctor: Doctor, database_url: str
) -> None:
    with proxied(database_url) as proxy:
        proxy.passing.clear()
        began = time.monotonic()
        assert doctor.checks(DATABASE_URL=proxy.url)["database"]["state"] == "unreachable"
        assert time.monotonic() - began < 6


def test_a_broker_that_there_is_not_is_a_wrong_setting(doctor: Doctor) -> None:
    checks = doctor.checks(CELERY_BROKER_URL="pigeon://loft")
    assert checks["settings"]["state"] == "failed"
    assert "pigeon" in checks["settings"]["said"]


def test_a_brokers_password_is_not_told(doctor: Doctor) -> None:
    ran = doctor.run(CELERY_BROKER_URL="redis://user:a-password-of-mine@127.0.0.1:1/0")
    assert "a-password-of-mine" not in ran.out + ran.err


def test_a_database_behind_is_told_with_its_remedy(doctor: Doctor, postgres_url: str) -> None:
    with empty_databases(postgres_url) as make:
        ran = doctor.run(DATABASE_URL=make())
    assert ran.code == 1
    assert ran.out.splitlines()[-1].endswith("-> ingest db upgrade")


def test_a_key_that_was_rotated_away_is_told_with_its_connections(
    ingest: Ingest, doctor: Doctor, attended: None
) -> None:
    id_ = with_token(ingest, TOKEN)
    other = "another key for tests which is as long as needed"
    found = doctor.checks("--offline", INGEST_SECRET_KEY=other)["secret key"]
    assert found["state"] == "failed"
    assert id_ in found["said"]
    assert "INGEST_SECRET_KEY" in found["remedy"]
    both = doctor.checks("--offline", INGEST_SECRET_KEY=f"{other},{SECRET_KEY}")["secret key"]
    assert (both["state"], both["said"][:1]) == ("note", "2")


def test_a_missing_key_is_a_failed_check(doctor: Doctor) -> None:
    found = doctor.checks(INGEST_SECRET_KEY="")["secret key"]
    assert (found["state"], found["remedy"]) == ("failed", "set INGEST_SECRET_KEY")


def test_a_handshake_is_waited_for_and_then_overdue(
    ingest: Ingest, doctor: Doctor, engine: sa.Engine
) -> None:
    id_ = connect_notion(ingest)
    checks = doctor.checks()
    assert "waits for its handshake" in checks["notion 'Notes': webhook"]["said"]
    assert checks["notion 'Notes': token"]["state"] == "note"
    with transaction(engine) as conn:
        handshakes.arm(conn, id_, -1)
    found = doctor.checks()["notion 'Notes': webhook"]
    assert found["state"] == "failed"
    assert found["remedy"].startswith(f"ingest source verification {id_} --rearm")


def test_an_app_wide_secret_lets_a_connection_in_and_none_is_a_failure(
    ingest: Ingest, doctor: Doctor
) -> None:
    ingest("store", "create", "docs")
    told = ("--store", "docs", "--name", "L", "--metadata", json.dumps(METADATA["linear"]))
    ingest("source", "connect", "linear", *told)
    assert doctor.checks()["linear 'L': webhook"]["state"] == "failed"
    found = doctor.checks(INGEST_LINEAR_WEBHOOK_SECRETS=SECRET)
    assert found["linear 'L': webhook"]["state"] == "ok"
    assert found["app-wide linear"]["state"] == "ok"


def test_what_a_provider_refuses_and_what_it_holds_up_is_told_with_its_words(
    ingest: Ingest, doctor: Doctor, engine: sa.Engine
) -> None:
    id_ = with_token(ingest, TOKEN)
    with transaction(engine) as conn:
        conditions.rate_limit(conn, id_, 600)
    held = doctor.checks("--offline")["notion 'Notes': state"]
    assert (held["state"], "left alone until" in held["said"]) == ("note", True)
    with transaction(engine) as conn:
        conditions.refuse(conn, id_, "API token is invalid.")
    refused = doctor.checks("--offline")["notion 'Notes': state"]
    assert refused["state"] == "failed"
    assert refused["said"].endswith("API token is invalid.")
    assert f"ingest source resume {id_}" in refused["remedy"]
    with transaction(engine) as conn:
        connections.set_status(conn, id_, is_active=False, status="paused")
    assert doctor.checks("--offline")["notion 'Notes': state"]["state"] == "note"
    ingest("source", "disconnect", id_)
    assert not [name for name in doctor.checks("--offline") if name.startswith("notion")]


def test_a_problem_that_hinders_nothing_is_told_as_long_as_it_stands(
    ingest: Ingest, doctor: Doctor, workspace: Fake, engine: sa.Engine
) -> None:
    id_ = with_token(ingest, workspace.provider.token)
    with transaction(engine) as conn:
        conditions.flag(conn, id_, "wants.yml is broken")
    state = doctor.checks(INGEST_NOTION_API_URL=workspace.url)["notion 'Notes': state"]
    assert state["state"] == "note"
    assert state["said"] == "it acts as far as it can: wants.yml is broken"
    with transaction(engine) as conn:
        conditions.unflag(conn, id_, "something else")
        assert conditions.read(conn, id_)["problem"] == "wants.yml is broken"
        conditions.unflag(conn, id_, "wants.yml is broken")
    mended = doctor.checks(INGEST_NOTION_API_URL=workspace.url)["notion 'Notes': state"]
    assert mended["state"] == "ok"


def test_nobody_at_work_is_told_by_queue_and_with_the_command_to_start_one(
    doctor: Doctor, engine: sa.Engine, town: Town
) -> None:
    checks = doctor.checks()
    assert checks["beat"]["state"] == "failed"
    assert checks["worker ingest"]["state"] == "note"
    with transaction(engine) as conn:
        conn.execute(
            sa.text(
                "UPDATE lightfast_webhook_deliveries SET status = 'pending', settled_at = NULL,"
                " next_attempt_at = now() - interval '5 minutes'"
            )
        )
    found = doctor.checks()["worker ingest"]
    assert found["state"] == "failed"
    assert "the oldest work is due for 5 min" in found["said"]
    assert "worker -Q ingest" in found["remedy"]


def test_a_bell_that_nobody_hears_is_a_missing_worker(doctor: Doctor, engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        schedule.hear(conn, "fetch")
        conn.execute(
            sa.text(
                "UPDATE lightfast_bells SET rung_at = now() - interval '1 hour',"
                " heard_at = now() - interval '2 hours'"
            )
        )
    found = doctor.checks()["worker fetch"]
    assert (found["state"], "unheard for 60 min" in found["said"]) == ("failed", True)


def test_the_dead_are_counted_and_only_those_of_today_are_a_failure(
    doctor: Doctor, engine: sa.Engine, town: Town
) -> None:
    _settle(engine, "dead", "0 days")
    found = doctor.checks()["dead deliveries"]
    assert (found["state"], found["said"]) == ("failed", "2, of which 2 died within a day")
    assert "ingest deliveries list --status dead" in found["remedy"]
    _settle(engine, "dead", "3 days")
    assert doctor.checks()["dead deliveries"]["state"] == "note"


def _settle(engine: sa.Engine, status: str, ago: str) -> None:
    with transaction(engine) as conn:
        conn.execute(
            sa.text(
                "UPDATE lightfast_webhook_deliveries SET status = :status,"
                " settled_at = now() - CAST(:ago AS interval)"
            ),
            {"status": status, "ago": ago},
        )


def test_look_ups_that_keep_failing_are_told_with_the_last_error(
    ingest: Ingest, doctor: Doctor, engine: sa.Engine
) -> None:
    id_ = with_token(ingest, TOKEN)
    with transaction(engine) as conn:
        conn.execute(
            sa.text(
                "INSERT INTO lightfast_lookups (connection_id, object, scope, kind, external_id,"
                " hint, last_error, asked_at, next_attempt_at) VALUES (:id, gen_random_uuid(), 's',"
                " 'page', 'x', '{}', 'Notion answers 502', now() - interval '1 hour',"
                " now() + interval '1 hour')"
            ),
            {"id": id_},
        )
    found = doctor.checks("--offline")["look-ups"]
    assert found["state"] == "failed"
    assert "Notion answers 502" in found["said"]
    assert found["remedy"] == f"ingest source show {id_}"


def test_the_last_delivery_of_a_connection_is_told(doctor: Doctor, town: Town) -> None:
    found = doctor.checks()["linear 'Linear': deliveries"]
    assert found["said"].startswith("the last came at 20")


def test_a_message_that_was_refused_is_noted_and_listed(
    ingest: Ingest, doctor: Doctor, engine: sa.Engine
) -> None:
    assert doctor.checks()["refused messages"]["state"] == "ok"
    assert "No message was refused" in ingest("deliveries", "refused").err
    message = EnqueueArguments("github", {}, "{}", "a-connection")
    refusals.record(engine, message, BadSignature("the signature does not match"))
    found = doctor.checks()["refused messages"]
    assert (found["state"], found["remedy"]) == ("note", "ingest deliveries refused")
    assert found["said"] == "1 within a day; the last: the signature does not match"
    (row,) = ingest("deliveries", "refused", "--json").json
    assert (row["connection_id"], row["answer"], row["size"]) == ("a-connection", "401", 2)


_SETTLED = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body, status, settled_at)
SELECT 'github', s, '', '{}', '', s, now() - make_interval(days => :days)
FROM unnest(ARRAY['processed', 'dead']) s
"""


@pytest.mark.parametrize(
    ("days", "ticks", "state", "said"),
    [
        (400, True, "note", "the oldest was settled 400 d ago; a little is deleted every 10 s"),
        (400, False, "note", "the oldest was settled 400 d ago, and nothing is deleted"),
        (31, True, "note", "the oldest was settled 31 d ago"),
        (30, True, "ok", "settled deliveries are kept for 30 days; the oldest was settled 30 d"),
        (1, False, "ok", "the oldest was settled 24 h ago"),
    ],
)
def test_retention_that_lags_is_noted(
    doctor: Doctor,
    attended: None,
    engine: sa.Engine,
    days: int,
    ticks: bool,
    state: str,
    said: str,
) -> None:
    """Where a beat is heard that deletes nothing, it is of an older version."""
    with transaction(engine) as conn:
        conn.execute(sa.text(_SETTLED), {"days": days})
        if ticks:
            assert schedule.take_slot(conn, "retain", every_s=10)
    found = doctor.checks("--offline")["retention"]
    assert (found["state"], said in found["said"]) == (state, True), found
    assert (found["remedy"] is None) == (state == "ok")


def test_retention_is_judged_by_a_beat_that_is_heard(doctor: Doctor, engine: sa.Engine) -> None:
    """Without one nothing ticks, which has a check of its own."""
    with transaction(engine) as conn:
        conn.execute(sa.text(_SETTLED), {"days": 400})
    assert "retention" not in doctor.checks("--offline")


def test_a_connection_whose_deliveries_were_deleted_is_not_one_that_never_had_any(
    ingest: Ingest, doctor: Doctor, attended: None, engine: sa.Engine
) -> None:
    connection = connect_notion(ingest)
    told = {"id": connection}
    with transaction(engine) as conn:
        conn.execute(sa.text(_TOLD), told)
    found = doctor.checks("--offline")["notion 'Notes': deliveries"]
    assert found["said"] == "none is among the newest 100,000 of those that are kept"


_TOLD = "INSERT INTO lightfast_connection_facts VALUES (:id, gen_random_uuid(), 'a key')"


def test_refused_signatures_are_told_until_something_is_verified_or_a_secret_is_new(
    ingest: Ingest, doctor: Doctor, engine: sa.Engine
) -> None:
    id_ = with_token(ingest, TOKEN)
    check = "notion 'Notes': signature"
    record_unverified(engine, id_, "signed time x is more than 60 s ahead")
    assert doctor.checks("--offline")[check]["remedy"].startswith("timedatectl")
    record_unverified(engine, id_, "header x does not match")
    found = doctor.checks("--offline")[check]
    assert (found["state"], found["said"].endswith(": header x does not match")) == ("failed", True)
    assert f"ingest source credentials {id_} --webhook-secret-env VAR" in found["remedy"]
    assert doctor.checks("--offline")["notion 'Notes': state"]["state"] == "ok"
    ingest("source", "credentials", id_, "--webhook-secret-env", "SECRET", SECRET="another")
    assert check not in doctor.checks("--offline")


def test_the_room_for_the_data_of_one_machine_is_told() -> None:
    said = [look_at_data_dir("/data", free) for free in (0, 2**29, 2**40)]
    assert [one.state for one in said] == ["failed", "note", "ok"]
    assert said[0].remedy is not None
