"""Lines for people and programs: data to stdout, words to stderr. Loads no library."""

from __future__ import annotations

import sys


def line(text: str) -> None:
    """One line of data."""
    sys.stdout.write(f"{printable(text)}\n")


def note(text: str) -> None:
    """A word to the person at the keyboard; never data."""
    sys.stderr.write(f"{printable(text)}\n")


def printable(text: str) -> str:
    """Without what moves a terminal's cursor or colours."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
