"""How Zendesk is listed: the export of tickets, and the help center's articles. Performs no I/O.

Law: absence proves nothing by itself. What a list does not name is looked up, and that proves that
the token's user is known and may read before it says that anything is gone.
Sources: …/ticketing/ticket-management/incremental_exports, …/help_center/help-center-api/articles.
"""

from __future__ import annotations

from ingest.core.changes import Refresh
from ingest.sources.listing import Listing, Resource, Unlisted
from ingest.sources.zendesk.place import ARTICLE, COMMENT, TICKET, TRANSLATION
from ingest.sources.zendesk.types import ZendeskResyncEventMetadata

TICKETS, ARTICLES = "tickets", "articles"
_OVERLAP_S = 600.0
"""The exports never show the last minute, and nobody says how late they may be."""
_SWEEP_S = 6 * 3_600.0
"""What moves no article's own time waits so long: texts and drafts of translations, archiving,
votes. A hundred articles are one request, of the help center's own limit.
"""


def unlisted(absent: Unlisted) -> Refresh:
    """An agent who may not see an article does not find it in the list either: ask for each.

    A comment that was told while there was no token stands in its ticket's document by now.
    """
    return Refresh(absent.identity)


LISTING = Listing(
    resources=(
        Resource(
            TICKETS,
            frozenset({TICKET, COMMENT}),
            overlap_s=_OVERLAP_S,
            leaves_out=frozenset({COMMENT}),
        ),
        Resource(
            ARTICLES,
            frozenset({ARTICLE, TRANSLATION}),
            overlap_s=_OVERLAP_S,
            sweep_s=_SWEEP_S,
        ),
    ),
    event=ZendeskResyncEventMetadata,
    absent=unlisted,
)
