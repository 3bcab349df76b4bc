"""The composition root: the one place that knows which pieces make up a running program."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from ingest import logs
from ingest.broker.address import AMQP
from ingest.broker.broker import Broker, broker_of
from ingest.broker.line import bell_line
from ingest.budget.line import tallies_of
from ingest.budget.shared import SharedBudgets
from ingest.budget.tally import SharedTally
from ingest.core.errors import BadSettings, Unavailable
from ingest.core.secret import Secret
from ingest.core.tracing import Tracer
from ingest.core.vault import MAKE_ONE, Vault, require_key
from ingest.flows.lookups.clients import Clients
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.secrets import Keyring, stored_secrets
from ingest.settings import Settings, fault_dsn, load
from ingest.sources.hosts import Reach
from ingest.store.engine import connect, connect_to_probe
from ingest.telemetry import faults, tracing

if TYPE_CHECKING:
    from ingest.embedded import Urls

SECRET_KEY_FILE = "secret.key"  # noqa: S105 - a file's name


@dataclass(frozen=True)
class Program:
    """The parts of a process, made when first asked for, and kept.

    `application` names it to PostgreSQL. A part raises `BadSettings` for a setting that is wrong or
    missing, `Unavailable` where nothing is set and no embedded stack runs. None connects before it
    is used; a forked process needs a program of its own.
    """

    settings: Settings
    application: str = "ingest"

    @cached_property
    def database_url(self) -> str:
        """The database's URL: the configured one, or that of the embedded stack that is running."""
        if self.settings.database_url is not None:
            return self.settings.database_url
        running = _running(self.settings.data_dir)
        if running is None or not running.database_url:
            raise Unavailable(
                "no database: DATABASE_URL is not set and nothing runs in "
                f"{self.settings.data_dir}; set it, or start `ingest up`"
            )
        return running.database_url

    @cached_property
    def broker_url(self) -> str:
        """The broker's URL, found like the database's."""
        if self.settings.broker_url is not None:
            return self.settings.broker_url
        running = _running(self.settings.data_dir)
        if running is None or not running.redis_url:
            raise Unavailable(
                "no broker: neither CELERY_BROKER_URL nor REDIS_URL is set and nothing runs in "
                f"{self.settings.data_dir}; set one, or start `ingest up`"
            )
        return running.redis_url

    @cached_property
    def receiver_url(self) -> str:
        """Where the receiver of the `ingest up` listens that runs on the data directory.

        Raises `Unavailable` where none does.
        """
        running = _running(self.settings.data_dir)
        if running is None or not running.receiver_url:
            raise Unavailable(
                f"no receiver is known: no `ingest up` runs in {self.settings.data_dir}; start it, "
                "or name the receiver with --url"
            )
        return running.receiver_url

    @cached_property
    def broker(self) -> Broker:
        """The broker with its options and the names of its queues."""
        told = self.settings
        return broker_of(self.broker_url, told.broker_options, told.queue_prefix)

    def require_broker(self) -> None:
        """Raise `BadSettings` where a broker is named that cannot be used; contacts none."""
        if self.settings.broker_url is not None:
            bell_line(self.broker)

    @cached_property
    def engine(self) -> sa.Engine:
        """Connections to the database."""
        return connect(self.database_url, application=self.application)

    @cached_property
    def probe(self) -> sa.Engine:
        """One more connection, which waits for no other, for whoever asks how the database is."""
        return connect_to_probe(self.database_url, application=self.application)

    def close(self) -> None:
        """Close what was opened: connections to the database and to Redis, and the way of spans."""
        for name in ("engine", "probe"):
            if name in self.__dict__:
                self.__dict__[name].dispose()
        if "budgets" in self.__dict__:
            self.budgets.close()
        if "tracer" in self.__dict__:
            tracing.close(self.tracer)

    @cached_property
    def vault(self) -> Vault:
        """The encryption of stored secrets."""
        return Vault(self.secret_keys)

    @cached_property
    def keyring(self) -> Keyring:
        """The webhook secrets: those of connections, and the app-wide ones."""
        load = stored_secrets(self.engine, self.vault)
        return Keyring(load, self.settings.webhook_secrets)

    def intake(self, wake: Callable[[], object]) -> Intake:
        """The intake for whoever blocks while a delivery is stored.

        `wake` is called after the commit of each that was accepted, to ring for it.
        """
        limit = self.settings.max_body_bytes
        insert = insert_into(self.engine)
        return Intake(self.keyring, insert, wake, limit, tracer=self.tracer)

    @cached_property
    def tracer(self) -> Tracer:
        """Where spans go; nowhere, unless the environment says where to."""
        return tracing.tracer_for(self.settings.otel, os.environ, service=self.application)

    @cached_property
    def clients(self) -> Clients:
        """The clients of providers' APIs."""
        reach = self.reach
        return Clients(
            self.vault,
            reach.api_urls,
            allowed_hosts=reach.allowed,
            engine=self.engine,
            budgets=self.budgets,
        )

    @cached_property
    def budgets(self) -> SharedBudgets:
        """What may be asked of providers, counted in Redis for all processes."""
        return SharedBudgets(self._tallies)

    def _tallies(self) -> list[SharedTally]:
        """Where that is counted: in `REDIS_URL`, in the broker where that is a Redis, or in the
        embedded one; nowhere where there is none.
        """
        told = self.settings
        try:
            if told.redis_url is not None and told.redis_url != told.broker_url:
                counting = broker_of(told.redis_url, None, told.queue_prefix, name="REDIS_URL")
            else:
                counting = self.broker
        except Unavailable:
            return []
        return [] if counting.address.family == AMQP else tallies_of(counting)

    @property
    def reach(self) -> Reach:
        """What the settings say of the hosts of providers' APIs."""
        return Reach(self.settings.api_urls, self.settings.allowed_api_hosts)

    @cached_property
    def secret_keys(self) -> tuple[str, ...]:
        """The configured keys; with an embedded database a key is made once, in the data dir."""
        if self.settings.secret_keys:
            return self.settings.secret_keys
        if self.settings.database_url is not None:
            raise BadSettings(
                "INGEST_SECRET_KEY is not set; with a database of your own it is required: "
                f"{MAKE_ONE}"
            )
        return (_kept_key(self.settings.data_dir / SECRET_KEY_FILE),)


