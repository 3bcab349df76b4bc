"""`python -m tests.legacy.killed_drafts FOLDER STEP`: writes an archive and is killed on the way.

For each step of the file system, from the first to the one that comes no more, a child replaces the
archive of FOLDER/STEP and is killed (SIGKILL) before that step. FOLDER/STEP stays as it was left.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.legacy import small_archives as small

OLD = {**small.ABOVE, "documents": [small.document("a"), small.document("b")]}
NEW = {**small.ABOVE, "documents": [small.document("a")]}
STEPS = frozenset({"open", "os.rename", "os.remove", "os.truncate"})


def main(folder: Path) -> None:
    """Leave a folder for each step; the last one came to its end."""
    step, status = 0, -1
    while status != 0:
        place = folder / str(step)
        small.make(place, OLD)
        child = os.fork()
        if child == 0:
            _kill_before(step, place)
            small.make(place, NEW, replace=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status in {0, signal.SIGKILL}
        step += 1


def _kill_before(step: int, place: Path) -> None:
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in STEPS and str(arguments[0]).startswith(str(place)):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
