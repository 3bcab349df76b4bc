"""A line to the broker for whoever rings, or only wants to know: short waits, and one attempt."""

from __future__ import annotations

from kombu import Connection
from kombu.exceptions import KombuError

from ingest.broker.address import SUPPORTED
from ingest.broker.broker import URL_VARIABLE, Broker
from ingest.broker.options import BELL_S, Options
from ingest.core.errors import BadSettings


def bell_line(broker: Broker, more: Options | None = None) -> Connection:
    """Nothing is contacted before it is used; `more` are options of the caller's own.

    Raises `BadSettings` for a URL that no driver takes.

    The drivers' own words may quote the URL, and so the password: they are not told.
    """
    try:
        options = {**broker.bell_options(), **(more or {})}
        line = Connection(broker.url, connect_timeout=BELL_S, transport_options=options)
        line.transport  # noqa: B018 - finds the broker's driver
        line.as_uri()  # reads what is left of the URL
    except ImportError as error:
        raise BadSettings(
            f"{URL_VARIABLE}: {broker.shown} needs a driver that is missing: {error}"
        ) from None
    except (KeyError, TypeError, ValueError):
        raise BadSettings(
            f"{URL_VARIABLE}: {broker.shown} cannot be used: its host, port or path, or an option "
            f"after the ?, is no such thing; {SUPPORTED}"
        ) from None
    return line


def broker_errors(line: Connection) -> tuple[type[Exception], ...]:
    """What a driver raises where its broker is away, or lets nobody in (also for a wrong path)."""
    return (*line.connection_errors, *line.channel_errors, KombuError, OSError, ValueError)
