"""One tenant's flood and the others: they are served meanwhile, by real hands on real rows."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core import bounds
from ingest.core.bounds import MAX_BODY_CHARS
from ingest.core.references import extract
from ingest.flows.deliveries import drain
from ingest.flows.deliveries.drain import FEW_BYTES, FEW_ROWS, drain_deliveries
from ingest.flows.deliveries.normalise import prepare
from ingest.flows.documents import render
from ingest.store import claiming
from ingest.store.claiming import DEAR_BYTES, Claim
from tests.factories import connect
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import TWIN_REPOSITORY, Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration

PATIENCE_S = 60


@pytest.fixture
def hostile(engine: sa.Engine) -> str:
    return connect(engine, "github", {"githubRepoId": str(TWIN_REPOSITORY)})


@pytest.fixture
def honest(engine: sa.Engine) -> str:
    return connect(engine, "github")


def large(number: int, size: int, words: str) -> Sent:
    """An issue whose text is of so many bytes, full of references."""
    text = words * (size // len(words.encode()))
    return halcyon.issue(number, repository_id=TWIN_REPOSITORY, repository="hostile/x", body=text)


def unfinished(desk: Desk, connection: str) -> int:
    (row,) = desk.rows(
        "SELECT count(*) AS n FROM lightfast_webhook_deliveries"
        " WHERE status = 'pending' AND connection_id = :id",
        id=connection,
    )
    return int(row["n"])


def test_while_one_hand_has_a_large_text_the_other_serves_whoever_comes(
    desk: Desk, engine: sa.Engine, hostile: str, honest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first large text takes until all others are served; they come while it is worked on."""
    real, begun, served = extract, threading.Event(), threading.Event()

    def slow(text: str, *given: Any) -> Any:
        if len(text) > DEAR_BYTES // 2:
            begun.set()
            assert served.wait(PATIENCE_S)
        return real(text, *given)

    monkeypatch.setattr(render, "extract", slow)
    desk.deliver(hostile, *(large(n, 2 * DEAR_BYTES, "nothing is meant here\n") for n in (1, 2)))
    with ThreadPoolExecutor(1) as other:
        drained = other.submit(drain_deliveries, engine, go_on=lambda: True)
        assert begun.wait(PATIENCE_S)
        for number in range(1, 4):
            (id_,) = desk.deliver(honest, halcyon.issue(number))
            for _ in range(PATIENCE_S * 10):
                if desk.delivery(id_)["status"] == "processed":
                    break
                threading.Event().wait(0.1)
            assert desk.delivery(id_)["status"] == "processed"
            assert unfinished(desk, hostile) == 2
        served.set()
        assert drained.result(PATIENCE_S).settled == {"processed": 5}


@pytest.mark.parametrize(
    ("count", "size", "wanted"), [(1, 100, 1), (FEW_ROWS + 1, 100, 2), (1, FEW_BYTES, 2)]
)
def test_what_is_little_is_done_by_one_thread_and_for_much_there_is_another(
    desk: Desk,
    engine: sa.Engine,
    honest: str,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    size: int,
    wanted: int,
) -> None:
    """Where another is wanted, the first waits until it has looked."""
    looked: Counter[int] = Counter()
    claims, another = claiming.claim, threading.Event()

    def claim(*given: Any, **more: Any) -> Claim:
        looked[threading.get_ident()] += 1
        if len(looked) > 1:
            another.set()
        return claims(*given, **more)

    def patient(*given: Any) -> Any:
        assert wanted == 1 or another.wait(PATIENCE_S)
        return prepare(*given)

    monkeypatch.setattr(claiming, "claim", claim)
    monkeypatch.setattr(drain, "prepare", patient)
    desk.deliver(honest, *(halcyon.issue(n, body="x" * size) for n in range(1, count + 1)))
    drain_deliveries(engine, go_on=lambda: True)
    assert len(looked) == wanted


def test_a_flood_of_small_deliveries_ends_after_those_behind_it(
    desk: Desk, engine: sa.Engine, hostile: str, honest: str
) -> None:
    flood = [
        halcyon.issue(n, repository_id=TWIN_REPOSITORY, repository="hostile/x") for n in range(120)
    ]
    desk.deliver(hostile, *flood)
    ids = desk.deliver(honest, *(halcyon.issue(n) for n in range(1, 4)))
    rounds = iter([True, False])
    drain_deliveries(engine, go_on=lambda: next(rounds), rows=20, threads=1)
    assert {desk.delivery(id_)["status"] for id_ in ids} == {"processed"}
    assert unfinished(desk, hostile) == 120 - 17


@pytest.mark.parametrize(
    ("size", "scale"),
    [(100_000, 48), pytest.param(20_000_000, 1, marks=pytest.mark.slow)],
    ids=["small", "whole"],
)
@pytest.mark.parametrize("words", ["see #1 and ENG-2 ", "文書の参照", "a\u0316\u0300\u0316"])
def test_large_texts_end_with_what_was_cut_of_them_told(
    desk: Desk,
    engine: sa.Engine,
    hostile: str,
    honest: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    size: int,
    scale: int,
    words: str,
) -> None:
    """The small version has bounds as much smaller as its texts are."""
    limit = MAX_BODY_CHARS // scale
    monkeypatch.setattr(bounds, "MAX_BODY_CHARS", limit)
    monkeypatch.setattr(claiming, "DEAR_BYTES", DEAR_BYTES // scale)
    ids = desk.deliver(hostile, *(large(n, size, words) for n in range(1, 5)))
    ours = desk.deliver(honest, *(halcyon.issue(n) for n in range(1, 50)))
    drain_deliveries(engine, go_on=lambda: True)
    assert {desk.delivery(id_)["status"] for id_ in ours} == {"processed"}
    for id_ in ids:
        row = desk.delivery(id_)
        assert (row["status"], row["setbacks"], row["attempts"]) == ("processed", 0, 1)
        assert f"cut: the text after {limit:,} of " in row["reason"]
    chunks = "SELECT text FROM lightfast_document_chunks WHERE text LIKE '%… cut here: %'"
    assert len(desk.rows(chunks)) == 4
