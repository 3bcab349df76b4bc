"""Plays recorded answers to the real clients, over HTTP, from a server of ours on loopback.

Law: a client is asked as the program asks it: what a list only names is looked up, a look-up goes
on where it says so, and what is told goes through `Source.documents`. Writes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ingest.core.changes import Change, Patch, Refresh, Upsert
from ingest.core.errors import (
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Client, Lookup, Source
from ingest.sources.listing import Lists, PageRequest
from ingest.testing.fakes import Answer, Asked, Fake, serving
from ingest.testing.playback import Ask, End, Playback, Playing, Script, Watch, routed
from ingest.testing.walking import pages_of

MOST_LOOK_UPS = 10_000
"""Of one answer, before what it names is taken to have no end."""
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    UnicodeError,
    ValueError,
)
"""What a reader raises that did not foresee an answer."""


@dataclass(frozen=True, slots=True)
class PlayedBack:
    """What came of one answer. documents: those that stand at the end. calls: requests that it
    took. faults: what is wrong, for people; none where the reader did right.
    """

    end: End | None
    documents: tuple[Upsert, ...]
    calls: int
    faults: tuple[str, ...]


@dataclass(slots=True)
class Player:
    """A running server. Used by one thread."""

    fake: Fake
    stage: _Stage

    def play(self, source: Source, playing: Playing, of: Playback) -> PlayedBack:
        """Ask the source's client for all that the playback says."""
        if source.connect is None:
            return PlayedBack(None, (), 0, ("its source looks nothing up",))
        self.stage.token, self.stage.script = playing.token, of.script
        asked_before = len(self.fake.requests)
        access = Access(self.fake.url, playing.token, of.metadata, lambda: datetime.now(UTC))
        try:
            client = source.connect(access)
            reading = _Reading(source, client, access)
            try:
                end, problem = reading.run(of.asks)
            finally:
                client.close()
        except _BROKEN as error:
            broken = f"breaks its reader: {type(error).__name__}: {error}"
            return PlayedBack(None, (), len(self.fake.requests) - asked_before, (broken,))
        documents = tuple(reading.standing.values())
        told = {one.source_id: one.title for one in documents}
        faults = (*of.faults(end, problem, told), *(() if of.may_gap else reading.gaps))
        return PlayedBack(end, documents, len(self.fake.requests) - asked_before, faults)


@contextmanager
def playing_back() -> Iterator[Player]:
    """A server for any number of answers, one after the other, until the end of the block."""
    stage = _Stage()
    with serving(stage) as fake:
        yield Player(fake, stage)


@dataclass(slots=True)
class _Stage:
    """The provider that just now is played; see `fakes.Provider`."""

    token: str = ""
    script: Script = field(default_factory=lambda: routed({}))

    def answer(self, asked: Asked) -> Answer:
        return self.script(asked)


@dataclass(slots=True)
class _Reading:
    """One client's way through what it is asked. standing: the documents, as told last."""

    source: Source
    client: Client
    access: Access
    standing: dict[Identity, Upsert] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    shown: int = 0
    gone: int = 0
    states: dict[Identity, JSON] = field(default_factory=dict)
    waiting: deque[Ask] = field(default_factory=deque)
    met: set[Identity] = field(default_factory=set)

    @property
    def metadata(self) -> Mapping[str, JSON]:
        return self.access.metadata

    def run(self, asks: Iterable[Ask]) -> tuple[End, str]:
        """What it ends in, and what was said of it."""
        self.waiting.extend(asks)
        try:
            for _ in range(MOST_LOOK_UPS):
                if not self.waiting:
                    break
                self._ask(self.waiting.popleft())
        except IngestError as error:
            return _end_of(error), str(error)
        if self.gone and not self.shown:
            return "gone", ""
        return ("read" if self.shown else "nothing said"), ""

    def _ask(self, ask: Ask) -> None:
        if isinstance(ask, Lookup):
            self._look_up(ask)
        elif isinstance(ask, PageRequest):
            self._list(ask)
        elif isinstance(ask, Watch):
            self._watch(ask)
        else:
            self.client.check()
            self.shown += 1

    def _look_up(self, lookup: Lookup) -> None:
        self.met.add(lookup.identity)
        state = self.states.get(lookup.identity, lookup.state)
        asked = replace(lookup, state=state, connection=self.metadata, sent_at=datetime.now(UTC))
        sight = self.client.fetch_one(asked)
        self.states[lookup.identity] = sight.state
        if sight.problem:
            self.gaps.append(sight.problem)
        if sight.raw is None:
            self.gone += 1
            self.standing.pop(lookup.identity, None)
        else:
            self._tell(replace(asked, raw=sight.raw))
        if sight.more:
            self.waiting.appendleft(lookup)

    def _list(self, request: PageRequest) -> None:
        client: Lists = self.client  # type: ignore[assignment] # a listing's client is both
        for page in pages_of(
            client,
            request.resource,
            since=request.since,
            cursor=request.cursor,
            kept=request.kept,
            connection=self.metadata,
        ):
            self.shown += 1
            self.gaps += [page.gap] if page.gap else []
            for listed in page.listed:
                self._tell(
                    Lookup(
                        listed.identity,
                        listed.hint,
                        sent_at=datetime.now(UTC),
                        connection=self.metadata,
                        raw=listed.raw,
                    )
                )
            self._want(page.wanted)

    def _watch(self, watch: Watch) -> None:
        if self.source.subscribe is None:
            raise PermanentError("its source looks after no webhooks")
        webhooks = self.source.subscribe(self.access)
        try:
            found: object
            if watch.what == "look":
                found = webhooks.look(watch.told)
            elif watch.what == "create":
                found = webhooks.create(watch.told, "a secret of the player's own")
            elif watch.what == "missed":
                found = webhooks.missed(datetime.fromtimestamp(0, UTC))
            else:
                found = webhooks.read(watch.told)
            self.shown += found is not None
        finally:
            webhooks.close()

    def _tell(self, lookup: Lookup) -> None:
        """What the source makes of what was shown."""
        if self.source.documents is None:
            raise PermanentError("its source makes no documents of what it looks up")
        told = self.source.documents(lookup)
        self.shown += bool(told)
        self._want([change for change in told if isinstance(change, Refresh)])
        for change in told:
            if not isinstance(change, Refresh):
                self._apply(change)

    def _apply(self, change: Change) -> None:
        if isinstance(change, Upsert):
            self.standing[change.identity] = change
        elif not isinstance(change, Patch):
            self.standing.pop(change.identity, None)

    def _want(self, wanted: Iterable[Refresh]) -> None:
        for one in wanted:
            if one.identity not in self.met:
                self.met.add(one.identity)
                self.waiting.append(Lookup(one.identity, one.hint))


_ENDS: tuple[tuple[type[IngestError], End], ...] = (
    (Refused, "Refused"),
    (RateLimited, "RateLimited"),
    (TransientError, "TransientError"),
)


def _end_of(error: IngestError) -> End:
    return next((end for kind, end in _ENDS if isinstance(error, kind)), "PermanentError")
