"""The receiver over HTTP: `uvicorn --factory ingest.web:create_app`."""

from ingest.web.app import create_app

__all__ = ["create_app"]
