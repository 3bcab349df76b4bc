"""What a command has at hand: the program of its environment, and the bell. Made when asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import sqlalchemy as sa
import typer

from ingest.core.answers import Delivery
from ingest.core.errors import BadInput
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE
from ingest.core.secret import Secret
from ingest.flows.receiving.messages import from_call
from ingest.settings import require_unicode
from ingest.wiring import Program, program

_NAME = re.compile(r"[A-Z][A-Z_]*+[0-9]?")
"""Words in capitals with one digit at most; tokens have more."""


@dataclass(frozen=True)
class Session:
    """One run of one command in an environment."""

    environ: Mapping[str, str]

    @cached_property
    def program(self) -> Program:
        """The parts of the program; raises `BadSettings` for a wrong environment."""
        return program(self.environ, application="ingest-cli")

    @property
    def engine(self) -> sa.Engine:
        """Connections to the database."""
        return self.program.engine

    def ring(self, *queues: str) -> None:
        """Wake the workers of these queues, of `ingest` and `fetch` where none is named.

        Where the broker is away the sweep does it later.
        """
        from ingest.bell.ring import ring  # noqa: PLC0415 - it loads Celery; few commands ring

        for queue in queues or (INGEST_QUEUE, FETCH_QUEUE):
            ring(self.engine, queue)

    def enqueue(
        self, source_type: str, headers: Mapping[str, str], body: bytes, connection_id: str | None
    ) -> Delivery:
        """Verify and store one request, as `ingest.enqueue` does."""
        incoming = from_call(source_type, headers, body, connection_id, now=datetime.now(UTC))
        return self.program.intake(self.ring).take(incoming)

    def secret(self, variable: str) -> Secret:
        """The secret in a variable of the environment, without the line's end of a file.

        Only what looks like a variable's name is told: it may be the secret itself.
        """
        name = f"variable {variable}" if _NAME.fullmatch(variable) else "variable of that name"
        secret = self.environ.get(variable, "").rstrip("\r\n")
        if not secret:
            raise BadInput(
                f"the environment {name} is not set; put the secret there, and give the variable's "
                "name here"
            )
        require_unicode(f"the environment {name}", secret)
        return Secret(secret)

    def close(self) -> None:
        """Give the connections back."""
        if "program" in self.__dict__:
            self.program.close()


def session(context: typer.Context) -> Session:
    """The session of the command that runs, in the environment that `run` gave; ends with it."""
    if context.obj is None:
        raise LookupError("commands are run by ingest.cli.run, which gives them an environment")
    if not isinstance(context.obj, Session):
        context.obj = Session(context.obj)
        context.call_on_close(context.obj.close)
    return context.obj
