"""A target's part of a run, as it is handed to a process of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fuzz.every import every
from fuzz.run import Result, run


@dataclass(frozen=True)
class Share:
    """A target's part of the run: until the seconds are over, or so many inputs were judged."""

    name: str
    seed: int
    seconds: float
    inputs: int | None

    def run(self) -> Result | None:
        """What came of it; None where there is no such target."""
        made = every()[self.name]()
        if made is None:
            return None
        began = time.process_time()

        def goes_on(result: Result) -> bool:
            if self.inputs is not None:
                return result.inputs < self.inputs
            return time.process_time() - began < self.seconds

        return run(made, self.seed, goes_on)
