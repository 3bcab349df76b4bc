"""How the installation for the commands of the pages grows: a schema, a store, and all the rest.

By command where a person does it so, by what workers and providers do elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from ingest.cli.stores import DEFAULT_OWNER
from ingest.core.values import JSON
from ingest.demo.story import in_order_of_arrival
from ingest.embedded.processes import wait_until
from ingest.flows.receiving.messages import from_call
from ingest.sources.github.demo.fake import GitHub
from ingest.sources.registry import source
from ingest.sources.sentry.demo.fake import Sentry
from ingest.sources.vercel.demo.fake import Vercel
from ingest.store import lookup_admin, queue_admin
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake
from ingest.testing.sample import Sample, SampleDelivery, all_samples
from ingest.testing.signing import request
from ingest.wiring import Program, program
from tests.docs.endings import BEGUN, EMPTY, GROWN
from tests.docs.pages import ROOT
from tests.docs.working import run_command, work_off
from tests.factories import SECRET
from tests.sinks.hook import SECRET as SIGNING

STORE, PUBLIC = "docs", "https://ingest.example.test"
"""As the pages call theirs, and where its providers reach it."""
WORDS: Mapping[str, str] = {
    "store": STORE,
    "organization": DEFAULT_OWNER,
    "consumer": "embedder",
    "sink": "index",
    "process": "web",
    "labels": str(ROOT / "tests" / "labels" / "dev.jsonl"),
    "archive": "archive",
    "new": "new",
    "report": "report.jsonl",
    "made": "acme",
}
"""What is called so from the beginning."""
SETTLE_S = 60.0
_RUNS = sa.text("SELECT count(*) FROM lightfast_sync_runs WHERE finished_at IS NULL")
_STOP = (
    "UPDATE lightfast_sync_runs SET state = 'stopped', plan = '{}' WHERE id = CAST(:id AS bigint)",
    "INSERT INTO lightfast_sync_seen SELECT CAST(:id AS bigint), identity "
    "FROM lightfast_document_ledger LIMIT 1 ON CONFLICT DO NOTHING",
)


def _said(environ: Mapping[str, str], *argv: str, **more: str) -> str:
    """What a command prints that went well."""
    ran = run_command(argv, {**environ, **more})
    assert ran.code == 0, (argv, ran)
    return ran.out.strip()


def _upgrade(environ: Mapping[str, str], _: Mapping[str, Fake], __: dict[str, str]) -> None:
    _said(environ, "db", "upgrade")


def _begin(environ: Mapping[str, str], _: Mapping[str, Fake], __: dict[str, str]) -> None:
    _said(environ, "store", "create", STORE)


def _grow(environ: Mapping[str, str], fakes: Mapping[str, Fake], words: dict[str, str]) -> None:
    _add_what_pages_connect(fakes)
    parts = program(environ)
    for sample in all_samples():
        words[sample.source_type] = _connect(environ, sample, fakes)
    _integrate(fakes["sentry"], words["sentry"])
    for sample, delivery in in_order_of_arrival(all_samples()):
        _send(parts, words[sample.source_type], sample, delivery)
    _settle(parts)
    words |= _documents(environ)
    words["delivery"] = _die(parts, words["github"])
    words |= {"ended": "1", "stopped": _stop(parts, environ, words["linear"])}
    _said(environ, "sync", words["github"], "--full")
    words["waiting"] = _newest(environ, "sync")
    _said(environ, "reprocess", "--what", "deliveries")
    words["reprocess"] = _newest(environ, "reprocess")
    words["position"] = _told(environ)
    parts.clients.close()
    parts.close()


def _settle(parts: Program) -> None:
    """Until no delivery, look-up or sync run is on its way."""

    def is_over() -> bool:
        work_off(parts)
        with transaction(parts.engine) as conn:
            runs: int = conn.execute(_RUNS).scalar_one()
            return not (runs or queue_admin.unfinished(conn)[0] or lookup_admin.unfinished(conn)[0])

    assert wait_until(is_over, seconds=SETTLE_S)


def _add_what_pages_connect(fakes: Mapping[str, Fake]) -> None:
    github, vercel = fakes["github"].provider, fakes["vercel"].provider
    assert isinstance(github, GitHub)
    assert isinstance(vercel, Vercel)
    github.add(101, "acme/web")
    vercel.put_team("team_1", "acme")
    vercel.put_project("prj_1", "web", "team_1")


def _integrate(fake: Fake, connection: str) -> None:
    """Sentry's integrations are made by a person."""
    assert isinstance(fake.provider, Sentry)
    route = f"{PUBLIC}/webhooks/sentry/{connection}"
    applications = fake.provider.applications
    applications.put("ingest", webhookUrl=route, events=["comment", "issue"])
    applications.installations.clear()
    sample = next(one for one in all_samples() if one.source_type == "sentry")
    applications.install("ingest", str(sample.connection["webhookId"]))


