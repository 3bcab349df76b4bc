"""Records spans with OpenTelemetry's SDK, which the standard OTEL_… variables set up.

Law: nothing of OpenTelemetry's is global here, so that a program that merely calls us keeps its
own; and of an exception its class is told, for a message may quote anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import entry_points, version
from itertools import islice
from types import TracebackType

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ingest.core.errors import BadSettings
from ingest.core.tracing import (
    BATCH,
    LOOK_UP,
    MOST_LINKS,
    PAGE,
    RECEIVE,
    SETTLE,
    TRACEPARENT,
    Span,
    Tracer,
)

CLOSE_WITHIN_MS = 3_000
_W3C = TraceContextTextMapPropagator()
_KINDS: Mapping[str, SpanKind] = {
    RECEIVE: SpanKind.SERVER,
    SETTLE: SpanKind.CONSUMER,
    BATCH: SpanKind.INTERNAL,
    LOOK_UP: SpanKind.CLIENT,
    PAGE: SpanKind.CLIENT,
}
_EXPORTERS = "opentelemetry_traces_exporter"
_PROTOCOLS: Mapping[str, str] = {"grpc": "otlp_proto_grpc"}


def tracer(environ: Mapping[str, str], *, service: str) -> Tracer:
    """A tracer whose spans are sent in the background by the exporter that the variables name.

    Raises `BadSettings` for one that is not installed.
    """
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"
    if exporter == "otlp":
        protocol = (
            environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "").strip()
            or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip()
        )
        exporter = _PROTOCOLS.get(protocol, "otlp_proto_http")
    found = entry_points(group=_EXPORTERS, name=exporter)
    if not found:
        raise BadSettings(
            f"OpenTelemetry's exporter {exporter} is not installed; pip install "
            "'lightfast-ingest[otel]', which has that of OTLP over HTTP, or the exporter's package"
        )
    made = next(iter(found)).load()()
    return recording(BatchSpanProcessor(made), service=service)


def recording(processor: SpanProcessor, *, service: str) -> Tracer:
    """A tracer whose spans go to this processor."""
    told = {SERVICE_NAME: service, SERVICE_VERSION: version("lightfast-ingest")}
    told_by_operator = Resource.create().attributes
    is_named = not str(told_by_operator.get(SERVICE_NAME, "")).startswith("unknown_service")
    if is_named:
        del told[SERVICE_NAME]
    provider = TracerProvider(resource=Resource.create(told))
    provider.add_span_processor(processor)
    return RecordingTracer(provider)


def close(of: Tracer) -> None:
    """Send what is left, and end."""
    if isinstance(of, RecordingTracer):
        of.provider.force_flush(CLOSE_WITHIN_MS)
        of.provider.shutdown()


class RecordingTracer:
    """Fulfils `core.tracing.Tracer`."""

    is_on = True

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer("ingest", version("lightfast-ingest"))

    def span(
        self,
        name: str,
        *,
        parent: str | None = None,
        links: Iterable[str] = (),
        began_at: float | None = None,
        **attributes: str | int,
    ) -> AbstractContextManager[Span]:
        """See `Tracer`."""
        return self._begun(name, parent, links, began_at, attributes)

    def record(self, name: str, *, parent: str, began_at: float, **attributes: str | int) -> None:
        """See `Tracer`."""
        with self._begun(name, parent, (), began_at, attributes):
            pass

    def _begun(
        self,
        name: str,
        parent: str | None,
        links: Iterable[str],
        began_at: float | None,
        attributes: Mapping[str, str | int],
    ) -> _RecordedSpan:
        return _RecordedSpan(
            self._tracer.start_span(
                name,
                context=None if parent is None else _context(parent),
                kind=_KINDS[name],
                attributes=_named(attributes),
                links=[*_links(links)],
                start_time=None if began_at is None else round(began_at * 1e9),
            )
        )


class _RecordedSpan:
    """Under way from its making to the end of its block."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, trace.set_span_in_context(self._span, contexts.Context()))
        return carrier.get(TRACEPARENT)

    def tell(self, **attributes: str | int) -> None:
        self._span.set_attributes(_named(attributes))

    def __enter__(self) -> _RecordedSpan:
        self._token = contexts.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        contexts.detach(self._token)
        if kind is not None:
            self._span.set_status(Status(StatusCode.ERROR, kind.__name__))
        self._span.end()


def _named(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {f"ingest.{name}": value for name, value in attributes.items()}


def _context(traceparent: str) -> contexts.Context:
    """What is none says nothing: then a trace begins."""
    return _W3C.extract({TRACEPARENT: traceparent}, contexts.Context())


def _links(traceparents: Iterable[str]) -> Iterable[trace.Link]:
    for one in islice(traceparents, MOST_LINKS):
        found = trace.get_current_span(_context(one)).get_span_context()
        if found.is_valid:
            yield trace.Link(found)
