"""An installation for the commands of the pages: all six sources, played, and what a year brings.

Made once, and put back as it was after each command that wrote. Everything that a page names is
there: a document, a dead delivery, a run that stopped, a consumer, a sink.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ingest.demo.play import providers
from ingest.embedded import Services, start
from ingest.testing.fakes import Fake
from ingest.testing.sample import all_samples
from ingest.web import create_app
from ingest.wiring import Program, program
from tests.docs.growing import GROWING, WORDS
from tests.docs.row_sets import RowSets
from tests.docs.working import Ran, run_command, work_off
from tests.factories import SECRET, SECRET_KEY
from tests.sinks.hook import NEWER
from tests.web.running import served

PAUSE_S = 0.1
"""Between two looks of the workers."""


@dataclass
class Installation:
    """One database in one of three states: `empty` (a schema), `begun` (a store), `grown` (all).

    `rows` puts it back in a state. `words` are ids in the grown one, by what they are of; `workers`
    is the program that works.
    """

    rows: RowSets
    environ: Mapping[str, str]
    fakes: Mapping[str, Fake]
    words: Mapping[str, str]
    services: Services
    workers: Program

    def run(self, argv: Sequence[str], **more: str) -> Ran:
        """One command, with these variables beside the installation's own."""
        return run_command(argv, {**self.environ, **more})

    def secret(self, source_type: str, option: str) -> str:
        """What the variable holds that an option names."""
        if option == "--token-env":
            return self.fakes[source_type].provider.token
        return NEWER if option == "--secret-env" else SECRET

    @contextmanager
    def working(self) -> Iterator[None]:
        """Worker, fetcher and syncer in one thread, until the end of the block."""
        done = threading.Event()

        def work() -> None:
            while not done.is_set():
                work_off(self.workers)
                done.wait(PAUSE_S)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    @contextmanager
    def receiving(self) -> Iterator[int]:
        """The port of a receiver, which other commands know of, until the end of the block."""
        with served(create_app(program(self.environ), publish=lambda _queue: None)) as port:
            self.services.tell_receiver(f"http://127.0.0.1:{port}")
            yield port


@contextmanager
def installed(database_url: str, redis_url: str, directory: Path) -> Iterator[Installation]:
    """All of it, with the providers' APIs on loopback, in a database with a schema and no rows."""
    with ExitStack() as stack:
        fakes = stack.enter_context(providers(all_samples()))
        services = stack.enter_context(start(directory / "data", postgres=False, redis=False))
        environ = {
            "DATABASE_URL": database_url,
            "INGEST_DATA_DIR": str(directory / "data"),
            "INGEST_SECRET_KEY": SECRET_KEY,
            "REDIS_URL": redis_url,
            **{f"INGEST_{name.upper()}_API_URL": fake.url for name, fake in fakes.items()},
        }
        rows = RowSets(stack.enter_context(psycopg.connect(database_url, autocommit=True)))
        words, workers = dict(WORDS), program(environ)
        stack.callback(workers.close)
        stack.callback(workers.clients.close)
        for state, grow in GROWING.items():
            grow(environ, fakes, words)
            rows.keep(state)
        yield Installation(rows, environ, fakes, words, services, workers)
