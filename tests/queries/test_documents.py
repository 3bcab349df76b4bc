"""The seed's query patterns: what each gives, page by page, against a plain list of the rows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.queries import Document, Documents, ResultPage
from ingest.queries.lists import Wanted, listed
from ingest.store import reading
from ingest.store.engine import transaction
from ingest.store.listing import FEW
from tests.factories import make_store

pytestmark = pytest.mark.integration

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
Row = TypeVar("Row")
_INSERT = sa.text("""
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   created_at, updated_at)
VALUES (:id, :store, CAST(:source AS source_type), :key, CAST(:metadata AS jsonb), :parent, :id,
        :id, :created AT TIME ZONE 'UTC', :updated AT TIME ZONE 'UTC')
""")
_REFER = sa.text("""
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id)
VALUES (:id, :kind, CAST(:source AS source_type), :key, 'text', :words, :store, :target)
""")
_LEDGER = sa.text("""
INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug)
SELECT gen_random_uuid(), id, store_id, source_type, 's', :kind, id, slug
FROM lightfast_docs_documents WHERE id = :id
""")


@dataclass
class Shelf:
    """A store's documents, and those of another store beside them."""

    conn: sa.Connection
    store: str
    other: str

    def put(self, key: str, **more: Any) -> str:
        given = {
            "id": f"{more.get('store', self.store)}-{key}",
            "store": self.store,
            "source": "linear",
            "key": key,
            "metadata": "{}",
            "parent": None,
            "created": NOON,
            "updated": NOON,
            **more,
        }
        self.conn.execute(_INSERT, given)
        return str(given["id"])

    def refer(self, document: str, kind: str, key: str, target: str | None, **more: Any) -> None:
        given = {"id": document, "kind": kind, "source": "linear", "key": key, "target": target}
        self.conn.execute(_REFER, {**given, "words": key, "store": self.store, **more})

    def documents(self, store: str | None = None) -> Documents:
        return Documents(self.conn, store or self.store)


@pytest.fixture
def shelf(engine: sa.Engine) -> Iterator[Shelf]:
    store, other = make_store(engine), make_store(engine)
    with transaction(engine) as conn:
        yield Shelf(conn, store, other)


def _all(ask: Callable[[str | None], ResultPage[Row]], most: int = 1000) -> list[Row]:
    """Every page to the end; no page is empty but an only one."""
    rows: list[Row] = []
    after: str | None = None
    for _ in range(most):
        page = ask(after)
        assert page.rows or after is None
        rows += page.rows
        after = page.after
        if after is None:
            return rows
    raise AssertionError("no end")


def _listed(
    shelf: Shelf, asked: Wanted, limit: int
) -> Callable[[str | None], ResultPage[Mapping[str, Any]]]:
    return lambda after: listed(shelf.conn, asked, after=after, limit=limit)


def _keys(documents: list[Document]) -> list[str]:
    return [one.source_id for one in documents]


@pytest.mark.parametrize("limit", [1, 3, 7, 40, 100])
def test_pages_are_whole_in_order_and_of_the_store_alone(shelf: Shelf, limit: int) -> None:
    """Many at one time: the id tells them apart."""
    drawn = random.Random(limit)
    rows = []
    for number in range(40):
        created = NOON + timedelta(hours=drawn.randrange(4), microseconds=drawn.randrange(2))
        state = drawn.choice(["todo", "done"])
        key = f"ENG-{number}"
        id_ = shelf.put(key, created=created, metadata=json.dumps({"state": state}))
        shelf.put(key, store=shelf.other, created=created)
        shelf.put(f"N-{number}", source="notion", created=created)
        rows.append((created, id_, key, state))
    rows.sort()
    documents = shelf.documents()
    found = _all(lambda after: documents.by_source("linear", after=after, limit=limit))
    assert _keys(found) == [key for *_, key, _ in rows]
    assert {one.store_id for one in found} == {shelf.store}
    found = _all(
        lambda after: documents.by_source("linear", state="done", after=after, limit=limit)
    )
    assert _keys(found) == [key for *_, key, state in rows if state == "done"]
    since, until = NOON + timedelta(hours=1), NOON + timedelta(hours=3)
    found = _all(
        lambda after: documents.in_time(
            since, until, source_type="linear", after=after, limit=limit
        )
    )
    assert _keys(found) == [key for at, _, key, _ in rows if since <= at < until]
    both = _all(lambda after: documents.in_time(since, until, after=after, limit=limit))
    assert len(both) == 2 * len(found)


def test_a_document_is_as_the_seed_writes_it(shelf: Shelf) -> None:
    metadata = {
        "type": "linear",
        "kind": "issue",
        "id": "1",
        "url": "https://linear.app/x",
        "createdAt": "2026-05-04T12:00:00Z",
        "updatedAt": "2026-05-04T12:00:00Z",
        "state": "todo",
    }
    shelf.put("ENG-1", metadata=json.dumps(metadata), updated=NOON + timedelta(days=1))
    found = shelf.documents().by_external_id("linear", "ENG-1")
    assert found is not None
    assert (found.created_at, found.updated_at) == (NOON, NOON + timedelta(days=1))
    assert found.source_metadata == metadata
    assert type(found.metadata).__name__ == "LinearDocMetadata"
    assert shelf.documents().by_id(found.id) == found
    assert shelf.documents(shelf.other).by_id(found.id) is None


def test_what_was_written_last_is_found_by_that_time(shelf: Shelf) -> None:
    for number in range(3):
        shelf.put(f"ENG-{number}", updated=NOON - timedelta(days=number))
    since = NOON - timedelta(days=1)
    page = shelf.documents().in_time(since, moment="updated_at")
    assert _keys([*page.rows]) == ["ENG-1", "ENG-0"]


