"""Sentry: issues, the comments on them, and what errors and alerts add to them."""

from ingest.sources.contract import Source
from ingest.sources.sentry.client import SentryClient
from ingest.sources.sentry.descriptor import DESCRIPTOR
from ingest.sources.sentry.documents import TRACE_OVERLAP, again, documents
from ingest.sources.sentry.events import IGNORED, unowned_because
from ingest.sources.sentry.limits import LIMITS
from ingest.sources.sentry.listing import LISTING
from ingest.sources.sentry.mentions import MENTIONS
from ingest.sources.sentry.naming import NAMING
from ingest.sources.sentry.normalise import normalise
from ingest.sources.sentry.says import SAYS
from ingest.sources.sentry.subscriptions import BY_HAND, SentrySubscriptions
from ingest.sources.sentry.types import DOCUMENT_TYPES, EVENT_TYPES, SEED_TYPES

SOURCE = Source(
    descriptor=DESCRIPTOR,
    normalise=normalise,
    mentions=MENTIONS,
    naming=NAMING,
    connect=SentryClient,
    documents=documents,
    again=again,
    document_types=DOCUMENT_TYPES,
    event_types=EVENT_TYPES,
    seed_types=SEED_TYPES,
    ignored=IGNORED,
    unowned=unowned_because,
    limits=LIMITS,
    listing=LISTING,
    subscribe=SentrySubscriptions,
    by_hand=BY_HAND,
    says=SAYS,
    chunk_overlaps={"issue": TRACE_OVERLAP},
    revision=2,  # messages, threads, reports and evidence are text; what was merged keeps its keys
)
