"""A choice of databases: what stands in none of them is in, and what stands below a row is its."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.core.changes import Upsert
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.notion.client import NotionClient
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import WORKSPACE, in_database, in_page, rich
from ingest.sources.notion.descriptor import DESCRIPTOR, FREE
from ingest.sources.notion.documents import documents
from ingest.testing.fakes import Fake, serving
from tests.sources.notion.deliveries import AT, NOW, client, identity, uid
from tests.sources.notion.workspace import connection, steps, walked

WANTED, OTHER, TABLE, TABLE_OF_OTHER = (uid(f"filter/{n}") for n in ("a", "b", "ta", "tb"))
ROW, BELOW, DEEP, FREE_PAGE, ALONE = (
    uid(f"filter/{name}") for name in ("row", "below", "deep", "free", "alone")
)
ROW_OF_OTHER, BELOW_OTHER, DEEP_BELOW_OTHER = (
    uid(f"filter/other/{name}") for name in ("row", "below", "deep")
)
HIDDEN = uid("filter/hidden")
GROUPS = {
    ROW: WANTED,
    BELOW: WANTED,
    DEEP: WANTED,
    FREE_PAGE: FREE,
    ROW_OF_OTHER: OTHER,
    BELOW_OTHER: OTHER,
    DEEP_BELOW_OTHER: OTHER,
    ALONE: None,
}


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def asking(served: Fake) -> Iterator[NotionClient]:
    """A client of a connection that wants one of two databases, both with pages within pages."""
    notion = served.provider = Notion(page_size=100)
    served.requests.clear()
    served.troubles.clear()
    for database, table, row, *below in (
        (WANTED, TABLE, ROW, BELOW, DEEP),
        (OTHER, TABLE_OF_OTHER, ROW_OF_OTHER, BELOW_OTHER, DEEP_BELOW_OTHER),
    ):
        notion.put_database(database, "Trains", at=AT, sources={table: "Trains"})
        notion.put_page(row, "Row", at=AT, parent=in_database(database, table))
        for above, page in zip((row, *below), below, strict=False):
            notion.put_page(page, "Page", at=AT, parent=in_page(above))
    notion.put_page(FREE_PAGE, "Free", at=AT, parent=WORKSPACE)
    notion.put_page(ALONE, "Alone", at=AT, parent=in_page(HIDDEN))
    made = client(served, connection(WANTED))
    yield made
    made.close()


@pytest.mark.parametrize(("page", "group"), GROUPS.items(), ids=[*map(str, GROUPS.values())])
def test_a_page_is_in_the_nearest_database_above_it(
    asking: NotionClient, page: str, group: str | None
) -> None:
    """Bug: pages below the rows of a database that was not chosen came in."""
    assert _labels(asking, "page", page) == (None if group is None else frozenset({group}))


@pytest.mark.parametrize(("page", "group"), GROUPS.items(), ids=[*map(str, GROUPS.values())])
def test_a_comment_is_where_its_page_is(
    served: Fake, asking: NotionClient, page: str, group: str | None
) -> None:
    id_, notion = uid("filter/comment"), served.provider
    assert isinstance(notion, Notion)
    notion.put_comment(id_, in_page(page), rich("A word"), at=AT)
    assert _labels(asking, "comment", id_) == (None if group is None else frozenset({group}))


def test_a_list_tells_what_look_ups_would_let_in(asking: NotionClient) -> None:
    wanted = DESCRIPTOR.connection_filter(connection(WANTED)) or frozenset()
    told = walked(steps(asking, "pages", metadata=connection(WANTED)))
    assert {page for page, group in GROUPS.items() if group in wanted} <= told.ids
    assert told.ids.isdisjoint(page for page, group in GROUPS.items() if group not in wanted)


def _labels(asking: NotionClient, kind: str, id_: str) -> frozenset[str] | None:
    raw: JSON = asking.fetch_one(Lookup(identity(kind, id_))).raw
    (change,) = documents(Lookup(identity(kind, id_), raw=raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    return change.labels
