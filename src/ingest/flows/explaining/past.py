"""What came in about a document, and what became of the document by it. Pure.

Law: nothing is guessed. A transaction has one time, which its deliveries, its events and what the
change feed tells of its documents bear alike: by that alone a change is put down to what came in.
What is older than the change feed is not known any more, and is said so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ingest.core.ranks import version_of
from ingest.store.explaining import KeptDelivery, KeptEvent, ToldRow
from ingest.store.outbox import fields_of

Did = Literal[
    "created",
    "updated",
    "hidden",
    "deleted",
    "unchanged",
    "stale",
    "skipped",
    "duplicate",
    "dead",
    "waiting",
    "unknown",
]
By = Literal["delivery", "sync", "binding", "program"]

_SAID: Mapping[str, Did] = {
    "added": "created",
    "changed": "updated",
    "cut": "updated",
    "hidden": "hidden",
    "deleted": "deleted",
}
_STRONGER: Sequence[Did] = ("updated", "created", "hidden", "deleted")
_UNDONE: Mapping[str, Did] = {"pending": "waiting", "skipped": "skipped", "dead": "dead"}
_STALE = "stale"
"""How a delivery's reason begins of which nothing was new."""
_NOT_KNOWN = "before what the change feed keeps"
_ASKED = "had it looked up"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one transaction did to a document.

    changed: the columns of a row that stood; `chunks` where those were cut anew. content_hash,
    config_hash: of the document then, or its last.
    """

    at: datetime
    did: Did
    changed: tuple[str, ...]
    content_hash: str
    config_hash: str | None


@dataclass(frozen=True, slots=True)
class HeardDelivery:
    """A delivery that speaks of a document, or waited for a look-up that changed it.

    rank: the highest that it tells of the document, as `core.ranks`; None where it tells nothing
        itself. asks: it has the document looked up. keys: the ids of its events in that store.
    """

    delivery: KeptDelivery
    rank: str | None
    asks: bool
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastEntry:
    """Something of a document's past.

    at: when it was settled; of what waits, when it was received. by: what it is: a `delivery`; an
        event of a `sync` run; `binding`: only what the document points at came, went or was
        renamed; `program`: no delivery and no event stands for it.
    did, changed: what became of the document. why: a sentence for a person, where there is more.
    version: the source's, in which it speaks; None where it tells nothing itself.
    """

    at: datetime
    by: By
    did: Did
    changed: tuple[str, ...] = ()
    why: str = ""
    delivery_id: int | None = None
    connection_id: str | None = None
    event_id: str | None = None
    event_key: str | None = None
    event_status: str | None = None
    version: str | None = None


def effects(told: Iterable[ToldRow]) -> list[Effect]:
    """One for each transaction, in their order."""
    by_transaction: dict[int, list[ToldRow]] = {}
    for row in told:
        by_transaction.setdefault(row.transaction_id, []).append(row)
    return [_effect(rows) for rows in by_transaction.values()]


def _effect(rows: Sequence[ToldRow]) -> Effect:
    did = max((_SAID[row.said] for row in rows), key=_STRONGER.index)
    if did in ("hidden", "deleted") and _SAID[rows[-1].said] not in ("hidden", "deleted"):
        did = "created"
    changed = {name: None for row in rows for name in fields_of(row.fields)}
    if any(row.said == "cut" for row in rows):
        changed["chunks"] = None
    fresh = did != "updated"
    last = rows[-1]
    names = () if fresh else tuple(changed)
    return Effect(last.written_at, did, names, last.content_hash, last.config_hash)


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known beside a delivery: all that were heard, events by id, effects by their time."""

    heard: Sequence[HeardDelivery]
    events: Mapping[str, KeptEvent]
    at: Mapping[datetime, Effect]
    kept_since: datetime | None

    def event_of(self, one: HeardDelivery) -> KeptEvent | None:
        """Its event in the document's store."""
        return next((self.events[key] for key in one.keys if key in self.events), None)

    def effect_of(self, one: HeardDelivery) -> Effect | None:
        """What the transaction did that settled it, or that recorded its event: it was replayed."""
        event, settled = self.event_of(one), one.delivery.settled_at
        found = None if settled is None else self.at.get(settled)
        return found or (None if event is None else self.at.get(event.processed_at))

    def keeps(self, time: datetime) -> bool:
        """Whether what became of the document then is around."""
        return self.kept_since is not None and time >= self.kept_since

    def newer(self, one: HeardDelivery) -> int | None:
        """The delivery with the newest word by then, where that is not the one."""
        settled = one.delivery.settled_at
        if one.rank is None or settled is None:
            return None
        told = (other for other in self.heard if _had_told(other, settled))
        newest = max(told, key=_place, default=one)
        return newest.delivery.row.id if _place(newest) > _place(one) else None


