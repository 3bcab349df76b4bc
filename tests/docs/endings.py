"""How the commands of the pages are run where that is not plain: what comes before, what ends them.

Each entry has its reason; a test has each of them be needed.
"""

from __future__ import annotations

from collections.abc import Mapping

NOT_RUN: Mapping[str, str] = {
    "ingest up": "it runs until Ctrl-C; tests/acceptance and tests/embedded start it",
    "ingest demo": "it starts all servers and plays for seconds; tests/acceptance/test_demo.py",
    "ingest changes --consumer NAME --follow": "it waits for what comes until Ctrl-C; "
    "tests/cli/test_changes.py",
    "ingest changes --consumer embedder --follow": "it waits, as above",
    "ingest changes --follow": "it waits, as above",
}
"""By the line, why. They are parsed all the same (`test_commands`)."""

CODES: Mapping[str, tuple[int, str]] = {
    "ingest doctor": (1, "it finds the delivery that died, and the run that asks a person"),
    "ingest doctor --offline": (1, "the same"),
    "ingest legacy import": (2, "the sentence names it, and leaves the directory out"),
    "ingest deliveries discard": (2, "the sentence names it: which ones, it asks"),
    "ingest source update ID": (2, "the sentence names it, and what it changes stands behind it"),
}
"""By the line: the exit code where it is not 0, and what the page says of that."""

EMPTY, BEGUN, GROWN = "empty", "begun", "grown"
STATES: Mapping[str, str] = {
    "ingest db upgrade": EMPTY,
    "ingest store create": EMPTY,
    "ingest legacy import": EMPTY,
    "ingest source connect": BEGUN,
    "ingest changes sink add": BEGUN,
}
"""By how a line begins: on what it is run, where that is not an installation that has it all."""

ASKED = ("ingest store delete", "ingest organization delete", "ingest source disconnect")
"""They ask the person who typed them, who says yes."""

WORKED = ("--wait", "drain", "send-test")
"""Words of those that wait for workers."""
HEARD = ("ingest send-test", "ingest health")
"""They ask the receiver."""
