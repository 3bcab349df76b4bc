"""The console in a real Chromium: each page and action, by keyboard, in light and dark, by axe.

The screenshots of `docs/console` are taken here, with SCREENSHOTS=1.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.store import queue_admin, reading, sync_runs, text_search
from ingest.store.engine import transaction
from tests.console.browser import ENTER, TAB, Browser, browsing
from tests.console.running import PASSWORD, console
from tests.types import compiler
from tests.typescript.filled import MENTIONED, fill

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(900)]

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "docs" / "console"
MOST_BYTES = 150_000
SERIOUS = {"serious", "critical"}
WIDE, HIGH = 1180, 900
SHOWN = ("overview", "source", "deliveries", "delivery", "search", "document", "sync-runs")
"""Pages of which there is a picture in the docs, beside those of the walk."""


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's script, of npm."""
    try:
        modules = compiler.installed(
            Path(sys.prefix), os.environ.get("PATH", os.defpath), HERE / "axe"
        )
    except compiler.MissingTool as reason:
        pytest.skip(str(reason))
    return (modules / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def browser(
    database_url: str, engine: sa.Engine, rung: list[str], tmp_path: Path
) -> Iterator[Browser]:
    """A window before the log-in of a console, whose database all sources have filled."""
    for program in ("chromium", "chromedriver"):
        if os.environ.get(program.upper()) is None and shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine")
    fill(engine)
    with transaction(engine) as conn:
        for statement in _OF_TODAY:
            conn.execute(sa.text(statement))
    text_search.build(engine, "english")
    with (
        console(database_url, rung.append) as port,
        browsing(f"http://127.0.0.1:{port}", tmp_path / "profile") as made,
    ):
        made.size(WIDE, HIGH)
        made.open("/console")
        yield made


def test_the_console_in_a_browser(
    browser: Browser, engine: sa.Engine, rung: list[str], axe: str
) -> None:
    """One walk, for the database is dear: by keyboard in, through every page, each action."""
    assert browser.path == "/console/log-in?next=/console"
    judge(browser, axe)
    picture(browser, "log-in")
    log_in(browser)
    skip_to_the_content(browser)
    for name, path in pages(engine).items():
        browser.open(path)
        for scheme in ("dark", "light"):
            browser.color_scheme(scheme)
            judge(browser, axe)
            if name == "overview" or (name in SHOWN and scheme == "light"):
                picture(browser, name if scheme == "light" else f"{name}-dark")
    assert wide_as_the_window(browser)
    search(browser)
    follow_the_graph(browser, engine)
    replay(browser, engine, rung)
    confirm(browser, engine, rung, axe)
    browser.follow("header button")
    assert browser.path == "/console/log-in"
    browser.open("/console/deliveries")
    assert browser.path.startswith("/console/log-in"), "the session has ended"


def pages(engine: sa.Engine) -> dict[str, str]:
    """Every page, by the name of its picture."""
    with transaction(engine) as conn:
        (document,) = (row["id"] for row in _find(conn, "LIN-123"))
        delivery = _one(conn, "SELECT max(delivery_id) FROM lightfast_delivery_lookups")
        look_up = _one(conn, "SELECT max(lookup_id) FROM lightfast_lookup_attempts")
        source = _one(
            conn, "SELECT id FROM lightfast_connected_sources WHERE source_type = 'github'"
        )
        run = _one(conn, "SELECT max(id) FROM lightfast_sync_runs")
    below = f"/console/documents/{document}"
    return {
        "overview": "/console",
        "sources": "/console/sources",
        "source": f"/console/sources/{source}",
        "deliveries": "/console/deliveries",
        "delivery": f"/console/deliveries/{delivery}",
        "look-ups": "/console/look-ups",
        "look-up": f"/console/look-ups/{look_up}",
        "documents": "/console/documents",
        "search": "/console/documents?words=ferries",
        "document": below,
        "chunks": f"{below}/chunks",
        "children": f"{below}/children",
        "relationships": f"{below}/relationships?direction=out",
        "history": f"{below}/history",
        "sync-runs": "/console/syncs",
        "sync-run": f"/console/syncs/{run}",
        "doctor": "/console/doctor",
        "missing": "/console/nowhere",
    }


def log_in(browser: Browser) -> None:
    browser.write("#password", "not the password")
    browser.enter()
    assert "That is not the password." in browser.text()
    browser.click("#password")
    browser.press(PASSWORD)
    browser.enter()
    assert browser.path == "/console"


def skip_to_the_content(browser: Browser) -> None:
    """The first stop of the keyboard is the way past the navigation, and it can be seen."""
    browser.open("/console")
    browser.press(TAB)
    assert browser.run("return document.activeElement.textContent") == "Skip to the content"
    place = browser.run("const r = document.activeElement.getBoundingClientRect(); return r.left")
    assert place >= 0
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(ENTER)
    assert browser.run("return document.activeElement.id") == "main"


def judge(browser: Browser, axe: str) -> None:
    """What axe-core finds, and what the policy let the browser refuse."""
    found: dict[str, Any] = browser.run_async(
        axe + "\nconst done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']}).then(done);"
    )
    wrong = [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]
    assert not wrong, browser.path
    styled = browser.run("return getComputedStyle(document.querySelector('.skip')).position")
    assert styled == "absolute", "the style sheet was refused"
    assert not browser.run("return document.scripts.length")


def wide_as_the_window(browser: Browser) -> bool:
    """Tables scroll by themselves, never the page."""
    return bool(
        browser.run("return document.documentElement.scrollWidth <= document.body.clientWidth")
    )


def search(browser: Browser) -> None:
    browser.open("/console/documents")
    browser.write("#key", "lin-123")
    browser.enter()
    assert "Search finds yesterday's ferries" in browser.text()
    browser.open("/console/documents")
    browser.write("#words", "yesterday ferries")
    browser.enter()
    assert browser.has("mark")
    browser.follow("tbody th a")
    assert browser.path.startswith("/console/documents/")


def follow_the_graph(browser: Browser, engine: sa.Engine) -> None:
    """Its boxes are links, which the keyboard reaches too."""
    with transaction(engine) as conn:
        (document,) = (row["id"] for row in _find(conn, "LIN-123"))
    browser.open(f"/console/documents/{document}")
    drawn = browser.run("return document.querySelector('svg').textContent")
    assert all(key in drawn for key in MENTIONED)
    browser.run("document.querySelector('svg a').focus()")
    browser.enter()
    assert browser.path != f"/console/documents/{document}"
    assert browser.path.startswith("/console/documents/")


def replay(browser: Browser, engine: sa.Engine, rung: list[str]) -> None:
    with transaction(engine) as conn:
        id_ = _one(conn, "SELECT max(id) FROM lightfast_webhook_deliveries")
    browser.open(f"/console/deliveries/{id_}")
    browser.follow(".actions button")
    assert "It is processed once more" in browser.text("[role=status]")
    with transaction(engine) as conn:
        row = queue_admin.show(conn, id_)
    assert row is not None
    assert row["status"] == "pending"
    assert "ingest" in rung


def confirm(browser: Browser, engine: sa.Engine, rung: list[str], axe: str) -> None:
    """A run that would take away much asks, and shows what."""
    with transaction(engine) as conn:
        id_ = _one(conn, _STOP)
        conn.execute(sa.text(_SEEN), {"id": id_})
    browser.open(f"/console/syncs/{id_}")
    judge(browser, axe)
    picture(browser, "sync-run-asks")
    browser.follow(".actions button.grave")
    assert "It goes on" in browser.text("[role=status]")
    with transaction(engine) as conn:
        found = sync_runs.show(conn, id_)
    assert found is not None
    assert (found["state"], found["confirmed"]) == ("running", True)
    assert "sync" in rung
    browser.follow(".actions button")
    assert "It has ended" in browser.text("[role=status]")


def picture(browser: Browser, name: str) -> None:
    """Kept in docs where they are asked for: each run's is another."""
    taken = browser.screenshot()
    assert len(taken) < MOST_BYTES, name
    if os.environ.get("SCREENSHOTS"):
        PICTURES.mkdir(exist_ok=True)
        (PICTURES / f"{name}.png").write_bytes(taken)


def _find(conn: sa.Connection, key: str) -> list[dict[str, Any]]:
    return reading.find(conn, key, {"linear": key})


def _one(conn: sa.Connection, query: str) -> Any:
    return conn.execute(sa.text(query)).scalar_one()


_OF_TODAY = (
    """UPDATE lightfast_webhook_deliveries
       SET received_at = settled_at - make_interval(secs => 0.05 + id % 9 / 20.0)""",
    """UPDATE lightfast_connected_sources
       SET display_name = replace(initcap(CAST(source_type AS text)), \'Github\', \'GitHub\')
                          || \' of Brindle Ferries\'""",
)
_STOP = """
UPDATE lightfast_sync_runs r SET state = 'stopped', finished_at = NULL,
  reason = 'it misses 7 of 18 issues; look at the plan, then: ingest sync --confirm ' || r.id,
  plan = '{"standing": {"issue": 18, "file": 41}, "missing": {"issue": 7}, "left": {},
           "named": {"issue": ["brindle-ferries/departures#3", "brindle-ferries/departures#8"]},
           "skipped": {}, "share": 0.1186}'
WHERE id = (SELECT max(r.id) FROM lightfast_sync_runs r
            JOIN lightfast_connected_sources s ON s.id = r.connection_id
            WHERE s.source_type = 'github')
RETURNING id
"""
_SEEN = "INSERT INTO lightfast_sync_seen VALUES (:id, gen_random_uuid())"
