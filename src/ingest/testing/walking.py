"""Walks a source's lists to their end, a page at a time, as a sync run does; for tests.

Performs the client's requests and nothing else. What a page leaves comes to the next one as a
database gives it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import orjson

from ingest.core.changes import Change, Refresh
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Source
from ingest.sources.listing import MOST_CALLS, Listed, Lists, Page, PageRequest

MOST_PAGES = 10_000
"""Of one list, before it is taken for one without an end."""


def stored(value: JSON) -> JSON:
    """The value as a database gives it back; raises `AssertionError` where that is another."""
    back: JSON = orjson.loads(orjson.dumps(value))
    if back != value:
        raise AssertionError(f"no plain JSON: {value!r}")
    return back


def pages_of(
    client: Lists,
    resource: str,
    *,
    since: datetime | None = None,
    kept: JSON = None,
    cursor: JSON = None,
    connection: Mapping[str, JSON] | None = None,
    made_by: str = "",
    most_calls: int = MOST_CALLS,
) -> Iterator[Page]:
    """The pages of one list, from the cursor to its end; raises what the client raises."""
    for _ in range(MOST_PAGES):
        page = client.list_page(
            PageRequest(
                resource,
                since,
                datetime.now(UTC),
                stored(cursor),
                stored(kept),
                connection=connection or {},
                made_by=made_by,
                most_calls=most_calls,
            )
        )
        stored(page.kept)
        yield page
        if page.cursor is None:
            return
        if page.cursor == cursor:
            raise AssertionError(f"{resource}: a page's cursor leads to itself: {cursor}")
        cursor = page.cursor
    raise AssertionError(f"{resource}: no end after {MOST_PAGES} pages")


def named_in(pages: Iterable[Page]) -> set[Identity]:
    """All that these pages name, told or not."""
    named: set[Identity] = set()
    for page in pages:
        named |= {*page.present, *(one.identity for one in page.listed)}
        named |= {one.identity for one in page.wanted}
    return named


def changes_of(
    source: Source, listed: Listed, connection: Mapping[str, JSON]
) -> tuple[Change | Refresh, ...]:
    """What a source makes of a listed object, as it does of a look-up."""
    documents = source.documents
    if documents is None:
        raise AssertionError("a source that lists has documents")
    return documents(
        Lookup(
            listed.identity,
            listed.hint,
            sent_at=datetime.now(UTC),
            connection=connection,
            raw=listed.raw,
        )
    )
