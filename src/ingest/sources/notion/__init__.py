"""Notion: pages, the databases that they are rows of, and comments."""

from ingest.sources.contract import Source
from ingest.sources.notion.client import connect
from ingest.sources.notion.descriptor import BY_HAND, DESCRIPTOR
from ingest.sources.notion.documents import documents
from ingest.sources.notion.events import IGNORED, unowned_because
from ingest.sources.notion.limits import LIMITS
from ingest.sources.notion.listing import LISTING
from ingest.sources.notion.mentions import MENTIONS
from ingest.sources.notion.normalise import again, normalise
from ingest.sources.notion.says import SAYS
from ingest.sources.notion.types import DOCUMENT_TYPES, EVENT_TYPES, SEED_TYPES

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
    by_hand=BY_HAND,
    says=SAYS,
    revision=4,  # a comment is not deleted with the trash of its page
)
