"""PostgreSQL and Redis out of wheels, for one machine: started, owned and stopped by us."""

from ingest.embedded.errors import DataDirInUseError, EmbeddedError
from ingest.embedded.services import Services, Urls, find_running, start

__all__ = ["DataDirInUseError", "EmbeddedError", "Services", "Urls", "find_running", "start"]
