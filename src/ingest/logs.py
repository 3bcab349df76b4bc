"""How processes speak: one set-up for all of them, on stderr, so that stdout holds data alone.

For eyes on a terminal, else a JSON object a line. Law: tracebacks are plain, since a renderer that
shows the values of variables shows secrets among them; what other libraries say passes the same
way, in their own words and no louder than a warning; and what nobody caught passes there too.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Sequence
from types import TracebackType

import structlog

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
DEFAULT_LEVEL = "info"

_TELLING = ("celery", "uvicorn")
"""Libraries that tell of a process's life. At `debug` they would tell what their messages hold."""
_ACCESS = "uvicorn.access"
"""A line for each request, query and all, which a stranger writes; a proxy has a better one."""
_MESSAGES = "celery.worker"
"""Its loggers show the whole of a message that they cannot use: a webhook's body and headers."""
_CONTENTS = re.compile(r"\s*(?:\n\nThe full contents of |\[type:%r|\. Task: %r)")
_SECRETS = (
    re.compile(r"(?P<before>://[^\s/@:\"']*:)[^\s\"']+(?=@)"),
    re.compile(r"(?P<before>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?P<before>\bpassword=)(?:'[^']*'|[^\s'\"&\\]+)", re.IGNORECASE),
)


Heard = structlog.types.Processor
"""Somebody who hears each line too, before it is rendered, and gives it back as it is."""


def set_up(level: str = DEFAULT_LEVEL, heard: Sequence[Heard] = ()) -> None:
    """Make this process speak so; an unknown level is the default one.

    stderr is looked up for each line, since it may be another one later. `heard`: who hears it too.
    """
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_stamps(), *heard, *_renderers()],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def take_over(level: str = DEFAULT_LEVEL, heard: Sequence[Heard] = ()) -> None:
    """Have the libraries of a process of ours speak in the same way, and with one voice.

    Not for a program that merely calls us: the standard library's logging is its own.
    """
    logging.raiseExceptions = False  # what cannot be formatted would be shown with its arguments
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(stderr_handler(heard))
    root.setLevel(logging.WARNING)
    for name in _TELLING:
        logging.getLogger(name).setLevel(max(_number(level), logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != _ACCESS
    logging.captureWarnings(True)
    _hear_what_nobody_caught()


def _hear_what_nobody_caught() -> None:
    """Where it would be printed as Python does it; whoever hears it already goes on hearing it."""
    log = structlog.get_logger(__name__)

    def of_a_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_type is not SystemExit:
            log.critical("uncaught_in_a_thread", exc_info=told.exc_value)

    def of_the_process(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
        else:
            log.critical("uncaught", exc_info=(kind, error, traceback))

    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = of_a_thread
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = of_the_process


def hide(line: str) -> str:
    """The line without passwords in URLs and without what an Authorization header holds.

    The last net under what never should have come here: a library's message that quotes them.
    """
    for secret in _SECRETS:
        line = secret.sub(r"\g<before>…", line)
    return line


class _Brief(logging.Filter):
    """Cuts off of what Celery says the contents of the message that it speaks of."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(_MESSAGES) and isinstance(record.args, tuple):
            said, *contents = _CONTENTS.split(record.msg, maxsplit=1)
            if contents:
                # The `repr` of what cannot be decoded holds it all.
                record.msg, record.args = said.replace("%r", "%s"), record.args[: said.count("%")]
        return True


class _Stderr(logging.Handler):
    """The stderr of the moment, a line for each record."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr is None:  # closed before the start
            return
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except (OSError, ValueError):  # closed: nobody is left to tell
            self.handleError(record)


def stderr_handler(heard: Sequence[Heard] = ()) -> logging.Handler:
    """What libraries' records pass through: the same lines as ours, with their logger's name."""
    handler = _Stderr()
    handler.addFilter(_Brief())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_stamps(), *heard],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(),
            ],
        )
    )
    return handler


def _stamps() -> Sequence[structlog.types.Processor]:
    return (
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    )


def _renderers() -> Sequence[structlog.types.Processor]:
    if sys.stderr is not None and sys.stderr.isatty():
        console = structlog.dev.ConsoleRenderer(
            exception_formatter=structlog.dev.plain_traceback,
        )
        return console, _hidden
    return structlog.processors.format_exc_info, structlog.processors.JSONRenderer(), _hidden


def _hidden(_logger: object, _name: str, line: object) -> str:
    return hide(str(line))


def _number(level: str) -> int:
    return LEVELS.get(level, LEVELS[DEFAULT_LEVEL])
