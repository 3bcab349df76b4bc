"""What the text of an issue says already, so that nothing in it is said twice. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Said:
    """What a text tells already, so that nothing is told twice."""

    told: list[str] = field(default_factory=list)

    def news(self, words: str | None) -> str:
        """The words where they say more than was said; else nothing."""
        rest = _squeezed(words or "")
        if any(rest in one for one in self.told):
            return ""
        for one in sorted(self.told, key=len, reverse=True):
            rest = rest.replace(one, " ")
        if not any(map(str.isalnum, rest)):
            return ""
        self.add(words)
        return words or ""

    def add(self, *words: str | None) -> None:
        """That it tells these."""
        self.told += filter(None, (_squeezed(one) for one in words if one))


def _squeezed(words: str) -> str:
    return " ".join(words.split())
