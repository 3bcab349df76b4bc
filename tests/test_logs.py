"""What processes write to stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from ingest import logs


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def _stderr_as(stream: io.StringIO) -> Iterator[None]:
    standing, sys.stderr = sys.stderr, stream
    try:
        logs.to_stderr()
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
