"""GitHub: files, issues, pull requests, discussions, releases, and what is said under them."""

from __future__ import annotations

from ingest.sources.contract import Source
from ingest.sources.github.client import connect
from ingest.sources.github.descriptor import DESCRIPTOR
from ingest.sources.github.documents import again, documents
from ingest.sources.github.events import IGNORED, unowned_because
from ingest.sources.github.limits import LIMITS
from ingest.sources.github.listing import LISTING
from ingest.sources.github.mentions import MENTIONS
from ingest.sources.github.naming import NAMING
from ingest.sources.github.normalise import normalise
from ingest.sources.github.remarks import ANSWERS
from ingest.sources.github.renewal import RENEWAL
from ingest.sources.github.says import SAYS
from ingest.sources.github.subscriptions import BY_HAND, HOOK_ID, subscribe
from ingest.sources.github.types import DOCUMENT_TYPES, EVENT_TYPES, SEED_TYPES

SOURCE = Source(
    descriptor=DESCRIPTOR,
    normalise=normalise,
    mentions=MENTIONS,
    naming=NAMING,
    connect=connect,
    renewal=RENEWAL,
    documents=documents,
    again=again,
    document_types=DOCUMENT_TYPES,
    event_types=EVENT_TYPES,
    seed_types=SEED_TYPES,
    ignored=IGNORED,
    unowned=unowned_because,
    limits=LIMITS,
    listing=LISTING,
    subscribe=subscribe,
    subscription_field=HOOK_ID,
    by_hand=BY_HAND,
    answers=ANSWERS,
    says=SAYS,
    revision=4,  # a pull request mentions what the name of its branch names
)
