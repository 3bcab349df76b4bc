"""Zendesk: tickets with their conversations, and the help center's articles."""

from ingest.sources.contract import Source
from ingest.sources.zendesk.client import connect
from ingest.sources.zendesk.descriptor import DESCRIPTOR
from ingest.sources.zendesk.documents import again, documents
from ingest.sources.zendesk.events import IGNORED
from ingest.sources.zendesk.limits import LIMITS
from ingest.sources.zendesk.listing import LISTING
from ingest.sources.zendesk.mentions import MENTIONS
from ingest.sources.zendesk.normalise import normalise
from ingest.sources.zendesk.says import SAYS
from ingest.sources.zendesk.subscriptions import BY_HAND, subscribe
from ingest.sources.zendesk.tokens import RENEWAL
from ingest.sources.zendesk.types import DOCUMENT_TYPES, EVENT_TYPES, SEED_TYPES

SOURCE = Source(
    descriptor=DESCRIPTOR,
    normalise=normalise,
    mentions=MENTIONS,
    connect=connect,
    renewal=RENEWAL,
    documents=documents,
    again=again,
    document_types=DOCUMENT_TYPES,
    event_types=EVENT_TYPES,
    seed_types=SEED_TYPES,
    ignored=IGNORED,
    listing=LISTING,
    subscribe=subscribe,
    limits=LIMITS,
    by_hand=BY_HAND,
    says=SAYS,
    revision=3,
)
