"""Reports faults of ours to a Sentry, where INGEST_SENTRY_DSN names one; off otherwise.

Law: of a fault the class, the place and the ids are told. No message of an exception, no variable,
no header and no payload: any of them may quote what a customer wrote. Nothing is told of a fault in
the handling of what a Sentry sent: it may be about such a report, and would beget the next one. No
fault is told more often than once in EACH_S, and no more than MOST in an hour.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from ingest.core.errors import BadSettings, IngestError
from ingest.core.secret import Secret

if TYPE_CHECKING:
    from sentry_sdk import Client
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event

EACH_S, MOST, AN_HOUR_S = 600.0, 60, 3600.0
FLUSH_S = 2.0
"""A process that ends of a fault waits so long for its report."""
NEVER = frozenset({"sentry"})
"""Sources of whose deliveries nothing is reported."""
_TOLD = ("source", "delivery", "deliveries", "kind", "run", "resource", "connection")
"""Of a line's fields those that are told: ids and kinds of ours."""
_LEVELS = frozenset({"error", "critical"})


def require(dsn: Secret | None) -> None:
    """Raise `BadSettings` where reports are asked for and cannot be sent; loads nothing."""
    if dsn is not None and find_spec("sentry_sdk") is None:
        raise BadSettings(
            "INGEST_SENTRY_DSN is set and sentry-sdk is not installed; pip install "
            "'lightfast-ingest[sentry]', or unset it"
        )


@dataclass(slots=True)
class _Quota:
    """How often faults may be told. For several threads."""

    clock: Callable[[], float]
    _last: dict[tuple[str, ...], float] = field(default_factory=dict)
    _told: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, fault: tuple[str, ...]) -> bool:
        with self._lock:
            now = self.clock()
            while self._told and now - self._told[0] >= AN_HOUR_S:
                self._told.popleft()
            if now - self._last.get(fault, -EACH_S) < EACH_S or len(self._told) >= MOST:
                return False
            if len(self._last) >= MOST:
                self._last.clear()
            self._last[fault] = now
            self._told.append(now)
            return True


class FaultReports:
    """A processor of structlog's, before what renders: it sends, and changes nothing.

    dsn: where to. transport: how, for tests; by default the library's, in a thread of its own that
    waits for nobody. clock: monotonic, in seconds. The library is loaded with the first report, in
    the process that makes it.
    """

    def __init__(
        self,
        dsn: Secret,
        *,
        transport: type[Transport] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dsn, self._transport = dsn, transport
        self._quota = _Quota(clock)

    def __call__(
        self, _logger: object, _name: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """One line of the log, which is given back as it is."""
        error = _unexpected(line)
        if error is not None and line.get("source") not in NEVER:
            event = _event_of(line)
            if self._quota.takes((event, type(error).__name__, _place(error))):
                self._send(event, error, line)
        return line

    @cached_property
    def client(self) -> Client:
        """The library's client, apart from whatever a program that calls us has of it."""
        import sentry_sdk  # noqa: PLC0415 - whoever reports nothing loads none of it

        return sentry_sdk.Client(
            dsn=self._dsn,
            transport=self._transport,
            release=f"lightfast-ingest@{version('lightfast-ingest')}",
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            include_local_variables=False,  # `send_default_pii` is off, and deprecated
            max_breadcrumbs=0,
            send_client_reports=False,
            before_send=_bare,
        )

    def _send(self, event: str, error: BaseException, line: Mapping[str, Any]) -> None:
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415 - as above

        told, hint = event_from_exception(error, client_options=self.client.options)
        told["level"] = line["level"]
        known = {name: str(line[name]) for name in _TOLD if line.get(name) is not None}
        told["tags"] = {"event": event, **known}
        self.client.capture_event(told, hint)
        if line["level"] == "critical":
            self.client.flush(FLUSH_S)


def _unexpected(line: Mapping[str, Any]) -> BaseException | None:
    """The exception of a line that tells of a fault of ours; None for every other line."""
    if line.get("level") not in _LEVELS:
        return None
    told = line.get("exc_info")
    error = told[1] if isinstance(told, tuple) else sys.exception() if told is True else told
    is_fault = isinstance(error, BaseException) and not isinstance(error, IngestError)
    return error if is_fault else None


def _event_of(line: Mapping[str, Any]) -> str:
    """What a library says quotes arguments; where it says it is enough."""
    library = line.get("logger")
    return str(library if library is not None else line.get("event"))


def _place(error: BaseException) -> str:
    """Where it was raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"


def _bare(told: Event, _hint: dict[str, Any]) -> Event:
    """Without what may quote somebody, whatever the library put there."""
    event: dict[str, Any] = dict(told)
    for name in ("breadcrumbs", "request", "user", "extra", "message", "logentry", "modules"):
        event.pop(name, None)
    for one in event.get("exception", {}).get("values", ()):
        one["value"] = "the log of the process has it"
        one.pop("mechanism", None)
        for frame in one.get("stacktrace", {}).get("frames", ()):
            frame.pop("vars", None)
    return cast("Event", event)
