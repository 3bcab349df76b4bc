"""What of the program was reached for the first time: the feedback by which inputs are kept.

Lines of `src/ingest`, by a tracer of our own: a function all of whose lines are known is entered at
the cost of a call, so that most inputs run nearly as fast as untraced.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import ingest

_PACKAGE = str(Path(ingest.__file__).parent)
_NOTHING: set[int] = set()


class Reached:
    """Lines that are still to be reached, by code. For one thread."""

    def __init__(self) -> None:
        self._left: dict[CodeType, set[int]] = {}
        self._news = 0
        self.lines = 0

    def by(self, act: Callable[[], object]) -> int:
        """Run it, whatever it raises; how many lines it was the first to reach is `news` then."""
        before = sys.gettrace()
        self._news = 0
        sys.settrace(self._enter)
        try:
            act()
        finally:
            sys.settrace(before)
            self.lines += self._news
        return self._news

    @property
    def news(self) -> int:
        """Of the last run."""
        return self._news

    def _enter(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        code = frame.f_code
        left = self._left.get(code)
        if left is None:
            ours = code.co_filename.startswith(_PACKAGE)
            left = {line for _, _, line in code.co_lines() if line} if ours else _NOTHING
            self._left[code] = left
        return self._line if left else None

    def _line(self, frame: FrameType, event: str, _arg: Any) -> Any:
        left = self._left[frame.f_code]
        if event == "line" and frame.f_lineno in left:
            left.discard(frame.f_lineno)
            self._news += 1
        return self._line
