"""Each action: what it changes, whom it wakes, and that it changes nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa

from ingest.store import queue_admin
from ingest.store.engine import transaction
from tests.console.conftest import Town
from tests.console.running import token_of
from tests.flows.shelf import Library, Shelf, fill, shelved

pytestmark = pytest.mark.integration


@pytest.fixture
def library(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    shelf = Shelf()
    with shelved(shelf, monkeypatch):
        yield Library(engine, shelf)


def act(operator: httpx.Client, path: str) -> httpx.Response:
    return operator.post(path, data={"form_token": token_of(operator.get("/console"))})


def test_a_replay_makes_the_delivery_pending_and_rings(
    operator: httpx.Client, town: Town, engine: sa.Engine, rung: list[str]
) -> None:
    first, other = town.deliveries
    path = f"/console/deliveries/{first}"
    done = act(operator, f"{path}/replay")
    assert (done.status_code, done.headers["location"]) == (303, f"{path}?said=replayed")
    assert "It is processed once more" in operator.get(done.headers["location"]).text
    assert [status(engine, id_) for id_ in (first, other)] == ["pending", "processed"]
    assert {"ingest", "fetch"} <= set(rung)
    again = act(operator, f"{path}/replay")
    assert again.headers["location"] == f"{path}?said=pending"
    assert "on its way already" in operator.get(again.headers["location"]).text
    assert f'action="{path}/replay"' not in operator.get(path).text
    for missing in ("77", "x", str(2**63)):
        assert act(operator, f"/console/deliveries/{missing}/replay").status_code == 404
    assert operator.get(f"{path}/replay").status_code == 404


def status(engine: sa.Engine, id_: int) -> str:
    with transaction(engine) as conn:
        row = queue_admin.show(conn, id_)
    assert row is not None
    return str(row["status"])


def test_a_stopped_run_shows_what_it_would_take_away_and_is_confirmed(
    operator: httpx.Client, library: Library, rung: list[str]
) -> None:
    fill(library.shelf, books=10)
    library.sync()
    for number in range(4):
        library.shelf.drop("book", f"{number:04d}")
    run = library.sync()
    assert run["state"] == "stopped"
    path = f"/console/syncs/{run['id']}"
    listed = operator.get("/console/syncs").text
    assert path in listed
    page = operator.get(path).text
    assert "What it would take away" in page
    assert re.search(
        r'<th scope="row">book</th><td class="figure">10</td><td class="figure">4<', page
    )
    done = act(operator, f"{path}/confirm")
    assert done.headers["location"] == f"{path}?said=confirmed"
    assert "It goes on" in operator.get(done.headers["location"]).text
    assert (library.show(run["id"])["state"], "sync" in rung) == ("running", True)
    assert act(operator, f"{path}/confirm").status_code == 400
    assert library.finish(run["id"])["deleted"] == 4
    assert act(operator, f"{path}/cancel").status_code == 400
    assert "/cancel" not in operator.get(path).text


def test_a_run_is_cancelled(operator: httpx.Client, library: Library, rung: list[str]) -> None:
    run = library.request()
    path = f"/console/syncs/{run}"
    assert "waits for" in operator.get(path).text.lower()
    done = act(operator, f"{path}/cancel")
    assert done.headers["location"] == f"{path}?said=cancelled"
    assert library.show(run)["state"] == "cancelled"
    for action in ("confirm", "cancel"):
        for missing in ("77", "x"):
            assert act(operator, f"/console/syncs/{missing}/{action}").status_code == 404
    assert operator.get("/console/syncs/77").status_code == 404


def test_runs_are_paged(operator: httpx.Client, library: Library) -> None:
    fill(library.shelf, books=1)
    first, second = (library.sync()["id"] for _ in range(2))
    page = operator.get(f"/console/syncs?before={second}&connection={library.connection}").text
    assert f"/console/syncs/{first}" in page
    assert f"/console/syncs/{second}" not in page
