"""A client of which nothing says its token: neither an error nor what made it, nor a check's words.

Law: whatever a provider answers, and whatever goes wrong with it, a fault of ours included. What
`Api` says hides the token already; this holds for all others. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from traceback import format_exception
from typing import TypeVar

from ingest.core.errors import PermanentError
from ingest.sources.contract import Client, Lookup, Sight
from ingest.sources.listing import Page, PageRequest
from ingest.sources.masking import Mask

Said = TypeVar("Said")


class Unspeakable(Exception):
    """Stands for an error of ours that says a secret, and says it whatever is done to it."""


@dataclass(frozen=True, slots=True)
class Discreet:
    """Fulfils `contract.Client` by another one; `mask` knows what is not to be said."""

    client: Client = field(repr=False)
    mask: Mask

    def fetch_one(self, lookup: Lookup) -> Sight:
        """What the client sees; raises what it raises."""
        sight = hushed(lambda: self.client.fetch_one(lookup), self.mask)
        if sight.problem is None and sight.mended is None:
            return sight
        problem, mended = (one and self.mask(one) for one in (sight.problem, sight.mended))
        return replace(sight, problem=problem, mended=mended)

    def list_page(self, request: PageRequest) -> Page:
        """What the client lists; raises what it raises, `PermanentError` where it lists nothing."""
        ask: Callable[[PageRequest], Page] | None = getattr(self.client, "list_page", None)
        if ask is None:
            raise PermanentError("the source's client lists nothing")
        page = hushed(lambda: ask(request), self.mask)
        return replace(page, gap=self.mask(page.gap)) if page.gap else page

    def check(self) -> str:
        """What the client says; raises what it raises."""
        return self.mask(hushed(self.client.check, self.mask))

    def read(self, reading: Callable[[], Said]) -> Said:
        """What somebody makes of a sight, who may quote it when he fails; raises what he raises."""
        return hushed(reading, self.mask)

    def close(self) -> None:
        """Let go of open connections."""
        self.client.close()


def hushed(call: Callable[[], Said], mask: Mask) -> Said:
    """What the call gives; raises what it raises, or what stands for that, and says no secret."""
    try:
        try:
            return call()
        except Exception as error:
            hush(error, mask)
            raise
    except Unspeakable as error:
        error.__context__ = None  # what it stands for does not come along
        raise


def hush(error: Exception, mask: Mask) -> None:
    """Hide what the mask knows in an error, and cut off the errors behind it that say it.

    An error's words are its own to make: of its arguments and fields, which are hidden here, or of
    what nobody can reach (pydantic's, those of `OSError`). Raises `Unspeakable` with its traceback
    for one that goes on saying it.
    """
    error.args = tuple(_hidden(one, mask) for one in error.args)
    for name, value in vars(error).items():
        setattr(error, name, _hidden(value, mask))
    if _says(error, mask):
        said = f"a {type(error).__qualname__} that says what must not be said"
        raise Unspeakable(said).with_traceback(error.__traceback__) from None
    behind = error.__cause__ or error.__context__
    if not isinstance(behind, Exception):
        return
    if _says(behind, mask):
        error.__cause__ = error.__context__ = None
        error.__suppress_context__ = True
    else:
        hush(behind, mask)


def _says(error: Exception, mask: Mask) -> bool:
    shown = "".join(format_exception(error, chain=False))
    return mask.hides(f"{shown} {error!r}")


def _hidden(value: object, mask: Mask) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [mask(one) for one in value]
    shown = repr(value)
    return mask(shown) if mask.hides(shown) else value