def entries(
    heard: Sequence[HeardDelivery],
    events: Sequence[KeptEvent],
    made: Sequence[Effect],
    *,
    kept_since: datetime | None,
) -> list[PastEntry]:
    """The document's past, the oldest first; kept_since: from when on changes are kept."""
    by_id = {event.id: event for event in events}
    around = _Around(heard, by_id, {effect.at: effect for effect in made}, kept_since)
    told = [_of_delivery(one, around) for one in heard]
    spoken = {key for one in heard for key in one.keys}
    told += [_of_event(one, around) for one in events if one.id not in spoken]
    explained = {entry.at for entry in told if entry.did in _STRONGER}
    told += [_alone(effect) for effect in made if effect.at not in explained]
    return sorted(told, key=_when)


def _when(entry: PastEntry) -> tuple[datetime, int]:
    return entry.at, entry.delivery_id or 0


def _of_delivery(one: HeardDelivery, around: _Around) -> PastEntry:
    entry = _begun(one, around.event_of(one))
    reason = one.delivery.reason or one.delivery.last_error or ""
    ended = _UNDONE.get(one.delivery.status)
    if ended is not None:
        return replace(entry, did=ended, why=reason)
    if (newer := around.newer(one)) is not None:
        return replace(entry, did="stale", why=f"delivery {newer} tells of a newer version")
    if (effect := around.effect_of(one)) is not None:
        return replace(entry, at=effect.at, did=effect.did, changed=effect.changed, why=reason)
    if reason.startswith(_STALE):
        return replace(entry, did="stale", why=reason)
    if one.delivery.status == "duplicate":
        return replace(entry, did="duplicate", why=reason)
    if not around.keeps(entry.at):
        return replace(entry, did="unknown", why=f"{reason}; {_NOT_KNOWN}")
    return replace(entry, why=f"{reason}; {_ASKED}" if one.asks else reason)


def _begun(one: HeardDelivery, event: KeptEvent | None) -> PastEntry:
    """The entry of a delivery, as if it had changed nothing."""
    kept = one.delivery
    entry = PastEntry(
        at=kept.settled_at or kept.row.received_at,
        by="delivery",
        did="unchanged",
        delivery_id=kept.row.id,
        connection_id=kept.row.connection_id,
        event_key=kept.row.delivery_key,
        version=version_of(one.rank) if one.rank is not None else None,
    )
    if event is None:
        return entry
    return _with_event(entry, event)


def _with_event(entry: PastEntry, event: KeptEvent) -> PastEntry:
    return replace(entry, event_id=event.id, event_key=event.event_key, event_status=event.status)


def _place(one: HeardDelivery) -> str:
    return one.rank or ""


def _had_told(one: HeardDelivery, until: datetime) -> bool:
    at, status = one.delivery.settled_at, one.delivery.status
    return at is not None and at <= until and status in ("processed", "duplicate")


def _of_event(event: KeptEvent, around: _Around) -> PastEntry:
    effect = around.at.get(event.processed_at)
    entry = _with_event(PastEntry(event.processed_at, "sync", "unchanged"), event)
    if effect is not None:
        return replace(entry, did=effect.did, changed=effect.changed)
    if around.keeps(event.processed_at):
        return entry
    return replace(entry, did="unknown", why=_NOT_KNOWN)


def _alone(effect: Effect) -> PastEntry:
    if effect.changed == ("relationships",):
        why = "what it points at came, went or is called otherwise"
        return PastEntry(effect.at, "binding", effect.did, effect.changed, why)
    why = "a look-up, a listing, its parent, or what was made anew: nothing that is kept names it"
    return PastEntry(effect.at, "program", effect.did, effect.changed, why)


@dataclass(frozen=True, slots=True)
class HashKept:
    """A content and configuration hash that a document had, from when on, and by which deliveries.

    at: None of the one that stands, where nothing is kept of when it was written.
    """

    at: datetime | None
    content_hash: str
    config_hash: str | None
    deliveries: tuple[int, ...] = ()


def hashes(
    made: Sequence[Effect], told: Sequence[PastEntry], standing: tuple[str, str | None] | None
) -> list[HashKept]:
    """Each pair of hashes that the document had, the oldest first, as far as it is kept."""
    by = defaultdict[datetime, list[int]](list)
    for entry in told:
        if entry.delivery_id is not None and entry.did in _STRONGER:
            by[entry.at].append(entry.delivery_id)
    found: list[HashKept] = []
    for effect in made:
        pair = effect.content_hash, effect.config_hash
        if not found or (found[-1].content_hash, found[-1].config_hash) != pair:
            found.append(HashKept(effect.at, *pair, tuple(by[effect.at])))
    if standing is not None and (
        not found or (found[-1].content_hash, found[-1].config_hash) != standing
    ):
        found.append(HashKept(None, *standing))
    return found
