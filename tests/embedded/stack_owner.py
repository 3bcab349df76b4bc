"""A process that runs a stack of sleepers, for tests that end it in ways a test cannot end itself.

`python -m tests.embedded.stack_owner MARK` prints "ready" once they run. With the further word
`nohup` it is deaf to SIGHUP, as what `nohup` starts is.
"""

import signal
import sys

import structlog

from ingest.embedded.stack import Child, run_stack
from tests.embedded.watching import hear_signals


def main(mark: str, *, nohup: bool) -> int:
    hear_signals()
    if nohup:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    children = [
        Child(name, [sys.executable, "-c", "import time; time.sleep(60)", mark])
        for name in ("web", "worker")
    ]

    def announce() -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    return run_stack(children, on_ready=announce)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], nohup="nohup" in sys.argv[2:]))
