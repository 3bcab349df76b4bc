"""How Vercel is listed: the deployments of the connection's project, by when they were made.

Law: a deployment that is in no list is not gone by that, as Vercel removes what is old: each is
looked up, and what has aged out stays and says so. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import Refresh
from ingest.sources.listing import Listing, Resource, Unlisted
from ingest.sources.vercel.retention import hint_of
from ingest.sources.vercel.types import VercelResyncEventMetadata

DEPLOYMENTS = "deployments"


def absent(document: Unlisted) -> Refresh | None:
    """What has aged out is left; anything else is looked up, with what tells its age."""
    if document.metadata.get("agedOut") is True:
        return None
    return Refresh(document.identity, hint_of(document.metadata))


LISTING = Listing(
    resources=(Resource(DEPLOYMENTS, kinds=frozenset({"deployment"})),),
    event=VercelResyncEventMetadata,
    absent=absent,
)
