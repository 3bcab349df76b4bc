"""The receiver over HTTP, for uvicorn: `--factory ingest.web:create_app`, and for what bounds heads
and connections `--http ingest.web.protocol:BoundedProtocol`.
"""

from ingest.web.app import create_app

__all__ = ["create_app"]
