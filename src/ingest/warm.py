"""Makes a worker process ready for its first batch; touches no service and no clock.

A batch makes some hundred thousand objects that live until its commit, and hardly a cycle among
them. Garbage collection at Python's usual pace walks them again and again for nothing.
"""

from __future__ import annotations

import gc

from ingest.core.chunks import ChunkConfig, split
from ingest.sources.registry import syntaxes

YOUNG_OBJECTS = 100_000
"""Allocations between two collections; Python's own figure is 700."""


def warm() -> None:
    """Load the sources and the splitter, and give garbage collection fewer occasions."""
    syntaxes()
    split("a text of more than one token for each of its bytes, by far " * 16, ChunkConfig())
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
