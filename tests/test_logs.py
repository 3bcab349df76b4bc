"""What processes write to stderr."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import structlog

from ingest import logs
from ingest.core.errors import BadSettings
from ingest.core.secret import Secret
from ingest.settings import Settings, load


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def _stderr_as(stream: io.StringIO) -> Iterator[None]:
    standing, sys.stderr = sys.stderr, stream
    try:
        logs.set_up()
        yield
    finally:
        structlog.reset_defaults()
        sys.stderr = standing


def _fail(secret: str) -> None:
    raise ValueError(f"a secret of {len(secret)} characters")


@pytest.mark.parametrize("stream", [_Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_a_logged_fault_shows_no_variables(stream: io.StringIO) -> None:
    """Bug: on a terminal the traceback showed every local variable, secrets and bodies too."""
    hidden = "-".join(("hunter", "2"))
    with _stderr_as(stream):
        try:
            _fail(hidden)
        except ValueError:
            structlog.get_logger().exception("fault")
    assert "ValueError" in stream.getvalue()
    assert hidden not in stream.getvalue()


@pytest.mark.parametrize("stream", [_Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_what_a_library_logs_passes_the_same_way(stream: io.StringIO) -> None:
    """Bug: receiver, worker and fetcher spoke with the defaults of three libraries."""
    hidden = "-".join(("hunter", "2"))
    handler = logs.stderr_handler  # what `take_over` gives the root logger
    with _stderr_as(stream):
        record = logging.LogRecord("kombu", logging.ERROR, __file__, 1, "no %s", ("luck",), None)
        try:
            _fail(hidden)
        except ValueError:
            record.exc_info = sys.exc_info()
        handler().handle(record)
    said = stream.getvalue()
    assert "no luck" in said
    assert "ValueError" in said
    assert hidden not in said


def test_a_line_is_a_json_object_where_nobody_reads_it() -> None:
    stream = io.StringIO()
    with _stderr_as(stream):
        structlog.get_logger().warning("something", number=1)
        logs.stderr_handler().handle(
            logging.LogRecord("celery", logging.INFO, __file__, 1, "ready", (), None)
        )
    ours, theirs = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["number"]) == ("something", "warning", 1)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("ready", "info", "celery")


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("redis://:pass-1@host:6379/0 is away", "redis://:…@host:6379/0 is away"),
        ("amqp://user:pa:ss@host//", "amqp://user:…@host//"),
        ("sent Authorization: Bearer abc.def-123456", "sent Authorization: Bearer …"),
        ("{'authorization': 'Basic dXNlcjpwYXNz'}", "{'authorization': 'Basic …'}"),
        ("a basic idea", "a basic idea"),
        ("https://example.com/a:b@c is a path", "https://example.com/a:b@c is a path"),
    ],
)
def test_what_a_library_quotes_of_credentials_is_hidden(line: str, kept: str) -> None:
    assert logs.hide(line) == kept


def test_a_secret_shows_itself_nowhere_but_where_a_text_is_written() -> None:
    secret = Secret("hunter-2")
    assert secret == "hunter-2"
    assert "hunter" not in repr([secret, {"token": secret}])
    assert "hunter" not in repr(replace(Settings(), secret_keys=("hunter-2",)))
    assert "hunter" not in f"{secret!r}"


def test_an_unknown_level_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadSettings, match="INGEST_LOG_LEVEL is 'loud'; give one of debug, info"):
        load({"INGEST_LOG_LEVEL": "loud"})
    assert load({"INGEST_LOG_LEVEL": "Warning"}).log_level == "warning"
