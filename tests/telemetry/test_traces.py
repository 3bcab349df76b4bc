"""One trace from the request to the row, over the queue; and none where nobody asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from ingest.core.errors import BadSettings, Unavailable
from ingest.core.tracing import OFF, TRACEPARENT, Tracer
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.secrets import ConnectionSecrets, Keyring, Secrets
from ingest.flows.syncs.control import sync_connection
from ingest.flows.syncs.drain import drain_pages
from ingest.store.deliveries import Arrival
from ingest.store.engine import transaction
from ingest.telemetry import otel
from ingest.telemetry.tracing import close, tracer_for
from ingest.web import create_app
from tests.factories import SECRET, connect, signed
from tests.flows.asking_notion import event, office
from tests.web.running import program, served

ISSUE: Mapping[str, Any] = {
    "action": "opened",
    "repository": {"id": 1, "name": "web", "full_name": "halcyon/web", "private": True},
    "installation": {"id": 7},
}
STRANGERS = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"


class Spans:
    """What was recorded, and the tracer that records it."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer: Tracer = otel.recording(SimpleSpanProcessor(self._exporter), service="test")

    def named(self, name: str) -> list[ReadableSpan]:
        return [one for one in self._exporter.get_finished_spans() if one.name == name]

    def everything(self) -> str:
        """All that leaves, in one text."""
        return "".join(one.to_json() for one in self._exporter.get_finished_spans())


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    yield made
    close(made.tracer)


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format_trace_id(span.context.trace_id)


def span_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format_span_id(span.context.span_id)


