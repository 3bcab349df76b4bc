"""Whether spans are recorded, and by whom. Loads OpenTelemetry only where they are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from ingest.core.errors import BadSettings
from ingest.core.tracing import OFF, Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_INSTALL = "pip install 'lightfast-ingest[otel]', or unset INGEST_OTEL"


def is_wanted(wanted: bool | None, environ: Mapping[str, str]) -> bool:
    """Whether there is anybody to send spans to.

    `wanted`: what INGEST_OTEL says; None: nothing, and then an OTEL_… endpoint decides, where the
    library is installed. Raises `BadSettings` where it is asked for and is not.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or wanted is False:
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    if wanted is None and not any(environ.get(name, "").strip() for name in _ENDPOINTS):
        return False
    is_installed = find_spec("opentelemetry") is not None and _has_sdk()
    if wanted and not is_installed:
        raise BadSettings(f"INGEST_OTEL is on and OpenTelemetry is not installed; {_INSTALL}")
    return is_installed


def _has_sdk() -> bool:
    return find_spec("opentelemetry.sdk") is not None


def tracer_for(wanted: bool | None, environ: Mapping[str, str], *, service: str) -> Tracer:
    """The tracer of this process, closed by `close`; OFF where there is nobody to send spans to.

    service: what it is called, unless OTEL_SERVICE_NAME says otherwise. Raises `BadSettings`, as
    `is_wanted`, and for an exporter that is not installed. Contacts nobody.
    """
    if not is_wanted(wanted, environ):
        return OFF
    from ingest.telemetry import otel  # noqa: PLC0415 - whoever has no traces loads none of it

    return otel.tracer(environ, service=service)


def close(tracer: Tracer) -> None:
    """Send what is left; blocks for some seconds where whoever takes it is away."""
    if tracer.is_on:
        from ingest.telemetry import otel  # noqa: PLC0415 - as above

        otel.close(tracer)
