"""How long a look-up that somebody waits for waits, while a backfill is under way.

All of `ingest up`, with the providers' limits kept. Thin letters come at random times; measured is
from their answer to the provider's first request for what they are about, and to its document.

of_its_source: the backfill is of the very connection, and spends the same budget. of_another: it is
of another source, and goes as fast as processors and database let it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from bench import letters
from bench.apart import Apart, apart
from bench.crowds import MOST_LETTERS, conversations, notion_beside
from bench.load import Heard, Order
from bench.receiver import quantile_ms
from bench.rig import Rig, rig, send
from ingest.flows.syncs.control import cancel_run, sync_connection
from ingest.store import sync_runs
from ingest.store.engine import transaction

PROVIDER_S = 0.05
BEGUN_PAGES = 3
PATIENCE_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Beside:
    """So many letters of each of both parts, at so many a second, and objects of the backfills.

    The first pace leaves room for a backfill within the limit; no real provider allows the second.
    """

    letters: tuple[int, int] = (60, 300)
    per_second: tuple[float, float] = (0.4, 5.0)
    objects: tuple[int, int] = (3_000, 150_000)

    @classmethod
    def quick(cls) -> Beside:
        """Enough to see that it works, too little to quote."""
        return cls(letters=(3, 15), per_second=(1.0, 5.0), objects=(300, 10_000))


@dataclass(frozen=True, slots=True)
class _Progress:
    pages: int
    seen: int
    state: str
    why: str


def live(plan: Beside) -> dict[str, object]:
    """The figures of both parts, in milliseconds."""
    assert sum(plan.letters) <= MOST_LETTERS
    pages, objects = plan.objects
    with (
        apart(notion_beside, pages, latency_s=PROVIDER_S) as notion,
        apart(conversations, objects) as github,
    ):
        fakes = {one.source_type: one for one in (notion, github)}
        urls = {name: one.url for name, one in fakes.items()}
        tokens = {name: one.token for name, one in fakes.items()}
        with rig(urls, tokens) as place, place.ours() as port:
            routes = place.routes
            count, first = plan.letters[0], 0
            alike = Order(port, routes, "thin", count, first, per_second=plan.per_second[0])
            of_its_source = _beside(place, alike, notion, routes.notion)
            count, first = plan.letters[1], count
            other = Order(port, routes, "thin", count, first, per_second=plan.per_second[1])
            of_another = _beside(place, other, notion, routes.github)
    return {"live_beside_its_source": of_its_source, "live_beside_another": of_another}


def _beside(place: Rig, order: Order, notion: Apart, connection_id: str) -> dict[str, float]:
    engine = place.machine.program.engine
    run = sync_connection(engine, connection_id, kind="backfill", asked_by="a benchmark")
    _wait(place, run)
    before, began = _progress(place, run), time.monotonic()
    heard = send(order)
    after, took_s = _progress(place, run), time.monotonic() - began
    assert after.state == "running", f"it was over before the letters were: {after}"
    assert after.seen > before.seen, f"the backfill stood still: {after}"
    assert set(heard.statuses) == {200}, heard.statuses
    waits_s = _begun(place, order, heard, notion)
    cancel_run(engine, run)
    return {
        "letters": order.count,
        "per_second": order.per_second,
        "begins_p50_ms": quantile_ms(waits_s, 0.5),
        "begins_p99_ms": quantile_ms(waits_s, 0.99),
        "begins_max_ms": quantile_ms(waits_s, 1.0),
        "answer_p99_ms": quantile_ms(heard.took_s, 0.99),
        "backfill_per_second": round((after.seen - before.seen) / took_s, 1),
    }


def _wait(place: Rig, run: int) -> None:
    """Until the backfill is under way."""
    until = time.monotonic() + PATIENCE_S
    while _progress(place, run).pages < BEGUN_PAGES:
        assert time.monotonic() < until, f"no backfill begins\n{place.state()}"
        time.sleep(_POLL_S)


def _progress(place: Rig, run: int) -> _Progress:
    with transaction(place.machine.program.engine, durable=False) as conn:
        shown = sync_runs.show(conn, run)
    assert shown is not None
    why = f"{shown['reason']} {shown['last_error']}"
    return _Progress(int(shown["pages"]), int(shown["seen"]), str(shown["state"]), why)


def _begun(place: Rig, order: Order, heard: Heard, notion: Apart) -> list[float]:
    """Seconds from each answer until the provider was asked; all become documents."""
    ids = [letters.page_id(n) for n in range(order.first, order.first + order.count)]
    until = time.monotonic() + PATIENCE_S
    while (there := _there(place, ids)) < len(ids):
        assert time.monotonic() < until, f"{there} of {len(ids)} documents\n{place.state()}"
        time.sleep(_POLL_S)
    asked = notion.first_asked()
    return [
        max(0.0, asked[f"/v1/pages/{id_}"] - answered_at)
        for id_, answered_at in zip(ids, heard.answered_at, strict=True)
    ]


def _there(place: Rig, ids: list[str]) -> int:
    query = "SELECT count(*) FROM lightfast_docs_documents WHERE source_id = ANY(%s)"
    with psycopg.connect(place.database_url) as conn:
        row = conn.execute(query, [ids]).fetchone()
    return row[0] if row else 0
