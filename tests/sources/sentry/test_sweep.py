"""The sweep: what moves no time of an issue is found by what the rows of the list tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ingest.core.values import JSON
from ingest.sources.sentry import places
from ingest.sources.sentry.places import Place, compared, known_prints, place_of, print_of
from tests.sources.sentry.organizations import Halcyon, fetched, halcyon, told_of


@pytest.fixture
def org() -> Iterator[Halcyon]:
    with halcyon(7, page_size=3) as made:
        yield made


@pytest.fixture(scope="module")
def unmoved() -> Iterator[Halcyon]:
    with halcyon(7, page_size=3) as made:
        yield made


def _kept(org: Halcyon, kept: JSON = None) -> JSON:
    return org.pages("states", kept=kept)[-1].kept


def test_the_first_sweep_remembers_and_tells_nothing(org: Halcyon) -> None:
    assert org.listed("states") == []
    kept = _kept(org)
    assert len(known_prints(kept) or ()) == 7
    assert org.listed("states", kept=kept) == []


def test_what_moves_no_time_is_told_whole(org: Halcyon) -> None:
    kept, ids = _kept(org), sorted(org.ids())
    org.sentry.edit(ids[0], status="resolved", statusDetails={"inNextRelease": True})
    org.sentry.edit(ids[1], assignedTo={"type": "user", "id": "9", "name": "Sigrid"})
    org.sentry.comment(ids[2], {"id": "5", "text": "Mine.", "dateCreated": "2026-03-02T13:00:00Z"})
    org.sentry.link(ids[3], "https://linear.app/halcyon/issue/ENG-12")
    before = len(org.requests)
    pages = org.pages("states", kept=kept)
    assert {one.identity.id for page in pages for one in page.listed} == {*ids[:4]}
    assert len(org.requests) - before == 3 + 4 * 3
    for one in (one for page in pages for one in page.listed):
        assert told_of(one) == fetched(org.client, one.identity.id)
    assert org.listed("states", kept=pages[-1].kept) == []


def test_a_rename_of_the_project_is_a_change_of_every_issue(org: Halcyon) -> None:
    kept = _kept(org)
    org.sentry.rename_project("web", "site")
    assert {*org.listed("states", kept=kept)} == org.ids()


def test_another_event_is_no_change_for_the_sweep(org: Halcyon) -> None:
    kept, ids = _kept(org), sorted(org.ids())
    event = {"id": "e", "dateCreated": "2026-03-03T00:00:00Z", "tags": [], "entries": []}
    org.sentry.add_event(ids[3], event)
    assert org.listed("states", kept=kept) == []


def test_a_print_is_of_what_a_document_holds_and_no_event_moves() -> None:
    row: dict[str, Any] = {"id": "1", "status": "resolved"}
    assert print_of(row) != print_of({**row, "status": "unresolved"})
    assert print_of(row) != print_of({**row, "id": "2"})
    assert print_of(row) == print_of({**row, "lastSeen": "2026-03-02T00:00:00Z", "count": "9"})


def test_rows_beyond_those_that_are_remembered_are_left_to_full_runs() -> None:
    rows: list[dict[str, JSON]] = [{"id": str(number)} for number in range(4)]
    ids = tuple(str(row["id"]) for row in rows)
    for named, within in ((4, 4), (places.MOST_PRINTS + 1, 3), (places.MOST_PRINTS + 9, 0)):
        found = compared(Place("501", ids, named=named), rows, {"prints": print_of({"id": "x"})})
        assert found.left == ids[:within]
        assert found.prints == "".join(map(print_of, rows[:within]))
    assert len(print_of(rows[0])) * places.MOST_PRINTS < 200_000  # of a cursor, at its end


@pytest.mark.parametrize("junk", [None, 7, [], {}, {"project": ""}, {"project": 1, "left": ["/"]}])
def test_a_cursor_that_is_junk_is_a_beginning(unmoved: Halcyon, junk: JSON) -> None:
    assert place_of(junk) is None
    assert unmoved.page(cursor=junk).listed


@pytest.mark.parametrize("junk", [7, [], {}, {"prints": None}])
def test_what_is_kept_and_junk_is_nothing_kept(unmoved: Halcyon, junk: JSON) -> None:
    assert unmoved.listed("states", kept=junk) == []
