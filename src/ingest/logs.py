"""How processes speak: structured lines on stderr, so that stdout holds data and nothing else."""

from __future__ import annotations

import logging
import sys

import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def to_stderr(level: str = "info") -> None:
    """Send structured logs to stderr: for eyes on a terminal, else a JSON object a line.

    stderr is looked up for each line, since it may be another one later. Tracebacks are plain: the
    console's own would show the values of variables, and secrets among them.
    """
    for_eyes = sys.stderr.isatty()
    renderers: list[structlog.types.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if for_eyes
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
