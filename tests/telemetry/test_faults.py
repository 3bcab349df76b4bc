"""Reports of faults: of what we did not foresee, without anybody's words, and never in a loop."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from ingest import logs
from ingest.core.errors import BadPayload, BadSettings
from ingest.core.secret import Secret
from ingest.settings import load
from ingest.telemetry.faults import AN_HOUR_S, EACH_S, MOST, FaultReports

PACKAGE = Path(__file__).parents[2] / "src" / "ingest"
DSN = "https://abcdef@faults.halcyon.invalid/7"
HIDDEN = "-".join(("hunter", "2"))


class Reports:
    """What would have been sent, and the clock by which that is bounded."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.now = 0.0
        reports = self

        class Capturing(Transport):
            def capture_envelope(self, envelope: Envelope) -> None:
                reports.sent.append(envelope.get_event())

        self.heard = FaultReports(Secret(DSN), transport=Capturing, clock=lambda: self.now)


@pytest.fixture
def reports(capsys: pytest.CaptureFixture[str]) -> Iterator[Reports]:
    made = Reports()
    logs.set_up(heard=[made.heard])
    yield made
    structlog.reset_defaults()


def fail(secret: str) -> None:
    raise ValueError(f"the payload says {secret}")


def also_fail(secret: str) -> None:
    raise ValueError(f"the payload says {secret} again")


def log_fault(doing: Callable[[str], None] = fail, **fields: object) -> None:
    try:
        doing(HIDDEN)
    except ValueError:
        structlog.get_logger("ingest.test").exception("delivery_failed_unexpectedly", **fields)


def test_a_fault_is_told_by_its_class_its_place_and_ids(
    reports: Reports, capsys: pytest.CaptureFixture[str]
) -> None:
    log_fault(delivery=17, source="linear", body=HIDDEN, headers={"authorization": HIDDEN})
    (event,) = reports.sent
    (fault,) = event["exception"]["values"]
    assert fault["type"] == "ValueError"
    assert fault["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["tags"] == {
        "event": "delivery_failed_unexpectedly",
        "delivery": "17",
        "source": "linear",
    }
    assert event["release"].startswith("lightfast-ingest@")
    assert HIDDEN not in str(event), "no message, no variable, no field"
    assert not event.keys() & {"breadcrumbs", "request", "user", "extra", "message", "logentry"}
    assert "vars" not in str(event)
    assert "ValueError" in capsys.readouterr().err, "the log says it as ever"


def test_what_was_foreseen_is_no_fault(reports: Reports) -> None:
    log = structlog.get_logger()
    log.error("sink_broke", kind="webhook")
    log.warning("page_put_off", exc_info=ValueError())
    log.error("listing_failed", source="linear", exc_info=BadPayload("issue.id", "is missing"))
    assert reports.sent == []


def test_nothing_is_told_about_what_a_sentry_sent(reports: Reports) -> None:
    """A report becomes an issue, the issue a webhook, and its fault would be the next report."""
    log_fault(source="sentry", delivery=1)
    assert reports.sent == []
    log_fault(source="github", delivery=2)
    assert len(reports.sent) == 1


def test_a_fault_is_told_once_in_ten_minutes_and_all_of_them_so_often_in_an_hour(
    reports: Reports,
) -> None:
    for delivery in range(50):
        log_fault(delivery=delivery, source="github")
    log_fault(also_fail, source="github")
    assert len(reports.sent) == 2, "another place is another fault"
    reports.now = EACH_S
    log_fault(source="github")
    assert len(reports.sent) == 3
    for number in range(2 * MOST):
        structlog.get_logger().error(f"fault_{number}", exc_info=ValueError())
    assert len(reports.sent) == MOST
    reports.now += AN_HOUR_S
    log_fault(source="github")
    assert len(reports.sent) == MOST + 1


def test_faults_that_a_library_tells_of_are_told_too(reports: Reports) -> None:
    """Celery says what a task raised, with the message and a traceback, and uvicorn a request's."""
    handler = logs.stderr_handler([reports.heard])
    try:
        fail(HIDDEN)
    except ValueError as error:
        told = (type(error), error, error.__traceback__)
        name, said = "celery.app.trace", f"Task raised: {HIDDEN}"
        handler.emit(logging.LogRecord(name, logging.ERROR, "", 0, said, (), told))
        handler.emit(logging.LogRecord(name, logging.WARNING, "", 0, said, (), told))
    (event,) = reports.sent
    assert event["tags"] == {"event": "celery.app.trace"}
    assert HIDDEN not in str(event)


def test_every_fault_of_a_source_says_which_so_that_none_begets_another() -> None:
    """Law: what a Sentry sent is known by the field `source`, so each line with an exception has
    it.
    """
    of_nobody = {"group_not_stored": "of many senders, and the database's"}
    told: dict[str, bool] = {}
    for path in (PACKAGE / "flows").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if getattr(node.func.value, "id", "") != "log" or not node.args:
                continue
            given = {one.arg for one in node.keywords}
            if node.func.attr == "exception" or "exc_info" in given:
                assert isinstance(node.args[0], ast.Constant)
                told[str(node.args[0].value)] = "source" in given
    assert len(told) >= 5
    assert {event for event, says in told.items() if not says} == set(of_nobody)


@pytest.mark.parametrize(
    "dsn", ["faults.halcyon.invalid", "https://halcyon.invalid/7", "https://k@halcyon.invalid/x"]
)
def test_a_dsn_that_is_none_is_a_wrong_setting_and_is_not_quoted(dsn: str) -> None:
    with pytest.raises(BadSettings, match="INGEST_SENTRY_DSN is no DSN") as caught:
        load({"INGEST_SENTRY_DSN": dsn})
    assert "halcyon" not in str(caught.value)
    assert DSN not in repr(load({"INGEST_SENTRY_DSN": DSN}))
