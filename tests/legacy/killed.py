"""An import within a database that kills itself: `python -m tests.legacy.killed URL DIR MOMENT`.

Moments are counted: each step, and each batch of rows that is through. As `kill -9` does it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ingest.flows.legacy.import_archive import Wishes
from ingest.flows.legacy.in_place import LegacyPlace, import_in_place
from ingest.sources.registry import source_types
from ingest.store.engine import connect


def main(url: str, directory: str, moment: int) -> None:
    left = moment

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = connect(url, application="killed")
    place = LegacyPlace(
        engine, Path(directory), Path(directory), "0", source_types(), step=lambda _: pass_by()
    )
    import_in_place(place, Wishes(tell=lambda _: pass_by()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
