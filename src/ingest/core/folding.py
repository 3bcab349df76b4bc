"""From what is known and what is said to what will be known: the decision of `apply`. No I/O.

All statements about one document are folded before anything is written, so a batch writes a row
once, and the result does not depend on their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.core.changes import Change, Delete, Patch, Upsert, Withdraw
from ingest.core.identity import document_id
from ingest.core.ranks import grounded, is_final, same_version, was_seen
from ingest.core.values import JSON

LIVE, DELETED, UNKNOWN = "live", "deleted", "unknown"

MOST_UNITED = 100
"""Of a set that patches unite, and of its names where it has any: the first ones by their order,
so that whatever order they come in, the same are left."""
MOST_PATCHES = 100
"""That are kept apart. What older ones add is added to the oldest of these."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What the ledger knows of one identity; the columns of its table."""

    identity: str
    document_id: str
    store_id: str
    source_type: str
    scope: str
    kind: str
    external_id: str
    slug: str
    source_id: str | None = None
    parent: str | None = None
    rank: str | None = None
    state: str = UNKNOWN
    fed: bool = True
    visible: bool = True
    patches: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One connection's word about one document of one store.

    `wanted` is false where the object lies outside the connection's filter (a `Withdraw` always
    does); `filtered` says that the connection has one, so that its newest word decides whether it
    feeds the document.
    """

    change: Change
    rank: str
    connection_id: str
    wanted: bool = True
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A connection's standing towards a document, as the feeds table holds it."""

    connection_id: str
    feeding: bool
    rank: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one document.

    `row` is the ledger's new row, but for `visible`, which hangs on the parent. `whole` is the
    newest upsert where it advances the ledger; `metadata` what the document shall hold (patches
    merged in) where it must be written; `deleted` says that the document goes now. `aliases` are
    former keys to keep, `lost_alias` the key that is current again; `feeds` those to write.
    """

    row: LedgerRow
    whole: Upsert | None
    metadata: Mapping[str, JSON] | None
    deleted: bool
    aliases: frozenset[str]
    lost_alias: str | None
    feeds: tuple[Feed, ...]


def decide(
    row: LedgerRow,
    statements: Sequence[Statement],
    feeds: Iterable[Feed] = (),
    stored: Mapping[str, JSON] | None = None,
) -> Decision:
    """Fold the wanted statements into the row. Stale ones still leave their aliases.

    `feeds` are the document's feeds as they stand; `stored` is the metadata that the document has
    now, which only patches ask for.
    """
    wanted = [s for s in statements if s.wanted]
    newest = _newest(row, wanted)
    base = _base(row, newest, stored)
    patches = _patches(row, wanted, base.rank)
    patched = any(isinstance(s.change, Patch) for s in wanted)
    metadata = None
    if base.state == LIVE and (newest is not None or patched):
        metadata = merge(base.metadata, patches) if patches else base.metadata
    whole = newest.change if newest and isinstance(newest.change, Upsert) else None
    deleted = newest is not None and whole is None
    source_id = whole.source_id if whole else None if deleted else row.source_id
    written, fed = _feeds(feeds, statements)
    after = row
    if newest is not None or patches or fed != row.fed:
        parent = _parent(row, newest)
        after = _after(row, base, patches, source_id=source_id, parent=parent, fed=fed)
    seen = _keys(wanted) | ({row.source_id} if row.source_id else set())
    return Decision(
        row=after,
        whole=whole,
        metadata=metadata,
        deleted=deleted and row.state == LIVE,
        aliases=frozenset(seen - {source_id}),
        lost_alias=source_id if source_id != row.source_id and row.rank is not None else None,
        feeds=written,
    )


def _after(
    row: LedgerRow,
    base: _Base,
    patches: Sequence[dict[str, JSON]],
    *,
    source_id: str | None,
    parent: str | None,
    fed: bool,
) -> LedgerRow:
    """The ledger's new row, spelled out: `dataclasses.replace` costs more than the decision."""
    return LedgerRow(
        row.identity,
        row.document_id,
        row.store_id,
        row.source_type,
        row.scope,
        row.kind,
        row.external_id,
        row.slug,
        source_id,
        parent,
        base.rank,
        base.state,
        fed,
        row.visible,
        _kept(base, patches),
    )


