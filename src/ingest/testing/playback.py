"""How a client is brought to read a recorded answer: what it is asked, and what it is answered.

A provider gives one function as `Sample.playback`: it says of an answer of which kind it is, what
the API answers around it, what the client is asked so that it comes to it, and what that has to
end in; or why nobody asks for such a one. `player` plays it. Law: what an answer has to become is
told by the provider's contract, and never by the reader that is tried. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.listing import PageRequest
from ingest.testing.fakes import Answer, Asked
from ingest.testing.recorded import RecordedAnswer

Script = Callable[[Asked], Answer]
"""What a provider answers to each request, in the order in which they come."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the provider's webhooks are asked about, as `Subscriptions` has it.

    told: for `look` and `create` the URL that they send to, for `read` the handle.
    """

    what: Literal["look", "create", "missed", "read"]
    told: str = ""


Ask = Lookup | PageRequest | Watch | Literal["check"]
"""What a client is asked for: one object, a list to its end, the provider's webhooks, or the proof
of its token. When, and for which connection, is the player's to say.
"""
End = Literal[
    "read", "gone", "Refused", "RateLimited", "TransientError", "PermanentError", "nothing said"
]
"""What it ends in: an error by its class, or `gone` and `nothing said` of what is looked up."""
Steps = Answer | Sequence[Answer] | Script
_SHOWN = 5
_NOT_FOUND = Answer(404, {"message": "Not Found"})


@dataclass(frozen=True, slots=True)
class Playback:
    """One recorded answer as a client meets it.

    kind: of the answer, for people, as a list's name or an object's.
    metadata: of a connection that would ask for it.
    script: see `routed`. asks: in their order.
    objects: how many objects of a document's kind the answer tells.
    documents: what they have to become by the provider's contract: the title, None where the
        contract does not say it, by the `source_id`.
    ends: those of which one is right.
    may_gap: the answer itself says that it is not all there is.
    """

    kind: str
    metadata: Mapping[str, JSON]
    script: Script
    asks: tuple[Ask, ...]
    objects: int = 0
    documents: Mapping[str, str | None] = field(default_factory=dict)
    ends: frozenset[End] = frozenset({"read"})
    may_gap: bool = False

    def faults(self, end: End, problem: str, told: Mapping[str, str]) -> Iterator[str]:
        """What is not as it has to be: the end, or the documents, of which `told` are the titles.

        problem: what was said of the end.
        """
        if end not in self.ends:
            said = f"ends in {end}, and not in {' or '.join(sorted(self.ends))}"
            yield f"{said}: {problem}" if problem else said
        if missing := sorted(self.documents.keys() - told.keys()):
            yield f"does not become {', '.join(missing[:_SHOWN])} ({len(missing)} in all)"
        if beyond := sorted(told.keys() - self.documents.keys()):
            said = ", ".join(beyond[:_SHOWN])
            yield f"becomes {said}, which it is not ({len(beyond)} in all)"
        for key, title in self.documents.items():
            if title is not None and told.get(key, title) != title:
                yield f"{key} is called {told[key]!r}, and not {title!r}"


@dataclass(frozen=True, slots=True)
class Unasked:
    """An answer of a kind that no client asks for, and why not, for people."""

    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Playing:
    """A provider's way of playing answers back. token: one that its client takes."""

    token: str
    playback: Callable[[RecordedAnswer], Playback | Unasked]

    def of(self, answer: RecordedAnswer) -> Playback | Unasked:
        """What is the same of every provider, and else what the provider's own function says."""
        if 300 <= (answer.status or 200) < 400:
            return Unasked("redirection", "what it leads to is the answer")
        if not answer.is_error and answer.body in (None, ""):
            return Unasked("nothing", "it tells nothing")
        return self.playback(answer)


def routed(routes: Mapping[str, Steps], otherwise: Script | None = None) -> Script:
    """A script of what stands under `GET /path`: an answer, several (each in its turn, and then the
    last again and again), or a script of its own. Whatever else is asked for is not found.

    Queries are not looked at: what was recorded is the answer to whatever a client of ours asks.
    """
    asked_before: dict[str, int] = {}

    def answer(asked: Asked) -> Answer:
        at = f"{asked.method} {asked.path}"
        steps = routes.get(at)
        if steps is None:
            return _NOT_FOUND if otherwise is None else otherwise(asked)
        if isinstance(steps, Answer):
            return steps
        if callable(steps):
            return steps(asked)
        turn = asked_before[at] = asked_before.get(at, -1) + 1
        return steps[min(turn, len(steps) - 1)]

    return answer


_USUAL: Mapping[int, frozenset[End]] = {
    401: frozenset({"Refused"}),
    403: frozenset({"Refused"}),
    404: frozenset({"gone"}),
    408: frozenset({"TransientError"}),
    410: frozenset({"gone"}),
    425: frozenset({"TransientError"}),
    429: frozenset({"RateLimited"}),
}


def usual_ends(status: int, special: Mapping[int, frozenset[End]] | None = None) -> frozenset[End]:
    """What a look-up ends in that is answered with this status, its parent being readable (RFC
    9110, 15); `special` are the provider's own rules.
    """
    known = (special or {}).get(status) or _USUAL.get(status)
    return known or frozenset({"TransientError" if status >= 500 else "PermanentError"})
