"""`--create-webhook` and `ingest source doctor`: what providers are told, and what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.vault import Vault
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.registry import all_sources
from ingest.sources.sentry.demo.fake import Sentry
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.store import connections, credentials
from ingest.store.engine import transaction
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from ingest.testing.sample import sample_of
from tests.cli.conftest import SECRET_KEY, Ingest, Ran
from tests.factories import OURS

pytestmark = pytest.mark.integration

PUBLIC = "https://ingest.example.test/hooks"
MAKE = sorted(OURS & {name for name, one in all_sources().items() if one.subscribe} - {"sentry"})
"""Sources whose API makes webhooks from nothing."""


@contextmanager
def _served(source_type: str) -> Iterator[Fake]:
    sample = sample_of(source_type)
    assert sample is not None
    assert sample.provider is not None
    with serving(sample.provider()) as fake:
        yield fake


def _connect(ingest: Ingest, source_type: str, *more: str, **environ: str) -> Ran:
    sample = sample_of(source_type)
    assert sample is not None
    ingest("store", "create", "docs")
    told = ("--store", "docs", "--name", "it", "--metadata", json.dumps(sample.connection))
    return ingest("source", "connect", source_type, *told, *more, **environ)


def _environ(fake: Fake, source_type: str) -> dict[str, str]:
    return {f"INGEST_{source_type.upper()}_API_URL": fake.url, "TOKEN": fake.provider.token}


def _secrets(engine: sa.Engine, connection: str) -> list[str]:
    with transaction(engine) as conn:
        kind = credentials.WEBHOOK_SECRET
        return [*credentials.read(conn, Vault([SECRET_KEY]), connection, kind)]


def _checks(ran: Ran, check: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(ran.out)["checks"] if one["check"].endswith(check)]


TOKEN = ("--token-env", "TOKEN")
CREATE = (*TOKEN, "--create-webhook", f"{PUBLIC}/")


@pytest.mark.parametrize("source_type", MAKE)
def test_a_webhook_is_made_whose_secret_is_ours_and_stands_in_no_word(
    ingest: Ingest, engine: sa.Engine, source_type: str
) -> None:
    with _served(source_type) as fake:
        environ = _environ(fake, source_type)
        ran = _connect(ingest, source_type, *CREATE, "--json", **environ)
        made = ran.json
        assert made["webhook_url"] == f"{PUBLIC}/webhooks/{source_type}/{made['id']}"
        assert made["webhook_id"]
        shown = ingest("source", "show", made["id"], "--json").json
        assert shown["secrets"] == {"api_token": 1, "webhook_secret": 1}
        field = all_sources()[source_type].subscription_field
        assert shown["metadata"][field] == made["webhook_id"]
        (secret,) = _secrets(engine, made["id"])
        asked = [ask for ask in fake.requests if ask.method != "GET"]
        told = json.dumps([ask.body for ask in asked], default=str)
        assert made["webhook_url"] in told
        looked = ingest("source", "doctor", made["id"], "--json", **environ)
        assert looked.json["well"], looked.out
        assert _checks(looked, ": subscription")
        said = "".join(one.out + one.err for one in (ran, looked))
        assert secret not in said
        assert fake.provider.token not in said


@pytest.mark.parametrize("source_type", MAKE)
def test_where_none_can_be_made_the_connection_stays_and_is_mended_later(
    ingest: Ingest, source_type: str
) -> None:
    with _served(source_type) as fake:
        environ = _environ(fake, source_type)
        fake.troubles = [Trouble(Answer(503, {}), times=10_000)]
        ran = _connect(ingest, source_type, *CREATE, **environ)
        assert ran.code == 1
        id_ = ran.out.strip()
        assert "The source is connected, and its webhook is not made: " in ran.err
        assert f"ingest source doctor {id_} --fix" in ran.err
        fake.troubles = []
        looked = ingest("source", "doctor", id_, "--json", **environ)
        assert looked.code == 1
        first = _checks(looked, ": subscription")[0]
        assert first["said"] == "it was begun to be made, and nobody knows how that ended"
        assert first["remedy"] == f"ingest source doctor {id_} --fix"
        fixed = ingest("source", "doctor", id_, "--fix", "--json", **environ)
        assert fixed.json["well"], fixed.out
        listed = ingest("source", "credentials", id_, "--list", "--json").json
        secrets = [one for one in listed if one["kind"] == "webhook_secret"]
        assert [one["expires_at"] is None for one in secrets].count(True) == 1


def test_a_run_that_waits_goes_on_after_another_webhook(ingest: Ingest) -> None:
    """Which subscription it is says nothing of what the connection wants."""
    with _served("vercel") as fake:
        environ = _environ(fake, "vercel")
        made = _connect(ingest, "vercel", *CREATE, "--json", **environ).json
        assert made["backfill"]
        before = ingest("source", "show", made["id"], "--json").json["metadata"]
        fake.provider.hooks.made.clear()  # type: ignore[attr-defined]
        ingest("source", "doctor", made["id"], "--fix", **environ)
        shown = ingest("source", "show", made["id"], "--json").json
        assert shown["metadata"]["webhookId"] != before["webhookId"]
        assert shown["secrets"]["webhook_secret"] == 2
        assert [run["state"] for run in shown["syncs"]] == ["waiting"]


def test_where_the_api_makes_none_a_person_is_told_what_to_click(ingest: Ingest) -> None:
    ran = _connect(ingest, "notion", "--create-webhook", PUBLIC, "--json")
    made = ran.json
    assert made["webhook_id"] is None
    assert made["webhook_url"] in made["webhook_by_hand"]
    assert made["webhook_by_hand"] in ran.err
    looked = ingest("source", "doctor", made["id"], "--json")
    (one,) = _checks(looked, ": subscription")
    assert (one["state"], made["webhook_url"] in one["remedy"]) == ("note", True)


def test_without_a_token_nothing_is_connected(ingest: Ingest) -> None:
    ran = _connect(ingest, "linear", "--create-webhook", PUBLIC)
    assert (ran.code, ran.out) == (2, "")
    assert "Linear is asked for a webhook by its API; give a token: --token-env VAR" in ran.err
    assert ingest("source", "list", "--json").json == []


@pytest.mark.parametrize(
    "url",
    [
        "ingest.example.test",
        "ftp://ingest.example.test",
        "https://",
        "https://me:word@ingest.example.test",
        "https://ingest.example.test/?a=b",
        "https://ingest.example.test/a b",
        "https://ingest.example.test:0",
    ],
)
def test_what_is_no_public_url_is_wrong_use_and_is_not_quoted(ingest: Ingest, url: str) -> None:
    ran = _connect(ingest, "linear", *TOKEN, "--create-webhook", url, TOKEN="lin_api_of_nobody")
    assert (ran.code, ran.out) == (2, "")
    assert "that is no public URL of this installation" in ran.err
    assert "word" not in ran.err
    assert ingest("source", "list", "--json").json == []


def test_what_is_wrong_at_the_provider_is_found_and_put_right(ingest: Ingest) -> None:
    with _served("linear") as fake:
        linear = fake.provider
        assert isinstance(linear, Linear)
        environ = _environ(fake, "linear")
        made = _connect(ingest, "linear", *CREATE, "--json", **environ).json
        linear.hooks.all[made["webhook_id"]]["enabled"] = False
        looked = ingest("source", "doctor", made["id"], **environ)
        assert looked.code == 1
        wrong = [line for line in looked.out.splitlines() if line.startswith("FAILED")]
        assert len(wrong) == 1
        assert wrong[0].endswith(f": ingest source doctor {made['id']} --fix")
        fixed = ingest("source", "doctor", made["id"], "--fix", **environ)
        assert fixed.code == 0, fixed.out
        assert fixed.out.startswith("ok          linear 'it': fix: mended")
        again = ingest("source", "doctor", made["id"], "--fix", **environ)
        assert "there is nothing to put right" in again.out


def test_who_may_not_see_webhooks_is_told_and_the_connection_goes_on(ingest: Ingest) -> None:
    with _served("zendesk") as fake:
        account = fake.provider
        assert isinstance(account, Zendesk)
        environ = _environ(fake, "zendesk")
        made = _connect(ingest, "zendesk", *CREATE, "--json", **environ).json
        account.hooks.may_manage = False
        looked = ingest("source", "doctor", made["id"], "--json", **environ)
        assert looked.json["well"], looked.out
        (one,) = _checks(looked, ": subscription")
        assert one["said"].startswith("it cannot be seen with this token: ")
        assert ingest("source", "show", made["id"], "--json").json["status"] == "configured"


def test_a_webhook_made_by_hand_is_looked_at_once_it_is_known_where_we_are(
    ingest: Ingest, engine: sa.Engine
) -> None:
    """And what its provider calls the connection is what it stands for from then on."""
    with _served("sentry") as fake:
        sentry = fake.provider
        assert isinstance(sentry, Sentry)
        environ = _environ(fake, "sentry")
        secret = ("--webhook-secret-env", "SECRET")
        ran = _connect(ingest, "sentry", *TOKEN, *secret, **environ, SECRET="of a person's own")
        id_ = ran.out.strip()
        url = f"{PUBLIC}/webhooks/sentry/{id_}"
        (unknown,) = _checks(ingest("source", "doctor", id_, "--json", **environ), ": subscription")
        assert unknown["remedy"] == f"ingest source doctor {id_} --url https://…"
        missing = ingest("source", "doctor", id_, "--fix", **environ)
        assert (missing.code, "give --url URL" in missing.err) == (2, True)
        sentry.applications.put("ingest", webhookUrl=url)
        found = ingest("source", "doctor", id_, "--url", PUBLIC, "--json", **environ)
        assert any(one["state"] == "failed" for one in _checks(found, ": subscription"))
        fixed = ingest("source", "doctor", id_, "--fix", "--json", **environ)
        assert fixed.json["well"], fixed.out
        assert _secrets(engine, id_) == ["of a person's own"]
        with transaction(engine) as conn:
            tenants = connections.by_tenant(conn, "sentry", ["installation:installation-ingest"])
        assert [one.id for one in tenants["installation:installation-ingest"]] == [id_]


def test_the_check_up_of_all_asks_about_subscriptions_unless_it_is_offline(
    ingest: Ingest, broker_url: str
) -> None:
    assert ingest("db", "upgrade").code == 0
    with _served("linear") as fake:
        environ = {**_environ(fake, "linear"), "CELERY_BROKER_URL": broker_url}
        _connect(ingest, "linear", *CREATE, **environ)
        found = ingest("doctor", "--json", **environ)
        assert len(_checks(found, ": subscription")) >= 4
        fake.requests.clear()
        offline = ingest("doctor", "--offline", "--json", **environ)
        assert (_checks(offline, ": subscription"), fake.requests) == ([], [])