def _documents(environ: Mapping[str, str]) -> dict[str, str]:
    """The story's ticket, what fixed it, a file."""
    rows = json.loads(_said(environ, "docs", "list", "--limit", "200", "--json"))
    issue = next(row for row in rows if (row["source_type"], row["kind"]) == ("linear", "issue"))
    pull = next(row for row in rows if row["kind"] == "pull_request")
    file = next(row for row in rows if row["kind"] == "file")
    keys = {"key": issue["source_id"], "file": file["source_id"]}
    return {"document": issue["id"], "other": pull["id"], **keys}


def _die(parts: Program, connection: str) -> str:
    """A delivery that lacks what it needs; its id."""
    sample = next(one for one in all_samples() if one.source_type == "github")
    headers = {"x-github-event": "issues", "x-github-delivery": "one-that-dies"}
    tenant: JSON = {"id": 730400001, "full_name": "brindle-ferries/departures"}
    payload: dict[str, JSON] = {"action": "opened", "repository": tenant, "issue": {"id": 1}}
    return _send(parts, connection, sample, SampleDelivery(0, "", headers, payload))


def _stop(parts: Program, environ: Mapping[str, str], connection: str) -> str:
    """A full run that stopped, and asks; its id."""
    _said(environ, "sync", connection, "--full")
    _settle(parts)
    run_id = _newest(environ, "sync")
    with transaction(parts.engine) as conn:
        for statement in _STOP:
            conn.execute(sa.text(statement), {"id": run_id})
    return run_id


def _newest(environ: Mapping[str, str], noun: str) -> str:
    return str(json.loads(_said(environ, noun, "list", "--json"))[0]["id"])


def _told(environ: Mapping[str, str]) -> str:
    """A consumer and a sink, and a position of the change feed."""
    _said(environ, "changes", "--consumer", "embedder", "--json")
    hook = ("--webhook", "https://index.example.com/changes", "--secret-env", "SIGNING")
    _said(environ, "changes", "sink", "add", "index", *hook, SIGNING=SIGNING)
    first, *_ = _said(environ, "changes", "--json").splitlines()
    return str(json.loads(first)["position"])


def _connect(environ: Mapping[str, str], sample: Sample, fakes: Mapping[str, Fake]) -> str:
    told = ["--store", STORE, "--name", sample.name, "--metadata", json.dumps(sample.connection)]
    told += ["--webhook-secret-env", "SECRET", "--token-env", "TOKEN"]
    if source(sample.source_type).subscribe and sample.source_type != "sentry":
        told += ["--create-webhook", PUBLIC]
    given = {"SECRET": SECRET, "TOKEN": fakes[sample.source_type].provider.token}
    return _said(environ, "source", "connect", sample.source_type, *told, **given)


def _send(parts: Program, connection: str, sample: Sample, delivery: SampleDelivery) -> str:
    now, scheme = datetime.now(UTC), source(sample.source_type).descriptor.scheme
    sent = request(scheme, delivery.headers, delivery.payload, secret=SECRET, sent_at=now)
    incoming = from_call(sample.source_type, sent.headers, sent.body, connection, now=now)
    return str(parts.intake(lambda: None).take(incoming).id)


GROWING: Mapping[str, Callable[[Mapping[str, str], Mapping[str, Fake], dict[str, str]], None]] = {
    EMPTY: _upgrade,
    BEGUN: _begin,
    GROWN: _grow,
}
"""By the state that comes of it, each upon the one before; ids are added to the words."""
