"""Look-ups against Notion's API: what is read, to the end of every list, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.notion import reading
from ingest.sources.notion.client import connect
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import (
    WORKSPACE,
    block,
    in_block,
    in_database,
    in_page,
    mention,
    rich,
)
from ingest.sources.notion.documents import documents
from ingest.sources.notion.markdown import CUT, UNREAD
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.notion.deliveries import (
    AT,
    COMMENT,
    DATABASE,
    LATER,
    NOW,
    OTHER,
    PAGE,
    SOURCE,
    client,
    deletion,
    document,
    identity,
    meant,
    seen,
    uid,
)


def paragraphs(*words: str) -> list[dict[str, Any]]:
    return [block("paragraph", rich(word)) for word in words]


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def notion(served: Fake) -> Notion:
    """An empty workspace on the running server, whose lists hold two items."""
    served.provider = Notion()
    served.requests.clear()
    served.troubles.clear()
    return served.provider


def test_a_page_is_read_with_all_that_is_in_it(served: Fake, notion: Notion) -> None:
    inner = block("bulleted_list_item", rich("deep"), children=paragraphs("deeper", "deepest"))
    said = [*paragraphs("one", "two", "three", "four"), inner]
    notion.put_page(PAGE, "Timetable", at=AT, parent=in_page(OTHER), blocks=said)
    told = document(served, "page", PAGE)
    assert told.identity == identity("page", PAGE)
    assert (told.source_id, told.title) == (PAGE, "Timetable")
    assert told.body == "one\n\ntwo\n\nthree\n\nfour\n\n- deep\n\n  deeper\n\n  deepest"
    assert told.aliases == (PAGE.replace("-", ""),)
    assert told.parent == identity("page", OTHER)
    assert told.labels is None
    assert told.metadata == {
        "type": "notion",
        "kind": "doc-page",
        "pageId": PAGE,
        "title": "Timetable",
        "url": f"https://www.notion.so/Timetable-{PAGE.replace('-', '')}",
        "lastEditedTime": "2026-03-02T08:00:00.000Z",
        "lastEditedBy": notion.pages[PAGE]["last_edited_by"]["id"],
    }


def test_an_answer_that_is_another_object_is_none(served: Fake, notion: Notion) -> None:
    """Bug: its text was written over that of the page that was asked for."""
    notion.put_page(PAGE, "Timetable", at=AT)
    sight = seen(served, "page", PAGE)
    with pytest.raises(BadPayload, match=r"page\.id"):
        meant(sight, "page", OTHER)


def test_each_request_names_the_version_and_the_token(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "Timetable", at=AT)
    document(served, "page", PAGE)
    for asked in served.requests:
        assert asked.headers["notion-version"] == "2025-09-03"
        assert asked.headers["authorization"] == f"Bearer {notion.token}"


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_base_url_may_end_in_the_prefix(served: Fake, notion: Notion, end: str) -> None:
    connected = connect(Access(served.url + end, notion.token, {}, lambda: NOW))
    assert connected.check() == "Boards of Brindle Ferries"
    connected.close()


def test_a_row_of_a_database_has_its_properties(served: Fake, notion: Notion) -> None:
    notion.put_page(
        PAGE,
        "",
        at=AT,
        parent=in_database(DATABASE, SOURCE),
        properties={
            "Site": {"id": "s", "type": "url", "url": "https://x.test/1"},
            "Blocked by": {"id": "b", "type": "relation", "relation": [{"id": OTHER}]},
        },
    )
    told = document(served, "page", PAGE)
    assert told.title == "Untitled"
    assert told.metadata["kind"] == "database-page"
    assert told.metadata["databaseId"] == DATABASE
    assert told.metadata["properties"] == {"Site": "https://x.test/1", "Blocked by": [OTHER]}
    assert told.parent == identity("database", DATABASE)
    assert told.labels == frozenset({DATABASE})
    assert told.links == ("https://x.test/1",)
    assert [(r.kind, r.key, r.evidence) for r in told.references] == [
        ("blockedBy", OTHER, "Blocked by")
    ]


def test_a_row_whose_database_is_not_told_asks_its_table(served: Fake, notion: Notion) -> None:
    notion.put_database(DATABASE, "Trains", at=AT, sources={SOURCE: "Trains"})
    parent = {"type": "data_source_id", "data_source_id": SOURCE}
    notion.put_page(PAGE, "x", at=AT, parent=parent)
    told = document(served, "page", PAGE)
    assert told.metadata["databaseId"] == DATABASE
    assert told.labels == frozenset({DATABASE})


def test_a_list_that_the_page_cuts_is_completed(served: Fake, notion: Notion) -> None:
    related = [{"id": uid(f"related/{number}")} for number in range(31)]
    people = [{"object": "user", "id": str(number)} for number in range(25)]
    notion.put_page(
        PAGE,
        "x",
        at=AT,
        parent=in_database(DATABASE, SOURCE),
        properties={
            "Trains": {"id": "t%3A", "type": "relation", "relation": related},
            "Crew": {"id": "crew", "type": "people", "people": people},
        },
    )
    notion.pages[PAGE]["properties"]["Trains"]["id"] = "t:"
    told = document(served, "page", PAGE)
    values: Any = told.metadata["properties"]
    assert values["Trains"] == [one["id"] for one in related]
    assert len(values["Crew"]) == 25
    assert len(told.references) == 31
    assert served.asked_for("/properties/t:")


def test_a_page_in_a_block_stands_on_the_page_of_that_block(served: Fake, notion: Notion) -> None:
    deep = block("column_list", children=[block("column", children=paragraphs("x"))])
    notion.put_page(OTHER, "Above", at=AT, blocks=[deep])
    (column_list,) = notion.block_ids(OTHER)
    (column,) = notion.block_ids(column_list)
    notion.put_page(PAGE, "Below", at=AT, parent=in_block(column))
    assert document(served, "page", PAGE).parent == identity("page", OTHER)
    notion.hidden.add(column_list)
    assert document(served, "page", PAGE).parent is None


def test_child_pages_are_links_and_not_read(served: Fake, notion: Notion) -> None:
    notion.put_page(OTHER, "Child", at=AT, parent=in_page(PAGE), blocks=paragraphs("secret"))
    child = {**block("child_page", title="Child"), "id": OTHER}
    notion.put_page(PAGE, "Timetable", at=AT, blocks=[child, *paragraphs("end")])
    notion.blocks[OTHER]["has_children"] = True
    told = document(served, "page", PAGE)
    assert told.body == f"[Child](https://www.notion.so/{OTHER.replace('-', '')})\n\nend"
    assert [reference.key for reference in told.references] == [OTHER]
    assert not served.asked_for(f"/blocks/{OTHER}/children")


def test_what_is_synced_is_read_once_and_its_page_mentioned(served: Fake, notion: Notion) -> None:
    original = block("synced_block", synced_from=None, children=paragraphs("shared"))
    notion.put_page(OTHER, "Origin", at=AT, blocks=[original])
    (id_,) = notion.block_ids(OTHER)
    copy = block("synced_block", synced_from={"type": "block_id", "block_id": id_})
    notion.put_page(PAGE, "Copies", at=AT, blocks=[copy, copy])
    told = document(served, "page", PAGE)
    assert told.body == "shared"
    assert [(r.key, r.evidence) for r in told.references] == [(OTHER, "synced block")]
    notion.hidden |= {id_}
    assert document(served, "page", PAGE).body == UNREAD


def test_a_synced_block_that_holds_itself_ends(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT, blocks=[block("synced_block", synced_from=None)])
    (id_,) = notion.block_ids(PAGE)
    inner = block("synced_block", synced_from={"block_id": id_})
    said = {**block("synced_block", synced_from=None, children=[inner]), "id": id_}
    notion.edit_page(PAGE, at=AT, blocks=[said])
    assert document(served, "page", PAGE).body == ""


def test_the_notes_of_a_meeting_are_read(served: Fake, notion: Notion) -> None:
    notion.put_page(
        OTHER, "x", at=AT, blocks=[block("toggle", rich("x"), children=paragraphs("a"))]
    )
    (section,) = notion.block_ids(OTHER)
    meeting = block("meeting_notes", title=[rich("Sync")], children_of=1)
    meeting["meeting_notes"]["children"] = {"summary_block_id": section, "notes_block_id": None}
    notion.put_page(PAGE, "Notes", at=AT, blocks=[meeting])
    assert document(served, "page", PAGE).body == "**Sync**\n\na"


def test_a_block_that_notion_refuses_to_read_is_marked(served: Fake, notion: Notion) -> None:
    odd = block("ai_block", children=paragraphs("x"))
    notion.put_page(PAGE, "x", at=AT, blocks=[*paragraphs("before"), odd])
    id_ = notion.block_ids(PAGE)[1]
    error = {"object": "error", "status": 400, "code": "validation_error", "message": "ai_block"}
    served.troubles.append(Trouble(Answer(400, error), path=f"/blocks/{id_}/children"))
    assert document(served, "page", PAGE).body.startswith("before\n\n")
    served.troubles[:] = [Trouble(Answer(400, error), path=f"/blocks/{PAGE}/children")]
    assert document(served, "page", PAGE).body == UNREAD


def test_a_page_without_end_is_cut_at_the_same_place_each_time(
    served: Fake, notion: Notion
) -> None:
    deep = block("toggle", rich("end"))
    for _ in range(reading.MOST_LEVELS + 5):
        deep = block("toggle", rich("deep"), children=[deep])
    notion.put_page(PAGE, "x", at=AT, blocks=[deep])
    told = document(served, "page", PAGE)
    assert told.body.endswith(CUT)
    assert "end" not in told.body.replace(CUT, "")
    assert document(served, "page", PAGE) == told


def test_a_long_page_costs_a_bounded_number_of_requests(served: Fake, notion: Notion) -> None:
    connected = client(served)
    look = reading.Reading(connected.api, left=4)
    notion.put_page(PAGE, "x", at=AT, blocks=paragraphs(*(str(n) for n in range(20))))
    found: Any = look.body(PAGE)
    connected.close()
    assert found["cut"] is True
    assert len(found["blocks"]) == 8
    assert len(served.requests) == 4


def test_a_page_of_large_blocks_is_cut_where_its_bytes_end(served: Fake, notion: Notion) -> None:
    """Five hundred answers of 32 MiB are 16 GB; the cut falls at the same place, known or not."""
    connected = client(served)
    blocks = [block("toggle", rich("x" * 2_000), children=paragraphs("y" * 2_000)) for _ in "abcde"]
    notion.put_page(PAGE, "x", at=AT, blocks=blocks)
    look = reading.Reading(connected.api, room=12_000)
    found: Any = look.body(PAGE)
    again = reading.Reading(connected.api, dict(look.lists), room=12_000)
    same: Any = again.body(PAGE)
    connected.close()
    assert found["cut"] is True
    assert found == same
    assert (look.room, look.left) == (again.room, again.left)
    assert len(served.requests) < 8


def test_a_page_in_the_trash_is_deleted_and_comes_back(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT)
    before = document(served, "page", PAGE)
    notion.trash(PAGE, at=LATER)
    gone = deletion(served, "page", PAGE)
    assert not gone.final
    assert gone.version is not None
    assert gone.version > before.version
    notion.restore(PAGE, at=LATER)
    back = document(served, "page", PAGE)
    assert back.version == gone.version  # of one minute: the later look-up wins


def test_what_is_in_the_trash_is_not_read(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT, blocks=paragraphs("a"))
    notion.trash(PAGE, at=LATER)
    deletion(served, "page", PAGE)
    assert [asked.path for asked in served.requests] == [f"/v1/pages/{PAGE}"]


def test_a_moved_page_has_its_new_parent(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT, parent=in_page(OTHER))
    notion.move(PAGE, in_database(DATABASE, SOURCE), at=LATER)
    moved = document(served, "page", PAGE)
    assert moved.parent == identity("database", DATABASE)
    assert moved.metadata["kind"] == "database-page"
    notion.move(PAGE, WORKSPACE, at=LATER)
    assert document(served, "page", PAGE).parent is None


def test_a_database_is_read_with_the_columns_of_its_tables(served: Fake, notion: Notion) -> None:
    notion.put_database(
        DATABASE,
        "Trains",
        at=AT,
        sources={SOURCE: "Trains", uid("second"): "Crews"},
        parent=in_page(PAGE),
        description=[rich("All of them, see "), mention(OTHER, "here")],
        columns=("Name", "Line"),
    )
    notion.hidden.add(uid("second"))
    told = document(served, "database", DATABASE)
    assert told.title == "Trains"
    here = f"https://www.notion.so/{OTHER.replace('-', '')}"
    assert told.body == f"All of them, see [here]({here})\n\nTrains: Line, Name"
    assert told.parent == identity("page", PAGE)
    assert told.labels == frozenset({DATABASE})
    assert told.metadata["dataSources"] == ["Trains", "Crews"]
    assert [reference.key for reference in told.references] == [OTHER]
    notion.trash(DATABASE, at=LATER)
    assert isinstance(deletion(served, "database", DATABASE), Delete)


def test_a_table_leads_to_its_database(served: Fake, notion: Notion) -> None:
    notion.put_database(DATABASE, "Trains", at=AT, sources={SOURCE: "Trains"})
    hint: dict[str, JSON] = {"parent": {"type": "data_source", "id": SOURCE}}
    change = meant(seen(served, "data_source", SOURCE), "data_source", SOURCE)
    assert change == Refresh(identity("database", DATABASE), hint)
    older = meant(seen(served, "data_source", DATABASE), "data_source", DATABASE)
    assert older.identity == identity("database", DATABASE)


def test_a_comment_stands_on_its_page_also_from_a_block(served: Fake, notion: Notion) -> None:
    notion.put_page(PAGE, "x", at=AT, blocks=paragraphs("a"))
    (id_,) = notion.block_ids(PAGE)
    notion.put_comment(COMMENT, in_block(id_), rich("See "), mention(OTHER, "this"), at=AT)
    told = document(served, "comment", COMMENT, page=PAGE)
    assert told.parent == identity("page", PAGE)
    assert told.source_id == COMMENT
    assert told.body.startswith("See [this]")
    assert told.metadata["pageId"] == PAGE
    assert told.metadata["authorName"] == "Marit"
    assert [reference.key for reference in told.references] == [OTHER]
    notion.destroy(id_)
    assert document(served, "comment", COMMENT, page=PAGE) == told
    assert document(served, "comment", COMMENT).parent is None


def test_a_comment_belongs_to_its_pages_database_where_that_counts(
    served: Fake, notion: Notion
) -> None:
    notion.put_page(PAGE, "x", at=AT, parent=in_database(DATABASE, SOURCE))
    notion.put_comment(COMMENT, in_page(PAGE), rich("x"), at=AT)
    connected = client(served, {"databaseIds": [DATABASE]})
    sight = connected.fetch_one(Lookup(identity("comment", COMMENT)))
    connected.close()
    change = meant(sight, "comment", COMMENT)
    assert isinstance(change, Upsert)
    assert change.labels == frozenset({DATABASE})
    assert document(served, "comment", COMMENT).labels is None


@pytest.mark.parametrize(
    "version",
    [
        {"archived": True, "in_trash": None},
        {"in_trash": True},
        {"in_trash": True, "archived": None},
    ],
)
def test_the_trash_is_known_in_every_version_of_the_api(version: dict[str, Any]) -> None:
    raw: JSON = {"page": {"id": PAGE, "last_edited_time": AT, **version}}
    (change,) = documents(Lookup(identity("page", PAGE), raw=raw, sent_at=NOW))
    assert isinstance(change, Delete)


def test_a_row_of_the_oldest_version_names_its_database() -> None:
    parent: JSON = {"type": "database_id", "database_id": DATABASE}
    raw: JSON = {"page": {"id": PAGE, "last_edited_time": AT, "parent": parent, "archived": False}}
    (change,) = documents(Lookup(identity("page", PAGE), raw=raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    assert change.metadata["databaseId"] == DATABASE
    assert change.parent == Identity("notion", change.identity.scope, "database", DATABASE)
    assert change.title == "Untitled"


def test_a_database_of_an_older_version_has_its_columns_itself() -> None:
    title: JSON = [rich("Trains")]
    columns: JSON = {"Name": {"type": "title"}, "Line": {"type": "select"}}
    told: dict[str, JSON] = {"id": DATABASE, "last_edited_time": AT, "title": title}
    raw: JSON = {"database": {**told, "properties": columns}}
    (change,) = documents(Lookup(identity("database", DATABASE), raw=raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    assert change.body == "Trains: Line, Name"
    assert "dataSources" not in change.metadata


@pytest.mark.parametrize(
    ("field", "odd"),
    [("created_time", "yesterday"), ("url", 7), ("parent", "x"), ("last_edited_by", "marit")],
)
def test_what_no_page_depends_on_is_as_good_as_missing(field: str, odd: JSON) -> None:
    told: dict[str, JSON] = {"id": PAGE, "last_edited_time": AT}
    found = [
        documents(Lookup(identity("page", PAGE), raw={"page": {**told, **more}}, sent_at=NOW))
        for more in ({}, {field: odd})
    ]
    assert found[0] == found[1]
