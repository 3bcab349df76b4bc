"""A client of which nothing says its token: neither an error nor what made it, nor a check's words.

Law: whatever a provider answers, and whatever goes wrong with it, a fault of ours included. What
`Api` says hides the token already; this holds for all others. Performs no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.sources.contract import Ask, Client, Sight
from ingest.sources.masking import Mask


@dataclass(frozen=True, slots=True)
class Discreet:
    """Fulfils `contract.Client` by another one; `mask` knows what is not to be said."""

    client: Client = field(repr=False)
    mask: Mask

    def fetch_one(self, ask: Ask) -> Sight:
        """What the client sees; raises what it raises."""
        try:
            return self.client.fetch_one(ask)
        except Exception as error:
            hush(error, self.mask)
            raise

    def check(self) -> str:
        """What the client says; raises what it raises."""
        try:
            return self.mask(self.client.check())
        except Exception as error:
            hush(error, self.mask)
            raise

    def close(self) -> None:
        """Let go of open connections."""
        self.client.close()


def hush(error: BaseException, mask: Mask) -> None:
    """Hide what the mask knows in an error, and cut off the errors behind it that say it."""
    error.args = tuple(_hushed(one, mask) for one in error.args)
    for name, value in vars(error).items():
        setattr(error, name, _hushed(value, mask))
    behind = error.__cause__ or error.__context__
    if behind is None:
        return
    if mask.hides(f"{behind} {behind!r}"):
        error.__cause__ = error.__context__ = None
        error.__suppress_context__ = True
    else:
        hush(behind, mask)


def _hushed(value: object, mask: Mask) -> object:
    if isinstance(value, str):
        return mask(value)
    shown = repr(value)
    return mask(shown) if mask.hides(shown) else value
