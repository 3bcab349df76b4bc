"""A running installation with one repository connected, and what breaks and mends it."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest.cli import run
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE, SYNC_QUEUE
from ingest.embedded.processes import wait_until
from ingest.machine import Running, running
from ingest.store.engine import connect, transaction
from ingest.testing.fakes import serving
from tests.acceptance.breakages.page import missing
from tests.acceptance.breakages.repository import Sender
from tests.acceptance.breakages.small_disk import SmallDisk
from tests.broker.servers import Server, server
from tests.factories import METADATA, SECRET_KEY

WAIT_S, PAUSE_S = 90.0, 0.7
CHANGES = frozenset({"connect", "credentials", "resume", "update"})
"""Commands that ring."""
_LONG = "An issue that needs pages of its own. " * 8_000
_AGE = sa.text("""
UPDATE lightfast_webhook_deliveries SET next_attempt_at = now() - interval '5 minutes'
WHERE status = 'pending'
""")
_RUNS = sa.text("SELECT count(*) FROM lightfast_sync_runs WHERE finished_at IS NULL")
_FLAGGED = sa.text("SELECT count(*) FROM lightfast_connection_flags WHERE flag = 'unverified'")


@dataclass
class Installation:
    """The stack, its engine, its broker's server, GitHub, and the disk below its database.

    words: what stands for `$ID` and `$DELIVERY` in commands.
    """

    stage: Running
    engine: sa.Engine
    github: Sender
    broker: Server
    disk: SmallDisk | None
    environ: dict[str, str]
    restart: Callable[[], Server]
    words: dict[str, str] = field(default_factory=dict)

    # What the page says.

    def command(self, line: str) -> tuple[int, str]:
        """Run `ingest …` as the page has it; its exit code, and all that it says."""
        assigned, _, rest = line.partition("=$(")
        told = rest.removesuffix(")") if rest else line
        argv = [self._word(word) for word in shlex.split(told)[1:]]
        out, noted = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(noted):
            code = run(argv, {**self.environ, "GITHUB_TOKEN": self.github.github.token})
        if CHANGES & {*argv}:
            self.ring()
        if rest:
            self.words[f"${assigned}"] = out.getvalue().split()[0]
        return code, out.getvalue() + noted.getvalue()

    def ring(self) -> None:
        """As a command does whose own environment names the broker."""
        for queue in (INGEST_QUEUE, FETCH_QUEUE, SYNC_QUEUE):
            self.stage.ring(queue)

    def _word(self, word: str) -> str:
        if word.startswith("@"):
            return json.dumps(METADATA["github"])
        return self.words.get(word, word)

    def says(self, line: str, wanted: tuple[str, ...]) -> None:
        """A command says these lines, now or a little later."""
        said = list[str]()

        def told() -> bool:
            said[:] = [self.command(line)[1]]
            return missing(said[0], wanted) is None

        if not wait_until(told, seconds=WAIT_S, pause=PAUSE_S):
            raise AssertionError(f"not said: {missing(said[0], wanted)}\n\n{line}\n{said[0]}")

    # What people do at GitHub.

    @property
    def repository(self) -> Any:
        return self.github.github.repositories[self.github.id]

    def issue(self, text: str = "It.") -> list[int]:
        """An issue is opened; the newest delivery is the one in question."""
        answers = self.github.open_issue(text)
        self._name_newest()
        return answers

    def long_issue(self) -> list[int]:
        return self.issue(_LONG)

    def push(self, path: str) -> None:
        assert self.github.push(path, "# A page\n\nOf it.") == [200]
        self._name_newest()

    def _name_newest(self) -> None:
        _, said = self.command("ingest deliveries list --limit 1 --json")
        self.words["$DELIVERY"] = next(
            (str(one["id"]) for one in json.loads(said.splitlines()[0])), ""
        )

    # What breaks.

    def change_secret(self) -> None:
        (hook,) = self.repository.hooks.values()
        hook["config"]["secret"] = "another one"
        assert self.issue() == [401]
        assert wait_until(lambda: self._count(_FLAGGED) == 1, seconds=WAIT_S)

    def revoke_token(self) -> None:
        self.github.github.token = "ghp_the-one-after-it"
        self.push("docs/revoked.md")

    def narrow_token(self) -> None:
        self.repository.forbidden.add("branches/main")
        self.push("docs/denied.md")

    def pause(self) -> None:
        self.command("ingest source pause $ID")
        self.issue()

    def narrow_filter(self) -> None:
        self.command("ingest source update $ID --filter include=docs/**")
        assert wait_until(lambda: self._count(_RUNS) == 0, seconds=WAIT_S, pause=PAUSE_S)
        self.push("guide/setup.md")

    def delete_hook(self) -> None:
        self.repository.hooks.clear()
        assert self.issue() == []

    def kill_worker(self) -> None:
        os.killpg(self.stage.stack.pids()["worker"], signal.SIGKILL)
        self.issue()

    def start_worker(self) -> None:
        """The supervisor has not looked since it was killed."""
        pids, gone = self.stage.stack.pids, self.stage.stack.pids()["worker"]
        self.stage.wait(
            lambda: pids().get("worker") not in {None, gone}, seconds=WAIT_S, until="another worker"
        )

    def age(self) -> None:
        """The page's minute has gone by, and more."""
        with transaction(self.engine) as conn:
            conn.execute(_AGE)

    def stop_broker(self) -> None:
        self.broker.process.kill()
        self.broker.process.wait()
        assert self.issue() == [200]

    def start_broker(self) -> None:
        self.broker = self.restart()

    def fill_disk(self) -> None:
        assert self.disk is not None
        self.disk.fill()
        assert self.long_issue() == [503]

    def give_room(self) -> None:
        assert self.disk is not None
        self.disk.give_room()

    def permit(self) -> None:
        self.repository.forbidden.clear()

    def _count(self, asked: sa.TextClause) -> int:
        with transaction(self.engine) as conn:
            found: int = conn.execute(asked).scalar_one()
        return found


@contextmanager
def installed(database_url: str, directory: Path, disk: SmallDisk | None) -> Iterator[Installation]:
    """It runs, with nothing connected yet; a schema is brought by it."""
    with ExitStack() as stack:
        github = Sender()
        fake = stack.enter_context(serving(github.github))
        broker = stack.enter_context(server(directory))
        environ = {
            "DATABASE_URL": database_url,
            "REDIS_URL": broker.url,
            "INGEST_DATA_DIR": str(directory / "data"),
            "INGEST_SECRET_KEY": SECRET_KEY,
            "INGEST_GITHUB_API_URL": fake.url,
        }
        stage = stack.enter_context(running(environ, workers=1))
        github.leads_to = stage.url
        engine = connect(database_url)
        stack.callback(engine.dispose)

        def restart() -> Server:
            return stack.enter_context(server(directory, port=broker.port))

        yield Installation(stage, engine, github, broker, disk, environ, restart)
