"""The reference says what the code says: pages that are made of it, and one by hand."""

from __future__ import annotations

import re

import pytest

from ingest.settings import Settings
from ingest.sources.registry import source
from ingest.store.tables import METADATA
from ingest.store.tables.views import VIEWS
from ingest.variables import VARIABLES
from ingest.web import answers
from tests.docs import events_told, reference, schema_text
from tests.docs.pages import ROOT
from tests.docs.wanted import EVENTS
from tests.docs.writers import WRITERS

WEB, RECEIVING = ROOT / "src" / "ingest" / "web", ROOT / "src" / "ingest" / "flows" / "receiving"
STATUS = re.compile(r"(?:status=|b\"HTTP/1\.1 |_refuse\()(\d{3})")
HTTP = (reference.REFERENCE / "http.md").read_text("utf-8")
DEFAULTS = {
    "INGEST_DATA_DIR": "data_dir",
    "INGEST_KEEP_CHANGES_DAYS": "keep_changes_days",
    "INGEST_KEEP_DELIVERIES_DAYS": "keep_deliveries_days",
    "INGEST_LEASE_SECONDS": "lease_s",
    "INGEST_LOG_LEVEL": "log_level",
    "INGEST_MAX_BODY_BYTES": "max_body_bytes",
    "INGEST_SYNC_ASK_SHARE": "sync_ask_share",
}
"""The field of the settings that each of these fills."""


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_that_the_code_makes_is_as_it_makes_it(name: str) -> None:
    """Else: `make reference`."""
    there = (reference.REFERENCE / name).read_text("utf-8")
    assert there == reference.PAGES[name]()


@pytest.mark.parametrize(("name", "field"), DEFAULTS.items())
def test_a_default_is_the_settings_own(name: str, field: str) -> None:
    said = VARIABLES[name][1].strip("`").partition(" ")[0]
    own = getattr(Settings(), field)
    assert said == (f"{own:g}" if isinstance(own, float) else str(own))


def test_every_table_and_view_is_told_of_in_words() -> None:
    told = schema_text.told()
    assert told.keys() == METADATA.tables.keys() | VIEWS.tables.keys()
    assert not [name for name, one in told.items() if not one.says]
    assert {name for name, one in told.items() if one.part == "views for readers"} == {
        *VIEWS.tables
    }


def test_every_table_has_those_who_write_it() -> None:
    assert {f"lightfast_{name}" for name in WRITERS} == METADATA.tables.keys()


def test_every_index_stands_on_the_page() -> None:
    page = (reference.REFERENCE / "tables.md").read_text("utf-8")
    names = {str(one.name) for own in METADATA.tables.values() for one in own.indexes}
    assert len(names) > 60
    assert names == {*re.findall(r"^CREATE (?:UNIQUE )?INDEX (\w+)", page, re.MULTILINE)}


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_that_is_asked_for_has_its_outcome(name: str) -> None:
    found = {one.event for one in events_told.told(name)}
    assert not [
        wanted
        for wanted in EVENTS[name]
        if not any(event == wanted or event.startswith(f"{wanted}.") for event in found)
    ]


@pytest.mark.parametrize("name", EVENTS)
def test_no_event_is_told_both_to_become_something_and_to_be_left_alone(name: str) -> None:
    told = {one.event for one in events_told.told(name) if "skipped" not in one.outcome.with_token}
    assert told
    assert not told & source(name).ignored.keys()


def test_http_has_every_route_and_no_other() -> None:
    told = {*re.findall(r"^\| `(?:GET|POST) (/[^`]*)` \|", HTTP, re.MULTILINE)}
    ours = {*re.findall(r'Route\("([^"]+)"', (WEB / "app.py").read_text("utf-8"))}
    assert len(ours) == 6
    assert told == ours


def test_http_has_every_status_and_no_other() -> None:
    told = {int(status) for status in re.findall(r"^\| (\d{3}) \|", HTTP, re.MULTILINE)}
    files = (*WEB.glob("*.py"), *RECEIVING.glob("*.py"))
    said = {int(one) for path in files for one in STATUS.findall(path.read_text("utf-8"))}
    by_class = {status for _, status in answers._STATUS}
    assert said >= {408, 413, 415, 431}
    of_starlette = {405}
    assert told == {200} | said | by_class | of_starlette