def test_children_are_in_the_order_in_which_they_came_to_be(shelf: Shelf) -> None:
    parent = shelf.put("ENG-1")
    for number in (3, 1, 2):
        shelf.put(f"c{number}", parent=parent, created=NOON + timedelta(hours=number))
    shelf.put("elsewhere", store=shelf.other, parent=parent)
    documents = shelf.documents()
    found = _all(lambda after: documents.children(parent, after=after, limit=2))
    assert _keys(found) == ["c1", "c2", "c3"]


def test_relationships_are_seen_from_both_ends(shelf: Shelf) -> None:
    issue, bug = shelf.put("ENG-1"), shelf.put("ENG-2")
    shelf.refer(issue, "mention", "ENG-2", bug)
    shelf.refer(issue, "resolves", "ENG-2", bug)
    shelf.refer(issue, "mention", "ENG-404", None)
    documents = shelf.documents()
    out = _all(lambda after: documents.related(issue, after=after, limit=2))
    assert [(one.kind, one.target_key) for one in out] == [
        ("mention", "ENG-2"),
        ("mention", "ENG-404"),
        ("resolves", "ENG-2"),
    ]
    assert [one.document and one.document.source_id for one in out] == ["ENG-2", None, "ENG-2"]
    into = _all(lambda after: documents.related(bug, "in", after=after, limit=1))
    assert [(one.kind, one.document and one.document.source_id) for one in into] == [
        ("mention", "ENG-1"),
        ("resolves", "ENG-1"),
    ]
    assert documents.related(bug).rows == ()
    assert shelf.documents(shelf.other).related(issue).rows == ()


def test_a_position_serves_for_its_own_question_alone(shelf: Shelf) -> None:
    for number in range(3):
        shelf.put(f"ENG-{number}")
    documents = shelf.documents()
    after = documents.by_source("linear", limit=1).after
    assert after is not None
    for ask in (
        lambda: documents.children("x", after=after),
        lambda: documents.in_time(after=after),
        lambda: documents.related("x", after=after),
        lambda: documents.by_source("linear", after="bm9uZQ"),
        lambda: documents.by_source("linear", after="\u00e9"),
    ):
        with pytest.raises(BadInput, match="position is not one of this question"):
            ask()


def test_what_cannot_be_meant_is_told(shelf: Shelf) -> None:
    documents = shelf.documents()
    for limit in (0, -1, 1001):
        with pytest.raises(BadInput, match="give 1 to 1000"):
            documents.by_source("linear", limit=limit)
    with pytest.raises(BadInput, match=r"no source is called 'liner': give one of github, linear"):
        documents.by_source("liner")
    with pytest.raises(BadInput, match="a time without a zone"):
        documents.in_time(datetime(2026, 5, 4))  # noqa: DTZ001 - what is tested
    injected: Any = "created_at, (SELECT 1)"
    with pytest.raises(BadInput, match="give one of created_at, updated_at"):
        documents.in_time(moment=injected)
    with pytest.raises(BadInput, match="give one of out, in"):
        documents.related("x", injected)


def test_a_state_is_what_the_source_calls_one(shelf: Shelf) -> None:
    """Some say `status`; and a state of any length is stored, and found."""
    long = "waiting for " * 2_000
    shelf.put("7890", source="zendesk", metadata=json.dumps({"status": "open"}))
    shelf.put("7891", source="zendesk", metadata=json.dumps({"state": "open"}))
    shelf.put("ENG-1", metadata=json.dumps({"state": long}))
    shelf.put("ENG-2", metadata=json.dumps({"state": long + "Otto"}))
    documents = shelf.documents()
    assert _keys([*documents.by_source("zendesk", state="open").rows]) == ["7890"]
    assert _keys([*documents.by_source("linear", state=long).rows]) == ["ENG-1"]


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_list_of_all_stores_is_whole_and_in_order(shelf: Shelf, limit: int) -> None:
    """By store, source, time and id, wherever its pages end; of each filter what it says."""
    drawn = random.Random(limit)
    rows = []
    for number in range(24):
        store = drawn.choice([shelf.store, shelf.other])
        source = drawn.choice(["github", "linear", "zendesk"])
        created = NOON + timedelta(hours=drawn.randrange(3))
        id_ = shelf.put(f"{number}", store=store, source=source, created=created)
        rows.append((store, source, created, id_))
    rows.sort()
    asked = (
        (Wanted(), rows),
        (Wanted(store_id=shelf.other), [row for row in rows if row[0] == shelf.other]),
        (Wanted(source_type="linear"), [row for row in rows if row[1] == "linear"]),
        (Wanted(until=NOON + timedelta(hours=1)), [row for row in rows if row[2] == NOON]),
    )
    for one, wanted in asked:
        found = _all(_listed(shelf, one, limit))
        assert [row["id"] for row in found] == [id_ for *_, id_ in wanted], one


def test_a_kind_is_listed_the_same_whether_it_is_rare_or_not(shelf: Shelf) -> None:
    ids = []
    for number in range(12):
        id_ = shelf.put(f"ENG-{number:02}", created=NOON + timedelta(hours=12 - number))
        kind = "issue" if number % 3 else "project"
        shelf.conn.execute(_LEDGER, {"id": id_, "kind": kind})
        ids.append((id_, kind))
    wanted = [id_ for id_, kind in reversed(ids) if kind == "issue"]
    for few in (FEW, 1):
        plain = reading.listing(shelf.conn, {"kind": "issue"}, limit=5, few=few)
        assert [row["id"] for row in plain] == wanted[:5]
    found = _all(_listed(shelf, Wanted(kind="issue"), 3))
    assert [row["id"] for row in found] == wanted
