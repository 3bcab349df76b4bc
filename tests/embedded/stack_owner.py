"""A process that runs a stack of sleepers, for tests that end it in ways a test cannot end itself.

`python -m tests.embedded.stack_owner MARK` prints the children's process ids once they run.
"""

import sys

import structlog

from ingest.embedded.stack import Child, run_stack


def main(mark: str) -> int:
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
    sys.exit(main(sys.argv[1]))