def _kept(base: _Base, patches: Sequence[dict[str, JSON]]) -> dict[str, JSON] | None:
    """What the ledger holds while there are patches: the whole object's metadata and they."""
    if not patches:
        return None
    return {"base": dict(base.metadata), "patches": list(patches)}


def is_stale(row: LedgerRow, statement: Statement) -> bool:
    """Whether the statement is older than what the ledger knew when it came."""
    return row.rank is not None and statement.rank < row.rank


def ground(row: LedgerRow, statements: Iterable[Statement]) -> list[Statement]:
    """The statements with a version each: an untold one is the last known, those of the batch too.

    So a deletion that was merely seen stands above whatever it was seen of.
    """
    listed = list(statements)
    known = max((s.rank for s in listed if s.rank[0] != "?"), default=None)
    if row.rank is not None and (known is None or row.rank > known):
        known = row.rank
    return [s if s.rank[0] != "?" else replace(s, rank=grounded(s.rank, known)) for s in listed]


def is_doubtful(row: LedgerRow, statement: Statement, said: Iterable[Statement] = ()) -> bool:
    """Whether only a look-up can tell what is true: a payload says otherwise at the same version,
    or would lift a tombstone that was seen. `said` are the others of the batch.
    """
    if isinstance(statement.change, Patch | Withdraw) or was_seen(statement.rank):
        return False
    known = {row.rank} if row.rank is not None and not is_final(row.rank) else set()
    known |= {s.rank for s in said if not isinstance(s.change, Patch | Withdraw)}
    ties = any(same_version(statement.rank, k) and statement.rank[-64:] != k[-64:] for k in known)
    return ties or lifts(row, statement)


def lifts(row: LedgerRow, statement: Statement) -> bool:
    """Whether a payload would bring back what a look-up or a listing saw gone."""
    return (
        row.state == DELETED
        and row.rank is not None
        and was_seen(row.rank)
        and isinstance(statement.change, Upsert)
        and not was_seen(statement.rank)
        and statement.rank > row.rank
    )


def merge(base: Mapping[str, JSON], patches: Iterable[Mapping[str, JSON]]) -> dict[str, JSON]:
    """Lay patches (`rank`, `fields`) over a whole object's metadata; the order does not matter."""
    merged: dict[str, JSON] = dict(base)
    for patch in sorted(patches, key=lambda p: str(p["rank"])):
        fields = patch["fields"]
        if isinstance(fields, Mapping):
            for name, field in fields.items():
                if isinstance(field, Mapping):
                    merged[name] = _merged(str(field["merge"]), merged.get(name), field["value"])
    return merged


@dataclass(frozen=True, slots=True)
class _Base:
    rank: str | None
    state: str
    metadata: Mapping[str, JSON]


def _newest(row: LedgerRow, statements: Iterable[Statement]) -> Statement | None:
    """The newest whole word (upsert or delete) where it is newer than what is known."""
    whole = [s for s in statements if not isinstance(s.change, Patch | Withdraw)]
    newest = max(whole, key=lambda s: s.rank, default=None)
    if newest is None or (row.rank is not None and newest.rank <= row.rank):
        return None
    return newest


def _base(row: LedgerRow, newest: Statement | None, stored: Mapping[str, JSON] | None) -> _Base:
    if newest is None:
        known = row.patches.get("base") if row.patches else stored
        return _Base(row.rank, row.state, known if isinstance(known, Mapping) else {})
    if isinstance(newest.change, Upsert):
        return _Base(newest.rank, LIVE, newest.change.metadata)
    return _Base(newest.rank, DELETED, {})


def _patches(
    row: LedgerRow, statements: Iterable[Statement], base_rank: str | None
) -> list[dict[str, JSON]]:
    """The patches that are newer than the base, the known and the said ones, by rank."""
    found: dict[str, dict[str, JSON]] = {}
    known = row.patches.get("patches") if row.patches else None
    for patch in known if isinstance(known, list) else ():
        if isinstance(patch, dict):
            found[str(patch["rank"])] = patch
    for statement in statements:
        if isinstance(statement.change, Patch):
            fields: dict[str, JSON] = {
                name: {"value": f.value, "merge": f.merge}
                for name, f in statement.change.fields.items()
            }
            found[statement.rank] = {"rank": statement.rank, "fields": fields}
    return _compacted([found[r] for r in sorted(found) if base_rank is None or r > base_rank])


