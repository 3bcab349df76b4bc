"""How Notion is listed: two lists, and what it means not to be in them. Performs no I/O.

Documents: developers.notion.com/reference/post-search, …/query-a-data-source, …/list-comments.
"""

from __future__ import annotations

from ingest.core.changes import Refresh, Withdraw
from ingest.core.values import JSON
from ingest.sources.listing import Listing, Resource, Unlisted
from ingest.sources.notion.descriptor import chosen_databases
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.list_pages import OVERLAP_S
from ingest.sources.notion.types import NotionResyncEventMetadata

WEEK_S = 7 * 86_400.0
"""Comments take a request for each block: at three a second a thousand pages are some hours."""

_COMMENT = frozenset({"comment"})


def absent(unlisted: Unlisted) -> Refresh | Withdraw:
    """A search proves no absence, and a resolved comment is listed nowhere: it is looked up.

    What proves that it is gone is what it stands in; where nobody knows that, the workspace.
    """
    identity, metadata = unlisted.identity, unlisted.metadata
    database = dashed(metadata.get("databaseId"))
    chosen = chosen_databases(unlisted.connection)
    if chosen is not None and database is not None and database not in chosen:
        return Withdraw(identity, None)
    hint: dict[str, JSON] = {}
    if unlisted.parent is not None:
        hint["parent"] = {"type": unlisted.parent.kind, "id": unlisted.parent.id}
    elif identity.kind == "page" and database is not None:
        hint["parent"] = {"type": "database", "id": database}
    page = dashed(metadata.get("pageId")) if identity.kind == "comment" else None
    if page is not None:
        hint["page"] = page
    return Refresh(identity, hint)


LISTING = Listing(
    resources=(
        Resource("pages", kinds=frozenset({"page", "database"}), overlap_s=OVERLAP_S),
        Resource("comments", kinds=_COMMENT, narrows=False, leaves_out=_COMMENT),
    ),
    event=NotionResyncEventMetadata,
    absent=absent,
    full_s=WEEK_S,
)
