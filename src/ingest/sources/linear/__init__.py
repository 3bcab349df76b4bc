"""Linear: issues, comments, projects, initiatives, documents, and the updates of the two."""

from ingest.sources.contract import Source
from ingest.sources.linear.client import connect
from ingest.sources.linear.comments import ANSWERS, OVERLAP
from ingest.sources.linear.descriptor import DESCRIPTOR
from ingest.sources.linear.events import IGNORED, unowned_because
from ingest.sources.linear.kinds import again, found_documents
from ingest.sources.linear.limits import LIMITS
from ingest.sources.linear.listing import LISTING
from ingest.sources.linear.mentions import MENTIONS
from ingest.sources.linear.naming import NAMING
from ingest.sources.linear.normalise import normalise
from ingest.sources.linear.says import SAYS
from ingest.sources.linear.subscriptions import BY_HAND, subscribe
from ingest.sources.linear.tokens import RENEWAL
from ingest.sources.linear.types import DOCUMENT_TYPES, EVENT_TYPES, SEED_TYPES

SOURCE = Source(
    descriptor=DESCRIPTOR,
    normalise=normalise,
    mentions=MENTIONS,
    naming=NAMING,
    connect=connect,
    renewal=RENEWAL,
    documents=found_documents,
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
    answers=ANSWERS,
    chunk_overlaps={"comment": OVERLAP},
    # What a document stands in; a parent that is told by its id alone; replies go with what is
    # written on; teams.
    says=SAYS,
    revision=4,
)