def program(environ: Mapping[str, str] | None = None, *, application: str = "ingest") -> Program:
    """The program of this environment (the process's own by default).

    Raises `BadSettings` that names the variable, the fault and the remedy. Connects to nothing.
    """
    told = os.environ if environ is None else environ
    settings = load(told)
    tracing.is_wanted(settings.otel, told)
    faults.require(settings.faults_dsn)
    return Program(settings, application)


def set_up_logs(environ: Mapping[str, str] | None = None, *, ours: bool = True) -> None:
    """Let this process speak as `logs` says, at the level of its environment.

    `ours` is false where a program that merely imports us may have a voice of its own: then that
    stays. A level that there is not is refused with the other settings.
    """
    told = os.environ if environ is None else environ
    level = told.get("INGEST_LOG_LEVEL", "").strip().lower()
    heard = _fault_reports(told) if ours else ()
    if ours or not structlog.is_configured():
        logs.set_up(level, heard)
    if ours:
        logs.take_over(level, heard)


def _fault_reports(environ: Mapping[str, str]) -> tuple[logs.Heard, ...]:
    """Who is told of faults. A DSN that is none is refused with the other settings."""
    try:
        dsn = fault_dsn(environ)
        faults.require(dsn)
    except BadSettings:
        return ()
    return (faults.FaultReports(dsn),) if dsn is not None else ()


def _running(data_dir: Path) -> Urls | None:
    """The embedded services that run on the data directory; None where none do."""
    from ingest.embedded import find_running  # noqa: PLC0415 - production names its own servers

    return find_running(data_dir)


def _kept_key(path: Path) -> Secret:
    """The key in the file, made on first use; raises `BadSettings` for one that is none."""
    from ingest.embedded.key import kept_key  # noqa: PLC0415 - as above

    try:
        key = kept_key(path)
    except OSError as error:
        raise BadSettings(
            f"no encryption key can be kept in {path} ({error.strerror}); set INGEST_SECRET_KEY, "
            "or let INGEST_DATA_DIR name a directory that can be written"
        ) from error
    require_key(
        key,
        str(path),
        "put the right key back, or remove the file where no secret was stored yet",
    )
    return Secret(key)
