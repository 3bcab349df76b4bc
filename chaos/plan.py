"""What a run is: how much is sent, how fast, and how often something breaks. Values alone."""

from __future__ import annotations

from dataclasses import dataclass

USUAL_A_SECOND = 60.0
REDIS, RABBITMQ = "redis", "rabbitmq"
BROKERS = (REDIS, RABBITMQ)
"""The first is the usual one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """seed: what is drawn is drawn from it. deliveries: postings, those that come again included.

    a_second: how many leave in a second. late, twice, dropped: shares of the postings that come out
    of order, come again, and are hung up on before any answer. broker: one of `BROKERS`.
    hosts: on several of them.
    """

    seed: int
    deliveries: int = 3_000
    faults: int = 10
    a_second: float = USUAL_A_SECOND
    late: float = 0.20
    twice: float = 0.05
    dropped: float = 0.02
    only: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    broker: str = REDIS
    hosts: bool = False

    def strikes_at(self, number: int) -> int:
        """Before which posting the fault of that number strikes: evenly, none at the very end."""
        return (number + 1) * self.deliveries // (self.faults + 2)

    def command(self) -> str:
        """Runs this again."""
        told = f"make chaos SEED={self.seed} DELIVERIES={self.deliveries} FAULTS={self.faults}"
        told += "" if self.a_second == USUAL_A_SECOND else f" RATE={self.a_second:g}"
        told += "" if self.broker == REDIS else f" BROKER={self.broker}"
        told += " HOSTS=1" if self.hosts else ""
        told += f" ONLY='{','.join(self.only)}'" if self.only else ""
        return told + (f" SOURCES='{','.join(self.sources)}'" if self.sources else "")
