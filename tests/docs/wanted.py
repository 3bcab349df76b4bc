"""Which events each provider is asked to send, as it names them."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.sources.github import hooks
from ingest.sources.linear.hooks import WANTED as LINEAR
from ingest.sources.notion.events import COMMENT_DELETED, LOOKED_UP
from ingest.sources.sentry.observations import RESOURCES
from ingest.sources.vercel.subscriptions import WANTED as VERCEL
from ingest.sources.zendesk.events import WANTED as ZENDESK

EVENTS: Mapping[str, frozenset[str]] = {
    "github": hooks.WANTED,
    "linear": frozenset(LINEAR),
    "notion": frozenset({*LOOKED_UP, COMMENT_DELETED}),
    "sentry": RESOURCES,
    "vercel": frozenset(VERCEL),
    "zendesk": frozenset(ZENDESK),
}
"""What each is asked to send, or is missed by `ingest source doctor`."""