def told(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


@pytest.mark.integration
def test_one_trace_goes_from_the_request_over_the_queue_to_the_row(
    engine: sa.Engine, database_url: str, spans: Spans
) -> None:
    connection = connect(engine, "github")
    parts = program(database_url)
    parts.__dict__["tracer"] = spans.tracer
    body = json.dumps(ISSUE).encode()
    with served(create_app(parts, publish=lambda _: None)) as port:
        url = f"http://127.0.0.1:{port}/webhooks/github/{connection}"
        sent = {**signed("github", body), TRACEPARENT: STRANGERS}
        wrong = {**sent, **signed("github", body, "another secret")}
        assert httpx.post(url, content=body, headers=wrong, trust_env=False).status_code == 401
        assert spans.named("receive") == [], "a stranger begins none"
        answer = httpx.post(url, content=body, headers=sent, trust_env=False)
        assert answer.status_code == 200
        drain_deliveries(engine, go_on=lambda: True, threads=1, tracer=spans.tracer)
    (received,), (settled,), (batch,) = map(spans.named, ("receive", "settle", "batch"))
    assert received.parent is None
    assert settled.parent is not None
    assert trace_of(settled) == trace_of(received)
    assert format_span_id(settled.parent.span_id) == span_of(received)
    assert told(received) == {
        "ingest.source": "github",
        "ingest.delivery": answer.json()["delivery"],
        "ingest.outcome": "accepted",
    }
    assert told(settled)["ingest.delivery"] == answer.json()["delivery"]
    assert told(settled)["ingest.outcome"] in {"processed", "skipped", "dead"}
    (link,) = batch.links
    assert format_span_id(link.context.span_id) == span_of(received)
    assert trace_of(batch) != trace_of(received), "a batch has many parents"
    assert "abab" not in spans.everything(), "nobody goes on with a stranger's trace"
    assert "halcyon" not in spans.everything(), "nothing of a payload is told"
    with transaction(engine) as conn:
        query = sa.text("SELECT headers FROM lightfast_webhook_deliveries")
        headers = conn.execute(query).scalar_one()
    assert headers[TRACEPARENT].startswith(f"00-{trace_of(received)}-{span_of(received)}-")


@pytest.mark.integration
def test_a_look_up_is_in_the_trace_of_the_delivery_that_waits_for_it(
    engine: sa.Engine, spans: Spans
) -> None:
    with office(engine) as desk:
        desk.write("Runbook", "Turn it off and on.")
        kinds = ("page.created", "page.content_updated")
        first, second = sorted(desk.deliver(*(event(kind, "Runbook") for kind in kinds)))
        for id_, digit in ((first, "1"), (second, "2")):
            begin_trace(engine, id_, digit)
        drain_deliveries(engine, go_on=lambda: True, threads=1, tracer=spans.tracer)
        with transaction(engine) as conn:
            conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
        turns = iter(range(3))
        drain_lookups(
            engine,
            desk.clients,
            go_on=lambda: next(turns, None) is not None,
            tracer=spans.tracer,
        )
        assert desk.delivery(first)[0] == "processed"
    assert {told(one)["ingest.outcome"] for one in spans.named("settle")} == {"waits"}
    (look_up,) = spans.named("look up")
    assert trace_of(look_up) == "1" * 32
    assert [format_trace_id(one.context.trace_id) for one in look_up.links] == ["2" * 32]
    assert told(look_up)["ingest.source"] == "notion"
    assert told(look_up)["ingest.outcome"] == "seen"
    assert "Turn it off" not in spans.everything()


@pytest.mark.integration
def test_a_page_of_a_sync_run_is_a_span(engine: sa.Engine, spans: Spans) -> None:
    with office(engine) as desk:
        desk.write("Runbook", "Turn it off and on.")
        run = sync_connection(engine, desk.connection, kind="full", asked_by="a test")
        turns = iter(range(4))
        drain_pages(
            engine,
            desk.clients,
            go_on=lambda: next(turns, None) is not None,
            tracer=spans.tracer,
        )
    pages = spans.named("sync page")
    assert pages
    assert {told(one)["ingest.run"] for one in pages} == {run}
    assert {told(one)["ingest.source"] for one in pages} == {"notion"}


@pytest.mark.parametrize("parent", [STRANGERS, "no traceparent", None])
def test_whoever_hands_a_delivery_over_has_his_trace_continued(
    spans: Spans, parent: str | None
) -> None:
    kept: list[Arrival] = []
    keyring = Keyring(lambda ids: {"c": ConnectionSecrets("github", Secrets((SECRET,)))}, {})

    def insert(arrivals: Any) -> list[tuple[int, bool]]:
        kept.extend(arrivals)
        return [(5, True)]

    headers = {**signed("github", b"{}"), **({} if parent is None else {TRACEPARENT: parent})}
    incoming = Incoming("github", "c", headers, b"{}", datetime.now(UTC))
    Intake(keyring, insert, lambda: None, 100, tracer=spans.tracer).take(incoming)
    Intake(keyring, insert, lambda: None, 100).take(incoming)
    (received,) = spans.named("receive")
    assert (trace_of(received) == "ab" * 16) is (parent == STRANGERS)
    traced, untraced = (json.loads(one.headers) for one in kept)
    assert traced[TRACEPARENT].startswith(f"00-{trace_of(received)}-{span_of(received)}-")
    assert TRACEPARENT not in untraced, "without traces nothing of it is kept"


def test_of_an_exception_its_class_is_told_and_no_word(spans: Spans) -> None:
    with pytest.raises(Unavailable), spans.tracer.span("batch"):
        raise Unavailable("of customer Halcyon nothing can be stored")
    (failed,) = spans.named("batch")
    assert (failed.status.is_ok, failed.status.description) == (False, "Unavailable")
    assert "Halcyon" not in spans.everything()


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("wanted", "environ", "is_on"),
    [
        (None, {}, False),
        (None, ENDPOINT, True),
        (True, {}, True),
        (False, ENDPOINT, False),
        (True, {"OTEL_SDK_DISABLED": "true"}, False),
        (True, {"OTEL_TRACES_EXPORTER": "none"}, False),
        (True, {"OTEL_TRACES_EXPORTER": "console"}, True),
    ],
)
def test_traces_are_on_where_somebody_says_where_to(
    wanted: bool | None, environ: Mapping[str, str], *, is_on: bool
) -> None:
    made = tracer_for(wanted, environ, service="test")
    assert (made is not OFF) is is_on
    close(made)


def test_an_exporter_that_is_not_installed_is_a_wrong_setting() -> None:
    with pytest.raises(BadSettings, match="carrier_pigeon"):
        tracer_for(True, {"OTEL_TRACES_EXPORTER": "carrier_pigeon"}, service="test")


def begin_trace(engine: sa.Engine, delivery: int, digit: str) -> None:
    """As if its request had been traced."""
    traceparent = f"00-{digit * 32}-{digit * 16}-01"
    with transaction(engine) as conn:
        conn.execute(
            sa.text(
                "UPDATE lightfast_webhook_deliveries"
                " SET headers = headers || jsonb_build_object('traceparent', CAST(:t AS text))"
                " WHERE id = :id"
            ),
            {"id": delivery, "t": traceparent},
        )
