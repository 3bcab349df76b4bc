"""What a backfill costs, and a resync that finds nothing new: of each source, over many objects,
and to whoever waits for a look-up meanwhile.

Providers are fakes in processes of their own, with objects of real size; no limit of theirs is kept
but in `live`. Time is told twice: as a clock tells it, with what the fake takes and whatever else
the machine does; and as our own, the processor time of the syncer and of the database together. The
ratios are what counts. That a run changed nothing is seen by each row's `xmin`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

import psycopg

from bench.apart import Apart, apart
from bench.beside import Beside, live
from bench.cpu import database_cpu_s
from bench.crowds import CROWDS, Filled, conversations
from bench.stage import STORE, Stage, empty, stage
from bench.syncer import SECRET_KEY, RunCost, Syncer, syncer
from ingest.core.vault import Vault
from ingest.flows.syncs.request import Kind
from ingest.sources.registry import source
from ingest.store import connections, credentials
from ingest.store.engine import transaction

ONE_BY_ONE = ("notion", "sentry")
"""Those that are asked several times for each object, whether or not it is new."""
UNTOUCHED = (
    "lightfast_docs_documents",
    "lightfast_document_chunks",
    "lightfast_document_references",
    "lightfast_ingestion_events",
)
"""What a run that finds nothing new writes nothing to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some twenty minutes on a machine that does nothing else.

    objects: of a source; few: of one of `ONE_BY_ONE`. again: runs that find nothing new. many: for
    the memory, which is looked at after so many objects.
    """

    objects: int = 5_000
    few: int = 600
    again: int = 3
    many: tuple[int, ...] = (20_000, 50_000, 100_000, 200_000)
    beside: Beside = field(default_factory=Beside)

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(objects=200, few=30, again=1, many=(400, 800), beside=Beside.quick())


def resync(plan: Plan) -> dict[str, object]:
    """The figures: by source, of many objects, and of look-ups beside a backfill."""
    with stage() as place:
        sources = {name: _source(place, plan, name, make) for name, make in CROWDS.items()}
        many = _many(place, plan)
    return {**sources, "many": many, **live(plan.beside)}


@dataclass(frozen=True, slots=True)
class _Cost:
    """A run, and what the database took for it. objects: that there are at the provider."""

    run: RunCost
    database_s: float
    objects: int

    @property
    def own_s(self) -> float:
        """Processor time of ours."""
        return self.run.cpu_s + self.database_s

    def figures(self) -> dict[str, float]:
        """As they are shown; times of one object in microseconds."""
        return {
            "per_second": round(self.objects / self.run.wall_s),
            "syncer_us": round(1e6 * self.run.cpu_s / self.objects),
            "database_us": round(1e6 * self.database_s / self.objects),
            "calls_an_object": round(int(self.run.shown["calls"]) / self.objects, 3),
        }


@dataclass(frozen=True, slots=True)
class _Bench:
    """A connection to a provider with so many objects, and the syncer that lists it."""

    place: Stage
    sync: Syncer
    connection_id: str
    objects: int

    def run(self, kind: Kind, marks: tuple[int, ...] = ()) -> _Cost:
        """A run that ends well."""
        url = self.place.database_url
        before = database_cpu_s(url)
        run = self.sync.sync(self.connection_id, kind, marks)
        spent_s = database_cpu_s(url) - before
        assert (run.shown["state"], run.shown["errors"]) == ("done", 0), run.shown
        return _Cost(run, spent_s, self.objects)

    def unchanging(self, kind: Kind, marks: tuple[int, ...] = ()) -> _Cost:
        """A run that writes nothing to the tables of `UNTOUCHED`."""
        before = _written(self.place)
        cost = self.run(kind, marks)
        shown = cost.run.shown
        assert (shown["changed"], shown["deleted"]) == (0, 0), shown
        after = _written(self.place)
        assert after == before, (before, after)
        return cost


def _source(
    place: Stage, plan: Plan, name: str, make: Callable[[int], Filled]
) -> dict[str, object]:
    """A backfill, resyncs of all that find nothing new, and one of what changed, which is none."""
    empty(place)
    objects = plan.few if name in ONE_BY_ONE else plan.objects
    with apart(make, objects) as fake, syncer(place.database_url, {name: fake.url}) as sync:
        bench = _Bench(place, sync, _connect(place, fake), objects)
        first = bench.run("backfill")
        found = _documents(place, name)
        assert found == +fake.documents, (found, fake.documents)
        _require_real(place)
        _settle_disk(place)
        again = [bench.unchanging("full") for _ in range(plan.again)]
        since = bench.unchanging("incremental")
    whole = sorted(again, key=lambda one: one.own_s)[len(again) // 2]
    return {
        "objects": objects,
        "backfill": first.figures(),
        "nothing_new": whole.figures(),
        "nothing_new_since": since.figures(),
        "times_as_fast": _times(first, again, lambda one: one.own_s),
        "times_as_fast_syncer": _times(first, again, lambda one: one.run.cpu_s),
        "times_as_fast_clock": _times(first, again, lambda one: one.run.wall_s),
    }


def _times(first: _Cost, again: list[_Cost], of: Callable[[_Cost], float]) -> float:
    return round(of(first) / median(map(of, again)), 1)


def _many(place: Stage, plan: Plan) -> dict[str, object]:
    """Memory of one syncer over a backfill, and of another over a resync after it."""
    empty(place)
    objects = plan.many[-1]
    with apart(conversations, objects) as fake:
        connection_id, urls = _connect(place, fake), {fake.source_type: fake.url}
        with syncer(place.database_url, urls) as sync:
            first = _Bench(place, sync, connection_id, objects).run("backfill", plan.many)
        assert _documents(place, fake.source_type) == +fake.documents
        _settle_disk(place)
        with syncer(place.database_url, urls) as sync:
            again = _Bench(place, sync, connection_id, objects).unchanging("full", plan.many)
    return {
        "objects": objects,
        "backfill": first.figures(),
        "backfill_mib": first.run.rss,
        "nothing_new": again.figures(),
        "nothing_new_mib": again.run.rss,
    }


def _written(place: Stage) -> Mapping[str, tuple[int, int]]:
    """Of each table its rows, and a sum over which transaction wrote each of them where."""
    query = "SELECT count(*), coalesce(sum(hashtext(xmin::text || ctid::text)::bigint), 0) FROM "
    with psycopg.connect(place.database_url) as conn:
        rows = {name: conn.execute((query + name).encode()).fetchone() for name in UNTOUCHED}
    return {name: (int(row[0]), int(row[1])) for name, row in rows.items() if row is not None}


def _documents(place: Stage, source_type: str) -> Counter[str]:
    with psycopg.connect(place.database_url) as conn:
        return Counter(dict(conn.execute(_BY_KIND, [source_type]).fetchall()))


def _require_real(place: Stage) -> None:
    """Bodies are of real size, and of what they refer to there are rows."""
    with psycopg.connect(place.database_url) as conn:
        row = conn.execute(_SIZES).fetchone()
    assert row is not None
    documents, characters, references = row
    assert characters > 300 * documents, row
    assert references > documents // 10, row


def _settle_disk(place: Stage) -> None:
    """What a database does by itself within a minute."""
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")


def _connect(place: Stage, fake: Apart) -> str:
    told = dict(fake.metadata)
    with transaction(place.engine) as conn:
        made = connections.create(
            conn,
            source_type=fake.source_type,
            name="bench",
            metadata=told,
            tenants=source(fake.source_type).descriptor.connection_tenants(told),
            store_ids=[STORE],
        )
        credentials.add(conn, Vault([SECRET_KEY]), made, credentials.API_TOKEN, fake.token)
    return made


_BY_KIND = """
SELECT l.kind, count(*) FROM lightfast_docs_documents d
JOIN lightfast_document_ledger l ON l.document_id = d.id
WHERE d.source_type = CAST(%s AS source_type) GROUP BY l.kind
"""
_SIZES = """
SELECT (SELECT count(*) FROM lightfast_docs_documents),
       (SELECT coalesce(sum(length(text)), 0) FROM lightfast_document_chunks),
       (SELECT count(*) FROM lightfast_document_references)
"""
