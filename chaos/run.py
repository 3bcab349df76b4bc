"""One run from its plan to its figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from chaos import rows, verdict
from chaos.accounts import ACCOUNTS
from chaos.accounts.account import Account, Drawn
from chaos.plan import Plan
from chaos.report import report, trails_of
from chaos.sender import Sender
from chaos.several import several
from chaos.site import Site, site
from chaos.storm import Storm
from chaos.stream import Stream
from chaos.verdict import Verdict
from ingest.core.errors import IngestError
from ingest.flows.syncs.control import confirm_run, has_ended, sync_connection
from ingest.flows.syncs.request import Kind
from ingest.store import sync_runs
from ingest.store.engine import transaction

PAUSE_S = 0.05
SETTLED_S = 300.0
SYNC_EVERY_S = 7.0
"""Between two runs that are asked for while deliveries come; each of another connection."""
ALWAYS = ("linear", "github")
"""The texts of all others name issues of the one, and a poison is of the other."""
_UNFINISHED = """
SELECT (SELECT count(*) FROM lightfast_webhook_deliveries WHERE status = 'pending')
     + (SELECT count(*) FROM lightfast_lookups)
     + (SELECT count(*) FROM lightfast_sync_runs WHERE state IN ('waiting', 'running'))
"""
_LEFT = """
SELECT 'delivery', source_type::text, delivery_key, attempts, last_error
FROM lightfast_webhook_deliveries WHERE status = 'pending'
UNION ALL
SELECT 'look-up', source_type::text, kind || ' ' || external_id, attempts, last_error
FROM lightfast_lookups
LIMIT 20
"""


@dataclass(slots=True)
class Run:
    """A plan that is carried out."""

    plan: Plan
    accounts: dict[str, Account]
    site: Site
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    syncs: int = 0

    def carry_out(self) -> dict[str, Any]:
        """All of it; the figures."""
        stream = Stream(
            self.plan, self.accounts, lambda name, act: self.site.fakes[name].happen(act)
        )
        sender = Sender(self.site.urls, self.site.routes, self.plan.a_second)
        self.site.post = stream.between.append
        storm = Storm(self.plan, self.site, self.say)
        sender.start(stream)
        self._while_sending(sender, storm)
        storm.end()
        self.say(f"all sent after {self._seconds():.0f} s; waiting for the end of each")
        found = Verdict()
        self._wait(self._settled, "all settled")
        before = rows.read(self.site.database_url)
        found.add(verdict.of_documents("settled", stream.oracle.documents(), before, stream.unsure))
        self.say(f"settled after {self._seconds():.0f} s; listing everything")
        self._list_all()
        after = rows.read(self.site.database_url)
        found.add(verdict.of_documents("listed", stream.oracle.documents(), after))
        found.add(verdict.of_deliveries(sender.heard, self.site.deadly, after))
        found.wrong += [f"refused: {one}" for one in sender.refused]
        trails = trails_of(found.things, stream.told_by, after)
        more = {**self._more(), "trails": trails}
        return report(self.plan, sender, storm.struck, after, found, **more)

    def _while_sending(self, sender: Sender, storm: Storm) -> None:
        next_sync = time.monotonic() + SYNC_EVERY_S
        while not sender.done.is_set():
            self.site.tend()
            storm.turn(sender.sent)
            if time.monotonic() >= next_sync:
                next_sync = time.monotonic() + SYNC_EVERY_S
                self._sync_one()
            time.sleep(PAUSE_S)
        if sender.error is not None:
            raise sender.error

    def _sync_one(self) -> None:
        """Ask for a run of the next connection; a database that is away is asked the next time."""
        names = sorted(self.site.connections)
        kinds: tuple[Kind, ...] = ("incremental", "full")
        name, kind = names[self.syncs % len(names)], kinds[self.syncs // len(names) % 2]
        with suppress(IngestError, SQLAlchemyError):
            self._ask(name, kind)
            self.syncs += 1

    def _ask(self, name: str, kind: Kind) -> int:
        engine = self.site.machine.program.engine
        return sync_connection(engine, self.site.connections[name], kind=kind, asked_by="chaos")

    def _list_all(self) -> None:
        """A full run of each; what it asks a person is confirmed."""
        for name in self.site.connections:
            run = self._ask(name, "full")
            self._wait(partial(self._ended, run), f"full run {run} of {name} ended")
        self._wait(self._settled, "all settled that the lists brought")

    def _ended(self, run: int) -> bool:
        engine = self.site.machine.program.engine
        with transaction(engine) as conn:
            shown = sync_runs.show(conn, run)
        state = str(shown["state"]) if shown else "gone"
        if state == sync_runs.STOPPED:
            with suppress(IngestError):  # another run may be on its way: the next time
                confirm_run(engine, run)
            return False
        return has_ended(state)

    def _settled(self) -> bool:
        return self._count(_UNFINISHED) == 0

    def _count(self, query: str) -> int:
        try:
            with psycopg.connect(self.site.database_url, connect_timeout=5) as conn:
                row = conn.execute(query.encode()).fetchone()
        except psycopg.OperationalError:
            return -1
        return int(row[0]) if row else -1

    def _wait(self, condition: Callable[[], bool], until: str) -> None:
        """Whatever does not come is left to the verdict."""
        ends = time.monotonic() + SETTLED_S
        while not condition():
            self.site.tend()
            if time.monotonic() >= ends:
                left = "\n".join(map(str, self._left()))
                self.say(f"not within {SETTLED_S:.0f} s: {until}\n{left}\n{self.site.tail()}")
                return
            time.sleep(PAUSE_S * 4)

    def _left(self) -> list[tuple[Any, ...]]:
        """What has not ended, for people."""
        with psycopg.connect(self.site.database_url, connect_timeout=5) as conn:
            return conn.execute(_LEFT).fetchall()

    def _more(self) -> Mapping[str, Any]:
        return {
            "seconds": round(self._seconds(), 1),
            "broker": self.plan.broker,
            "hosts": [host.name for host in self.site.hosts],
            "is_pooled": self.site.is_pooled,
            "syncs": self.syncs,
            "restarts": dict(self.site.supervisor.restarts),
        }

    def _seconds(self) -> float:
        return time.monotonic() - self.began


def run(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Carry out a plan on a site of its own; the figures. Main thread only."""
    accounts = {
        name: make(Drawn(plan.seed, name))
        for name, make in ACCOUNTS.items()
        if name in ({*plan.sources, *ALWAYS} if plan.sources else ACCOUNTS)
    }
    place = several(accounts) if plan.hosts else site(accounts, plan.broker)
    with place as stands:
        return Run(plan, accounts, stands, say).carry_out()
