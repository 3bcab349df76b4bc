"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random

from chaos.site import Site

Fault = Callable[[Site, Random], AbstractContextManager[float]]
"""Strikes when its block begins; it yields for how many seconds it lasts."""
AT_ONCE = 0.0
