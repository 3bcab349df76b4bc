"""The check-up of a whole installation, check by check: what `ingest doctor` tells."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

from ingest.broker.trial import Standing, try_out
from ingest.core.errors import BadSettings, TransientError, Unavailable
from ingest.flows.doctor import (
    Finding,
    State,
    Surroundings,
    failed,
    fine,
    look_at_app_wide,
    look_at_changes,
    look_at_clocks,
    look_at_connections,
    look_at_data_dir,
    look_at_database,
    look_at_names,
    look_at_queue,
    look_at_retention,
    look_at_room,
    look_at_sealed,
    look_at_sinks,
    look_at_subscriptions,
    look_at_syncs,
    unreachable,
)
from ingest.sources.registry import broken
from ingest.wiring import Program

_SERVICES = "start it, or let its variable name the one that runs"


def look_over(parts: Program, *, offline: bool) -> Iterator[Finding]:
    """The checks, in the order in which one depends on another, made one by one as they are taken.

    offline: no provider is asked whether its token works.
    """
    yield from _sources()
    yield from look_at_app_wide(parts.settings.webhook_secrets)
    yield from _room_here(parts)
    yield _broker(parts)
    database = list(_database(parts))
    yield from database
    stops = (f for f in database if f.check not in {"clock", "legacy"})
    if any(f.state in {State.FAILED, State.UNREACHABLE} for f in stops):
        return  # nothing can be read there
    yield from look_at_room(parts.engine)
    try:
        yield from look_at_sealed(parts.engine, parts.secret_keys)
        clients = None if offline else parts.clients
    except BadSettings as error:
        yield failed("secret key", str(error), "set INGEST_SECRET_KEY")
        clients = None
    around = Surroundings(parts.settings.webhook_secrets, clients)
    yield from look_at_connections(parts.engine, around)
    yield from look_at_subscriptions(parts.engine, clients)
    yield from look_at_syncs(parts.engine)
    yield from look_at_names(parts.engine)
    yield from look_at_queue(parts.engine)
    yield from look_at_clocks(parts.engine)
    yield from look_at_retention(parts.engine, parts.settings.keep_deliveries_days)
    yield from look_at_changes(parts.engine)
    yield from look_at_sinks(parts.engine)
    if clients is not None:
        clients.close()


def _sources() -> Iterator[Finding]:
    """Whether each source that is installed can be used."""
    for name, line in broken().items():
        said, _, remedy = line.rpartition("; ")
        yield failed(f"source {name}", said, remedy)


def _room_here(parts: Program) -> Iterator[Finding]:
    """Of services that run on this machine, once they were started."""
    settings = parts.settings
    is_here = settings.database_url is None or settings.broker_url is None
    if is_here and settings.data_dir.is_dir():
        yield look_at_data_dir(str(settings.data_dir), shutil.disk_usage(settings.data_dir).free)


def _database(parts: Program) -> Iterator[Finding]:
    try:
        yield from look_at_database(parts.engine, parts.probe, lambda: datetime.now(UTC))
    except BadSettings as error:
        yield failed("database", str(error), "set DATABASE_URL right")
    except TransientError as error:
        yield unreachable("database", str(error), _SERVICES)


_STANDINGS = {Standing.WRONG: failed, Standing.AWAY: unreachable}


def _broker(parts: Program) -> Finding:
    """Whether the broker carries a message, whichever it is."""
    try:
        tried = try_out(parts.broker)
    except BadSettings as error:
        return failed("broker", str(error), "set the variable right")
    except Unavailable as error:
        return unreachable("broker", str(error), _SERVICES)
    if tried.standing is Standing.WELL:
        return fine("broker", tried.said)
    return _STANDINGS[tried.standing]("broker", tried.said, tried.remedy)
