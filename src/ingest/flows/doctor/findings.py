"""What a check-up finds: one line for each check, with the remedy of what is wrong. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended. A `note` is worth knowing and nothing to mend."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, what was found, and what to do about it.

    `remedy` is a command or a short instruction; None where nothing is to be done.
    """

    check: str
    state: State
    said: str
    remedy: str | None = None


def fine(check: str, said: str) -> Finding:
    """All well."""
    return Finding(check, State.OK, said)


def note(check: str, said: str, remedy: str | None = None) -> Finding:
    """Well, but worth knowing."""
    return Finding(check, State.NOTE, said, remedy)


def failed(check: str, said: str, remedy: str) -> Finding:
    """Something is wrong."""
    return Finding(check, State.FAILED, said, remedy)


def unreachable(check: str, said: str, remedy: str) -> Finding:
    """A service that we depend on did not answer."""
    return Finding(check, State.UNREACHABLE, said, remedy)


def span(seconds: float) -> str:
    """A length of time as people say it: whole seconds, minutes, hours or days."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
