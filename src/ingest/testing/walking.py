"""Walks a source's lists to their end, a page at a time, as a sync run does; for tests.

Performs the client's requests and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ingest.core.changes import Change, Refresh
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Source
from ingest.sources.listing import Listed, Lists, Page, PageRequest

MOST_PAGES = 10_000
"""Of one list, before it is taken for one without an end."""


def pages_of(
    client: Lists,
    resource: str,
    *,
    since: datetime | None = None,
    kept: JSON = None,
    connection: Mapping[str, JSON] | None = None,
) -> Iterator[Page]:
    """The pages of one list, to its end; raises what the client raises."""
    cursor: JSON = None
    for _ in range(MOST_PAGES):
        page = client.list_page(
            PageRequest(
                resource,
                since,
                datetime.now(UTC),
                cursor,
                kept,
                connection=connection or {},
            )
        )
        yield page
        if page.cursor is None:
            return
        if page.cursor == cursor:
            raise AssertionError(f"{resource}: a page's cursor leads to itself: {cursor}")
        cursor = page.cursor
    raise AssertionError(f"{resource}: no end after {MOST_PAGES} pages")


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
