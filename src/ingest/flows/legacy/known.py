"""A set of texts in sixteen bytes or less for each: their hashes, in a flat table. No I/O."""

from __future__ import annotations

from array import array

_MASK = 2**64 - 1
_LEAST = 1024


class KnownTexts:
    """Which texts were seen, by a hash of 64 bits of this process.

    That one which was not seen is taken for one that was happens once in 10^19 / n.
    """

    def __init__(self, expected: int = 0) -> None:
        """`expected`: how many there may be; more make it grow."""
        slots = _LEAST
        while slots < expected * 3 // 2:
            slots *= 2
        self._slots = array("Q", bytes(8 * slots))
        self._count = 0

    def add(self, text: str) -> None:
        """Remember a text."""
        slot, mark = self._find(text)
        if self._slots[slot] == 0:
            self._slots[slot] = mark
            self._count += 1
            if self._count * 4 > len(self._slots) * 3:
                self._grow()

    def __contains__(self, text: object) -> bool:
        """Whether it was seen."""
        slot, _ = self._find(text)
        return self._slots[slot] != 0

    def _find(self, text: object) -> tuple[int, int]:
        """Where a text stands or would stand, and its mark, which is never 0."""
        mark = (hash(text) & _MASK) or 1
        return self._slot_of(mark), mark

    def _slot_of(self, mark: int) -> int:
        slots, last = self._slots, len(self._slots) - 1
        slot = mark & last
        while slots[slot] not in {0, mark}:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        marks = self._slots
        self._slots = array("Q", bytes(16 * len(marks)))
        for mark in marks:
            if mark:
                self._slots[self._slot_of(mark)] = mark
