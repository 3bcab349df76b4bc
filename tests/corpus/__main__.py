"""`make corpus CORPUS=dir`: send a folder of real payloads, and have the clients read the recorded
answers of its APIs; print what became of each kind.

Exit 1 on an empty folder, a delivery without an end, a 5xx, a `dead` without the path of a required
field, and, with `--twice`, on any row that a second sending moved; and on an answer that breaks its
reader, or becomes other documents than the provider's contract says.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from ingest import logs
from ingest.core.errors import IngestError
from ingest.embedded import EmbeddedError
from ingest.machine import ended_by_signals
from tests.corpus import answers, folder, report
from tests.corpus.run import run


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="tests.corpus", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="the folder")
    parser.add_argument("--twice", action="store_true", help="send it again: nothing may move")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    logs.set_up("warning")
    began = time.monotonic()
    try:
        with ended_by_signals():
            result = run(folder.read(chosen.corpus), twice=chosen.twice)
            result.answered = answers.read_all(folder.read_answers(chosen.corpus))
            result.seconds = round(time.monotonic() - began, 1)
    except (IngestError, EmbeddedError) as error:
        sys.stderr.write(f"corpus: {error}\n")
        return 1
    if chosen.json:
        print(json.dumps(result.document(), indent=2))
    else:
        report.show(result, print)
    return 1 if result.failures() else 0


if __name__ == "__main__":
    sys.exit(main())
