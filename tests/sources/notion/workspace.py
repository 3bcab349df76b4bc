"""A workspace with one of everything that a listing has to find, and walks through its lists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.core.changes import Change, Refresh
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.sources.notion.client import NotionClient
from ingest.sources.notion.demo.fake import TOKEN, Notion
from ingest.sources.notion.demo.shapes import (
    Object,
    block,
    in_block,
    in_database,
    in_page,
    mention,
    rich,
)
from ingest.sources.notion.documents import documents
from ingest.testing.fakes import Answer, Asked
from ingest.testing.walking import MOST_PAGES
from tests.sources.notion.deliveries import AT, LATER, SCOPE, uid

CONNECTION: Mapping[str, JSON] = {
    "type": "notion",
    "notionWorkspaceId": SCOPE,
    "notionWorkspaceName": "Halcyon Rail",
    "databaseIds": [],
}
TRAINS, CREWS, HIDDEN, OLD = (uid(f"database/{name}") for name in ("a", "b", "c", "old"))
LINES, STOPS, SHIFTS, SECRETS = (uid(f"table/{name}") for name in ("a", "a2", "b", "c"))
HOME, GUIDE, DEEP, THROWN, ALONE = (
    uid(f"pages/{name}") for name in ("home", "guide", "deep", "thrown", "alone")
)
ROWS = tuple(uid(f"rows/{number}") for number in range(7))
ARCHIVED, SHIFT, SECRET = (uid(f"rows/{name}") for name in ("archived", "shift", "secret"))
ON_PAGE, ON_ROW, ON_BLOCK, ON_SECRET, RESOLVED = (
    uid(f"comments/{name}") for name in ("page", "row", "block", "secret", "resolved")
)


def connection(*databases: str) -> dict[str, JSON]:
    """The metadata of a connection that wants these databases, all where none is named."""
    return {**CONNECTION, "databaseIds": [*databases]}


def stands_for(kind: str, id_: str, title: str) -> Object:
    """The block by which a page or a database stands in a page."""
    return {**block(f"child_{kind}", title=title), "id": id_}


def inhabited(page_size: int = 100) -> Notion:
    """One of everything. Not in the search: what stands in `GUIDE`, and a database in `DEEP`."""
    notion = Notion(page_size=page_size)
    notion.put_database(TRAINS, "Trains", at=AT, sources={LINES: "Lines", STOPS: "Stops"})
    notion.put_database(CREWS, "Crews", at=AT, sources={SHIFTS: "Shifts"}, parent=in_page(HOME))
    notion.put_database(HIDDEN, "Secrets", at=AT, sources={SECRETS: "Secrets"})
    notion.put_database(OLD, "Old", at=AT, sources={uid("table/old"): "Old"})
    notion.trash(OLD, at=LATER)
    _pages(notion)
    _rows(notion)
    _comments(notion)
    notion.unindexed |= {DEEP, SECRETS, SECRET, ROWS[3]}
    return notion


def _pages(notion: Notion) -> None:
    deep = block("toggle", rich("a"), children=[block("toggle", rich("b"), children=[_leaf("c")])])
    notion.put_page(
        HOME, "Home", at=AT, blocks=[_leaf("Hello"), stands_for("database", CREWS, "Crews"), deep]
    )
    original = block("synced_block", synced_from=None, children=[_leaf("said twice")])
    notion.put_page(
        GUIDE,
        "Guide",
        at=AT,
        parent=in_page(HOME),
        blocks=[
            block("toggle", rich("more"), children=[stands_for("page", DEEP, "Deep")]),
            original,
            *(_leaf(f"step {number}") for number in range(5)),
        ],
    )
    synced = notion.block_ids(GUIDE)[1]
    copy = block("synced_block", synced_from={"type": "block_id", "block_id": synced})
    toggle = notion.block_ids(GUIDE)[0]
    notion.put_page(
        DEEP,
        "Deep",
        at=AT,
        parent=in_block(toggle),
        blocks=[copy, stands_for("database", HIDDEN, "Secrets")],
    )
    notion.put_page(ALONE, "", at=AT)
    notion.put_page(THROWN, "Thrown away", at=AT)
    notion.trash(THROWN, at=LATER)


def _rows(notion: Notion) -> None:
    related: list[Any] = [{"id": uid(f"related/{number}")} for number in range(31)]
    long: Object = {"id": "rel", "type": "relation", "relation": related}
    for number, id_ in enumerate(ROWS):
        notion.put_page(
            id_,
            f"Row {number}",
            at=f"2026-03-02T08:{number // 3:02}:00Z",
            parent=in_database(TRAINS, (LINES, STOPS)[number % 2]),
            blocks=[_leaf(f"about {number}")],
            properties={"Related": long} if number == 0 else None,
        )
    for id_, place in (
        (ARCHIVED, in_database(TRAINS, LINES)),
        (SHIFT, in_database(CREWS, SHIFTS)),
        (SECRET, in_database(HIDDEN, SECRETS)),
    ):
        notion.put_page(id_, id_, at=AT, parent=place, blocks=[_leaf("text")])
    notion.archive(ARCHIVED, at=LATER)


def _comments(notion: Notion) -> None:
    notion.put_comment(ON_PAGE, in_page(HOME), rich("See "), mention(GUIDE, "this"), at=AT)
    notion.put_comment(ON_ROW, in_page(ROWS[1]), rich("late again"), at=AT)
    notion.put_comment(ON_SECRET, in_page(SECRET), rich("hush"), at=AT)
    toggle = notion.block_ids(HOME)[2]
    (inner,) = notion.block_ids(toggle)
    notion.put_comment(ON_BLOCK, in_block(inner), rich("here"), at=AT)
    notion.put_comment(RESOLVED, in_page(HOME), rich("done"), at=AT)
    notion.resolve(RESOLVED)


def _leaf(text: str) -> Object:
    return block("paragraph", rich(text))


@dataclass(slots=True)
class Walked:
    """What the pages of a list told together, and how many they were."""

    listed: dict[Identity, Listed] = field(default_factory=dict)
    present: set[Identity] = field(default_factory=set)
    wanted: dict[Identity, Refresh] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    times: dict[Identity, int] = field(default_factory=dict)
    pages: int = 0
    kept: JSON = None

    def add(self, page: Page) -> None:
        for one in page.listed:
            self.listed[one.identity] = one
            self.times[one.identity] = self.times.get(one.identity, 0) + 1
        self.present |= {*page.present}
        self.wanted |= {one.identity: one for one in page.wanted}
        self.gaps += [page.gap] if page.gap else []
        self.pages += 1
        self.kept = page.kept

    @property
    def ids(self) -> set[str]:
        return {identity.id for identity in (*self.listed, *self.present, *self.wanted)}


@dataclass(slots=True)
class Failing:
    """A workspace that answers the request of one number with an error, once."""

    notion: Notion
    at: int
    token: str = TOKEN

    def answer(self, asked: Asked) -> Answer:
        self.at -= 1
        return Answer(502, {}) if self.at == 0 else self.notion.answer(asked)


def steps(
    client: NotionClient,
    resource: str,
    *,
    metadata: Mapping[str, JSON] = CONNECTION,
    since: datetime | None = None,
    kept: JSON = None,
    cursor: JSON = None,
    sent_at: datetime | None = None,
    made_by: str = "",
) -> Iterator[Page]:
    """The pages of one list, as a run asks for them."""
    for _ in range(MOST_PAGES):
        at = sent_at or datetime.now(UTC)
        page = client.list_page(
            PageRequest(resource, since, at, cursor, kept, metadata, frozenset(), made_by)
        )
        yield page
        cursor = json.loads(json.dumps(page.cursor))
        if cursor is None:
            return
    raise AssertionError(f"{resource} has no end")


def walked(pages: Iterator[Page] | Sequence[Page]) -> Walked:
    """Everything that they tell."""
    found = Walked()
    for page in pages:
        found.add(page)
    return found


def said(listed: Listed, metadata: Mapping[str, JSON]) -> tuple[Change | Refresh, ...]:
    """What is made of it."""
    lookup = Lookup(listed.identity, listed.hint, connection=metadata, raw=listed.raw)
    return documents(lookup)
