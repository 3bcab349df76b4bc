"""What a look-up came to: seen, gone, put off, hopeless. Pure, but for the log of our faults."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from ingest.core.bounds import MAX_SEEN
from ingest.core.canonical import clean
from ingest.core.changes import Change, Delete, Refresh
from ingest.core.errors import (
    BadSettings,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.identity import Identity
from ingest.core.ranks import Seen
from ingest.core.retry import delay_s, told_s
from ingest.core.values import JSON
from ingest.flows.documents.apply import Work
from ingest.flows.documents.owned_keys import unclaimed
from ingest.flows.documents.render import StoreConfig
from ingest.flows.documents.statements import weigh
from ingest.sources.contract import Sight
from ingest.sources.registry import source
from ingest.store.connections import Connection
from ingest.store.lookups import Claimed

log = structlog.get_logger(__name__)

AGAIN_S = 2.0
PATIENT_S = 5.0
MOST_SAID = 2_000

Kind = Literal["seen", "gone", "hopeless", "put_off", "refused", "limited"]


@dataclass(frozen=True, slots=True)
class Landing:
    """What a look-up came to.

    seen, gone: it ends with its `words`, and asks for `asks`; `more` of it is to be read.
    hopeless: it ends with `error`, and so do the deliveries that waited for it.
    put_off, refused, limited: it goes on later, after `wait_s`; `error` says why. Failures are
    `counted`, for each makes the next wait longer; to wait as told, or for a lag, is none.
    problem, mended: as its sight says. `remark` is what the reason says beside its end.
    """

    kind: Kind
    words: tuple[Callable[[StoreConfig], Work], ...] = ()
    asks: tuple[Refresh, ...] = ()
    state: JSON = None
    more: bool = False
    error: str = ""
    wait_s: float = 0.0
    counted: bool = True
    problem: str | None = None
    mended: str | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A look-up with its connection and its outcome."""

    claimed: Claimed
    connection: Connection
    landing: Landing
    token_id: int = 0


def seen(
    said: Sequence[Change | Refresh],
    sight: Sight,
    connection: Connection,
    claimed: Claimed,
    taken: frozenset[str] = frozenset(),
) -> Landing:
    """The object, as its source reads it; weighed here, so that what cannot be ends it alone.

    A true answer can bear another tenant's name too: a team's key, the path of a file.
    """
    if len(said) > MAX_SEEN:
        return hopeless(f"the provider's answer speaks of more than {MAX_SEEN:,} things")
    told = tuple(one for one in said if not isinstance(one, Refresh))
    changes, remark = unclaimed(source(connection.source_type), told, taken)
    asks = tuple(one for one in said if isinstance(one, Refresh))
    words = _weighed(connection, claimed, changes)
    landing = Landing("seen", words, asks, sight.state, sight.more)
    return replace(landing, problem=sight.problem, mended=sight.mended, remark=remark)


def gone(identity: Identity, sight: Sight, connection: Connection, claimed: Claimed) -> Landing:
    """Nothing is there, and the parent is proven readable: the last known version is deleted."""
    deletion = Delete(identity, version=None, final=claimed.told_gone)
    words = _weighed(connection, claimed, (deletion,))
    return Landing("gone", words, state=sight.state)


def _weighed(
    connection: Connection, claimed: Claimed, changes: Collection[Change]
) -> tuple[Callable[[StoreConfig], Work], ...]:
    found, heard_at = source(connection.source_type), claimed.sent_at
    return tuple(weigh(found, connection, changes, Seen(claimed.fence), heard_at=heard_at))


def hopeless(error: str) -> Landing:
    """It will fail the same way for ever."""
    return Landing("hopeless", error=error)


def failed(error: BaseException, claimed: Claimed) -> Landing:
    """What a look-up's error means; a fault of our own is permanent until it is mended.

    A wrong setting of this worker (a key, a proxy) is nobody's end: it goes on once that is right.
    """
    said = clean(str(error))[:MOST_SAID]
    if isinstance(error, Refused):
        return Landing("refused", error=said, counted=False)
    if isinstance(error, RateLimited):
        return Landing("limited", error=said, wait_s=_held_s(error, claimed), counted=False)
    if isinstance(error, TransientError | BadSettings):
        told = error.retry_after_s if isinstance(error, TransientError) else None
        if told is not None:
            return Landing("put_off", error=said, wait_s=told_s(told), counted=False)
        return Landing("put_off", error=said, wait_s=delay_s(claimed.attempts, claimed.id))
    if isinstance(error, PermanentError):
        return hopeless(said)
    log.error("look_up_failed_unexpectedly", kind=claimed.kind, exc_info=error)
    return hopeless(f"client fault: {type(error).__name__}; replay it once the client is mended")


def _held_s(error: RateLimited, claimed: Claimed) -> float:
    told = error.retry_after_s
    wait_s = delay_s(claimed.attempts, claimed.id) if told is None else told_s(told)
    return max(wait_s, AGAIN_S)


def patiently(ended: Ended) -> Ended:
    """What is not there yet is asked for again, as long as its event was patient about it; and so
    is what is still there although it was told to be gone. Patience is no failure: it does not
    count, so that one that comes after it is retried at once.
    """
    lagging = "seen" if ended.claimed.told_gone else "gone"
    if ended.landing.kind != lagging or not ended.claimed.patient:
        return ended
    said = "is still shown" if ended.claimed.told_gone else "not readable yet"
    waits = Landing("put_off", error=said, wait_s=PATIENT_S, counted=False)
    return replace(ended, landing=waits)
