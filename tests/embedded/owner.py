"""A process that owns embedded servers, for tests that end it in ways a test cannot end itself.

`python -m tests.embedded.owner DIRECTORY` prints {"database_url", "redis_url"} and waits for a
signal.
"""

import json
import signal
import sys
from pathlib import Path

import structlog

from ingest.embedded import EmbeddedError, start
from tests.embedded.watching import hear_signals


def main(directory: Path) -> int:
    hear_signals()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        with start(directory) as services:
            urls = services.urls
            line = json.dumps({"database_url": urls.database_url, "redis_url": urls.redis_url})
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
            signal.pause()
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
