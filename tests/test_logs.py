"""What processes write to stderr."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import structlog
from celery.worker.consumer import consumer

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
        ("amqp://user:p@ss@host//", "amqp://user:…@host//"),
        ("host=db password=pass-1 port=5432", "host=db password=… port=5432"),
        ("host=db password='pass 1' port=5432", "host=db password=… port=5432"),
        ("?user=a&password=pass-1&x=1", "?user=a&password=…&x=1"),
        ("a basic idea", "a basic idea"),
        ("no password is given", "no password is given"),
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


def test_what_celery_says_of_a_message_is_said_without_the_message() -> None:
    """Bug: a task that is not known was logged with its arguments, a webhook's body among them."""
    hidden = "-".join(("hunter", "2"))
    told: dict[str, str] = vars(consumer)
    undecodable = UnicodeDecodeError("utf-8", hidden.encode(), 0, 1, "junk")
    templates: tuple[tuple[str, tuple[object, ...], str], ...] = (
        (told["UNKNOWN_TASK_ERROR"], ("nope", hidden, hidden, hidden), "task of type nope"),
        (told["UNKNOWN_FORMAT"], (hidden,), "unknown message"),
        (told["INVALID_TASK_ERROR"], ("no id", hidden), "invalid task message: no id"),
        (
            told["MESSAGE_DECODE_ERROR"],
            (undecodable, hidden, hidden, hidden, hidden),
            "Can't decode message body: 'utf-8' codec",
        ),
        (
            "Couldn't convert ETA %r to timestamp: %r. Task: %r",
            ("x", "y", hidden),
            "Couldn't convert ETA x",
        ),
    )
    for template, filled, kept in templates:
        stream = io.StringIO()
        record = logging.LogRecord("celery.worker.x", logging.ERROR, "", 1, template, filled, None)
        with _stderr_as(stream):
            logs.stderr_handler().handle(record)
        said = json.loads(stream.getvalue())["event"]
        assert kept in said
        assert hidden not in said


UNCAUGHT = """
import sys, threading, warnings
from ingest import logs
logs.set_up()
logs.take_over()
def fail():
    hidden = "-".join(("hunter", "2"))
    raise ValueError(f"redis://:{hidden}@host/0")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
warnings.warn("redis://:" + "-".join(("hunter", "2")) + "@host is old")
fail()
"""


def test_what_nobody_caught_passes_the_same_way() -> None:
    """Bug: a thread's end, the process's and a warning were printed past the logs, as they were."""
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT], capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    events = [str(line["event"]) for line in lines]
    assert (done.returncode, events[0], events[-1]) == (1, "uncaught_in_a_thread", "uncaught")
    assert "is old" in events[1]
    assert all("ValueError" in line["exception"] for line in (lines[0], lines[-1]))
    assert "hunter" not in done.stderr
