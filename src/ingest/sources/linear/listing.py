"""How Linear is listed: its lists, and what it means that one of them does not name a document.

Law: relations and attachments move no issue's time, so they have lists of their own, and these
begin before the issues': what is set while a full run reads the issues is seen by the next one.
Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import Refresh, Withdraw
from ingest.core.values import JSON
from ingest.sources.linear.descriptor import DESCRIPTOR
from ingest.sources.linear.types import LinearResyncEventMetadata
from ingest.sources.listing import Concluded, Listing, Resource, Unlisted

UNLISTED, UNPROVEN = "unlisted", "unproven"
"""In a hint: a listing did not name the object. In what is shown: nothing proves it gone."""
_SWEEP_S = 21_600.0


def unlisted(absent: Unlisted) -> Concluded | None:
    """Look it up, which proves that it is gone; withdraw what lies in a team that is not wanted."""
    team = absent.metadata.get("teamId")
    wanted = DESCRIPTOR.connection_filter(absent.connection)
    hint: dict[str, JSON] = {UNLISTED: True}
    if not isinstance(team, str) or not team:
        return Refresh(absent.identity, hint)
    if wanted is not None and team not in wanted:
        return Withdraw(absent.identity, version=None)
    return Refresh(absent.identity, {**hint, "teamIds": [team]})


def _swept(name: str, kind: str) -> Resource:
    """A short list, of which trash and archive can be asked for by no time: they move none."""
    return Resource(name, frozenset({kind}), sweep_s=_SWEEP_S)


LISTING = Listing(
    resources=(
        Resource("relations"),
        Resource("attachments"),
        _swept("initiatives", "initiative"),
        _swept("projects", "project"),
        Resource("issues", frozenset({"issue"})),
        _swept("documents", "document"),
        _swept("project_updates", "project_update"),
        _swept("initiative_updates", "initiative_update"),
        Resource("comments", frozenset({"comment"})),
    ),
    event=LinearResyncEventMetadata,
    absent=unlisted,
)
