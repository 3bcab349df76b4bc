"""The seed's query patterns as a typed API: `Documents` says how."""

from ingest.queries.documents import Document, Documents, Related, ResultPage
from ingest.store.querying import Direction, Moment

__all__ = ["Direction", "Document", "Documents", "Moment", "Related", "ResultPage"]