def _compacted(patches: Sequence[dict[str, JSON]]) -> list[dict[str, JSON]]:
    """The patches without what newer ones say too: whatever base comes, it merges to the same.

    A newer patch outlives the older one, so a field adds nothing where merging it into the newer
    ones changes nothing. A stream of events about one object stays as small as what it told.
    """
    said: dict[str, JSON] = {}
    kept: list[dict[str, JSON]] = []
    for patch in reversed(patches):
        fields = patch["fields"]
        told = fields.items() if isinstance(fields, dict) else ()
        news: dict[str, JSON] = {
            name: field
            for name, field in told
            if isinstance(field, dict) and _adds(said, name, field)
        }
        if news and len(kept) < MOST_PATCHES:
            kept.append({"rank": patch["rank"], "fields": news})
        elif news:
            kept[-1] = _with(kept[-1], news)
    return kept[::-1]


def _with(patch: dict[str, JSON], older: Mapping[str, JSON]) -> dict[str, JSON]:
    """The patch, saying what fields of an older one add to it too."""
    fields = patch["fields"]
    both: dict[str, JSON] = dict(fields) if isinstance(fields, dict) else {}
    for name, field in older.items():
        own = both.get(name)
        if isinstance(field, dict):
            known = own["value"] if isinstance(own, dict) else None
            value = _merged(str(field["merge"]), known, field["value"])
            both[name] = {"value": value, "merge": field["merge"]}
    return {"rank": patch["rank"], "fields": both}


def _adds(said: dict[str, JSON], name: str, field: Mapping[str, JSON]) -> bool:
    """Whether a field says more than newer ones; if so, it is noted with them."""
    how, value = str(field["merge"]), field["value"]
    if name in said:
        if how == "newest":
            return False
        merged = _merged(how, said[name], value)
        if merged == said[name]:
            return False
        said[name] = merged
    else:
        said[name] = _merged(how, None, value)
    return True


def _feeds(known: Iterable[Feed], statements: Iterable[Statement]) -> tuple[tuple[Feed, ...], bool]:
    """The feeds to write (the newest word of each connection), and whether anybody feeds.

    A thing that no connection has spoken for (a parent only heard of) counts as fed.
    """
    standing = {feed.connection_id: feed for feed in known}
    written: dict[str, Feed] = {}
    for statement in statements:
        if isinstance(statement.change, Delete):
            continue
        before = standing.get(statement.connection_id)
        rank = statement.rank if statement.filtered else None
        if before and rank is not None and before.rank is not None and rank <= before.rank:
            continue
        after = Feed(statement.connection_id, statement.wanted, rank)
        if after != before:
            standing[statement.connection_id] = written[statement.connection_id] = after
    fed = not standing or any(feed.feeding for feed in standing.values())
    return tuple(written.values()), fed


def _parent(row: LedgerRow, newest: Statement | None) -> str | None:
    """The parent's identity, as the newest word has it; nothing is its own parent."""
    if newest is None:
        return row.parent
    named = newest.change.parent if isinstance(newest.change, Upsert) else None
    key = document_id(named, row.store_id) if named is not None else None
    return None if key == row.identity else key


def _keys(statements: Iterable[Statement]) -> set[str]:
    keys: set[str] = set()
    for statement in statements:
        change = statement.change
        if isinstance(change, Upsert):
            keys.add(change.source_id)
        if isinstance(change, Upsert | Delete):
            keys.update(change.aliases)
    return keys


def _merged(how: str, old: JSON, new: JSON) -> JSON:
    if how == "newest":
        return new
    if how == "union":
        return _union(old, new)
    if old is None or new is None:
        return new if old is None else old
    if isinstance(old, str) and isinstance(new, str):
        return min(old, new) if how == "min" else max(old, new)
    if isinstance(old, int | float) and isinstance(new, int | float):
        return min(old, new) if how == "min" else max(old, new)
    return new


def _union(old: JSON, new: JSON) -> JSON:
    """Sorted, and bounded: each event of a busy object may add to it, for years."""
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        one = old if isinstance(old, Mapping) else {}
        other = new if isinstance(new, Mapping) else {}
        names = sorted({*one, *other})[:MOST_UNITED]
        return {k: _union(one.get(k), other.get(k)) for k in names}
    items = {str(item) for side in (old, new) if isinstance(side, list) for item in side}
    return [*sorted(items)[:MOST_UNITED]]
