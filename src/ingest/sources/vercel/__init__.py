"""Vercel: deployments."""

from ingest.sources.contract import Source
from ingest.sources.vercel.client import again, connect
from ingest.sources.vercel.descriptor import DESCRIPTOR
from ingest.sources.vercel.documents import documents
from ingest.sources.vercel.events import IGNORED, unowned_because
from ingest.sources.vercel.limits import LIMITS
from ingest.sources.vercel.listing import LISTING
from ingest.sources.vercel.mentions import MENTIONS
from ingest.sources.vercel.normalise import normalise
from ingest.sources.vercel.says import SAYS
from ingest.sources.vercel.subscriptions import BY_HAND, subscribe
from ingest.sources.vercel.types import DOCUMENT_TYPES, EVENT_TYPES, SEED_TYPES

SOURCE = Source(
    descriptor=DESCRIPTOR,
    normalise=normalise,
    mentions=MENTIONS,
    connect=connect,
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
    by_hand=BY_HAND,
    says=SAYS,
    deploys=True,
    revision=5,  # it mentions what the name of its branch names
)
