"""The receiver of webhooks over HTTP: an ASGI application, with bounds against strangers.

Started as `uvicorn --factory ingest.web:create_app --http ingest.web.protocol:BoundedProtocol`;
without the second option heads and connections are not bounded (docs/decisions/0012).
"""

from ingest.web.app import create_app

__all__ = ["create_app"]
