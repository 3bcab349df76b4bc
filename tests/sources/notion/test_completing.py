"""What a page's own answer cuts is read whole by its own endpoint, or it is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ingest.core.changes import Refresh, Upsert
from ingest.core.errors import RateLimited, Refused
from ingest.sources.contract import Lookup
from ingest.sources.later import fresh
from ingest.sources.notion.completing import completed
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import in_database, mention, reckoned, rich
from ingest.sources.notion.documents import documents
from ingest.sources.notion.markdown import CUT
from ingest.sources.notion.reading import Reading
from ingest.sources.wire import mapping
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.notion.deliveries import (
    AT,
    DATABASE,
    OTHER,
    PAGE,
    SOURCE,
    client,
    document,
    identity,
    page,
    page_document,
    seen,
    uid,
)

NUMBERS = [{"type": "number", "number": number} for number in range(40)]
ALL = {"type": "array", "array": NUMBERS, "function": "show_original"}
REFUSED = Answer(403, {"object": "error", "status": 403, "code": "restricted_resource"})


def related(number: int) -> dict[str, Any]:
    ids = [{"id": uid(f"related/{n}")} for n in range(number)]
    return {"id": "rel", "type": "relation", "relation": ids}


def count(whole: Any, short: Any, *, function: str = "count") -> dict[str, Any]:
    """A rollup to a number, as it is and as the page reckons it."""
    told = [{"type": "number", "number": one, "function": function} for one in (whole, short)]
    return reckoned("rollup", function, *told)


def formula(whole: str, short: str) -> dict[str, Any]:
    told = [{"type": "string", "string": one} for one in (whole, short)]
    return reckoned("formula", "formula", *told)


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def notion(served: Fake) -> Notion:
    served.provider = Notion(page_size=100)
    served.requests.clear()
    served.troubles.clear()
    return served.provider


def row(served: Fake, **properties: Any) -> Upsert:
    """The document of a row with these properties."""
    parent, notion = in_database(DATABASE, SOURCE), served.provider
    assert isinstance(notion, Notion)
    notion.put_page(PAGE, "Row", at=AT, parent=parent, properties=properties)
    return document(served, "page", PAGE)


def values(served: Fake, **properties: Any) -> dict[str, Any]:
    told = told_of(row(served, **properties))
    return {name: value for name, value in told.items() if name in properties}


def told_of(of: Upsert) -> dict[str, Any]:
    told: Any = of.metadata.get("properties")
    return told or {}


def asked_for(served: Fake) -> list[str]:
    return [asked.path.rpartition("/")[2] for asked in served.asked_for("/properties/")]


def test_what_goes_over_more_than_25_things_is_told_whole(served: Fake, notion: Notion) -> None:
    """Bug: the relation alone was completed; what is reckoned from it was of the first 25."""
    told = values(
        served,
        Refs=related(40),
        All=reckoned("rollup", "d%3Ad", ALL),
        Count=count(40, 25),
        Sum=count(780, 300, function="sum"),
        Words=formula("40 trains", "25 trains"),
    )
    assert told == {
        "Refs": [one["id"] for one in related(40)["relation"]],
        "All": [*range(40)],
        "Count": 40,
        "Sum": 780,
        "Words": "40 trains",
    }


def test_a_row_of_few_things_costs_no_further_request(served: Fake, notion: Notion) -> None:
    told = values(served, Refs=related(24), Count=count(24, 24), Words=formula("24", "24"))
    assert (told["Count"], told["Words"]) == (24, "24")
    assert asked_for(served) == []


def test_a_rollup_over_a_relation_that_is_not_shown_is_asked_for(
    served: Fake, notion: Notion
) -> None:
    """A relation to a database that is not shared is left out of the page."""
    assert values(served, Count=count(40, 25), Words=formula("40", "25")) == {
        "Count": 40,
        "Words": "40",
    }


@pytest.mark.parametrize(
    "whole",
    [
        {"type": "date", "date": {"start": "2026-03-02", "end": None, "time_zone": None}},
        {"type": "string", "string": "x"},
        {"type": "number", "number": 0, "function": "percent_checked"},
    ],
)
def test_a_rollup_comes_to_whatever_its_function_gives(
    served: Fake, notion: Notion, whole: dict[str, Any]
) -> None:
    short = {"type": "number", "number": 7}
    told = values(served, Refs=related(30), Last=reckoned("rollup", "last", whole, short))
    shown = whole[whole["type"]]
    assert told["Last"] == ({"start": "2026-03-02"} if isinstance(shown, dict) else shown)


@pytest.mark.parametrize("type_", ["incomplete", "unsupported", "novel"])
def test_what_notion_does_not_reckon_is_left_out(served: Fake, notion: Notion, type_: str) -> None:
    whole = {"type": type_, type_: {}, "function": "median"}
    short = {"type": "number", "number": 7}
    told = values(
        served,
        Refs=related(30),
        Median=reckoned("rollup", "median", whole, short),
        Words=reckoned("formula", "words", whole, {"type": "number", "number": 7}),
    )
    assert told.keys() == {"Refs"}


def test_unique_values_are_told_once(served: Fake, notion: Notion) -> None:
    names = [{"type": "select", "select": {"name": f"line {n % 3}"}} for n in range(40)]
    whole = {"type": "array", "array": names, "function": "show_unique"}
    told = values(served, Refs=related(40), Lines=reckoned("rollup", "lines", whole))
    assert told["Lines"] == ["line 0", "line 1", "line 2"]


def test_items_of_a_rollup_that_are_lists_read_as_on_the_page(served: Fake, notion: Notion) -> None:
    """Its endpoint tells one text, one person, one page at a time."""
    one = [{"type": "title", "title": rich(f"t{n}")} for n in range(26)]
    whole = {"type": "array", "array": one, "function": "show_original"}
    short = {"type": "array", "array": [{"type": "title", "title": [rich("t0")]}] * 25}
    told = values(served, Refs=related(26), Names=reckoned("rollup", "names", whole, short))
    assert told["Names"] == [f"t{n}" for n in range(26)]


def test_a_list_within_a_list_that_may_be_cut_is_left_out(served: Fake, notion: Notion) -> None:
    people = {"type": "people", "people": [{"id": str(n)} for n in range(25)]}
    crews = {"type": "array", "array": [people], "function": "show_original"}
    more = {"type": "relation", "relation": [{"id": OTHER}], "has_more": True}
    rails = {"type": "array", "array": [more], "function": "show_original"}
    told = values(
        served,
        Refs=related(2),
        Crews=reckoned("rollup", "crews", crews),
        Rails=reckoned("rollup", "rails", rails),
    )
    assert told.keys() == {"Refs"}
    assert sorted(asked_for(served)) == ["crews", "rails"]


CUT_LISTS: dict[str, dict[str, Any]] = {
    "rel": related(40),
    "people": {
        "id": "people",
        "type": "people",
        "people": [{"object": "user", "id": str(n)} for n in range(40)],
    },
    "text": {"id": "text", "type": "rich_text", "rich_text": [mention(OTHER, "x")] * 40},
    "count": count(40, 25),
    "formula": formula("40", "25"),
    "all": reckoned("rollup", "all", ALL),
}


@pytest.mark.parametrize("name", CUT_LISTS)
@pytest.mark.parametrize("answer", [REFUSED, Answer(404, {}), Answer(400, {}), Answer(200, {})])
def test_what_its_endpoint_does_not_give_is_left_out(
    served: Fake, notion: Notion, name: str, answer: Answer
) -> None:
    """Bug: the first 25 stood as if they were all."""
    served.troubles.append(Trouble(answer, f"/properties/{name}", times=9))
    told = row(served, **CUT_LISTS)
    assert told_of(told).keys() - {"Name"} == CUT_LISTS.keys() - {name}
    assert not (name == "rel" and [r for r in told.references if r.kind == "relatedTo"])


def test_a_property_that_fails_now_keeps_no_page_away_and_is_asked_for_again(
    served: Fake, notion: Notion
) -> None:
    """Notion gives up on a rollup that is too large: for ever the whole page would wait for it."""
    row(served, **CUT_LISTS)
    served.requests.clear()
    served.troubles.append(Trouble(Answer(504, {}), "/properties/", times=9))
    sight = seen(served, "page", PAGE)
    assert len(served.asked_for("/properties/")) == 1, "what takes a minute to fail is tried once"
    told, later = documents(Lookup(identity("page", PAGE), raw=sight.raw))
    assert isinstance(told, Upsert)
    assert told_of(told).keys().isdisjoint(CUT_LISTS)
    assert isinstance(later, Refresh)
    assert later.after_s > 0
    served.troubles.clear()
    assert told_of(document(served, "page", PAGE)).keys() >= CUT_LISTS.keys()
    given_up = Lookup(identity("page", PAGE), {**fresh(), "again": 9}, raw=sight.raw)
    assert len(documents(given_up)) == 1


@pytest.mark.parametrize("answer", [Answer(429, {}, {"retry-after": "3"}), Answer(401, {})])
def test_a_limit_or_a_refusal_of_the_token_is_no_failure_of_a_property(
    served: Fake, notion: Notion, answer: Answer
) -> None:
    row(served, **CUT_LISTS)
    served.troubles.append(Trouble(answer, "/properties/"))
    with pytest.raises((RateLimited, Refused)):
        seen(served, "page", PAGE)


def test_of_a_title_the_beginning_says_that_it_is_one(served: Fake, notion: Notion) -> None:
    title = {"id": "title", "type": "title", "title": [rich("a")] * 40}
    notion.put_page(PAGE, "x", at=AT)
    notion.pages[PAGE]["properties"] = {"Name": title}
    assert document(served, "page", PAGE).title == "a" * 40
    served.troubles.append(Trouble(REFUSED, "/properties/title"))
    assert document(served, "page", PAGE).title == "a" * 25 + "…"


def test_a_list_that_does_not_say_where_it_goes_on_is_not_whole(
    served: Fake, notion: Notion
) -> None:
    item = {"object": "property_item", "type": "relation", "relation": {"id": OTHER}}
    nowhere = {"object": "list", "results": [item], "has_more": True, "next_cursor": None}
    served.troubles.append(Trouble(Answer(200, nowhere), "/properties/rel"))
    told = row(served, rel=related(40))
    assert "rel" not in told_of(told)


def test_a_list_that_takes_too_many_requests_is_left_out(served: Fake, notion: Notion) -> None:
    notion.page_size = 2
    row(served, rel=related(6))
    notion.pages[PAGE]["properties"]["rel"] = related(40)
    connected = client(served)
    reading = Reading(connected.api, left=5)
    told = reading.own(f"pages/{PAGE}")
    assert told is not None
    assert mapping(completed(reading, told), "properties").keys() == {"Name"}
    assert reading.is_cut
    connected.close()


def test_a_database_of_more_tables_than_are_read_says_so(served: Fake, notion: Notion) -> None:
    """Bug: it showed the first twenty, and nothing said that there are more."""
    tables = {uid(f"table/{n}"): f"Table {n}" for n in range(30)}
    notion.put_database(DATABASE, "Trains", at=AT, sources=tables)
    told = document(served, "database", DATABASE)
    assert all(f"Table {n}" in told.body for n in range(30))
    assert CUT not in told.body


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"is_archived": True, "in_trash": False, "archived": False}, True),
        ({"is_archived": True, "in_trash": False}, True),
        ({"is_archived": False}, None),
        ({"is_archived": 7}, None),
        ({}, None),
    ],
)
def test_an_archived_page_is_there_and_says_so(told: dict[str, Any], shown: bool | None) -> None:
    """Since July 2026 a page can be put away without being thrown away."""
    assert page_document(page(**told)).metadata.get("isArchived") is shown
