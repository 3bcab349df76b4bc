"""From what is known and what is said to what will be known: the decision of `apply`. No I/O.

All statements about one document are folded before anything is written, so a batch writes a row
once, and the result does not depend on their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ingest.core import patching
from ingest.core.changes import Change, Delete, Patch, Refresh, Upsert, Withdraw
from ingest.core.dating import Dates, dated
from ingest.core.identity import document_id
from ingest.core.lean import lean
from ingest.core.ranks import grounded, is_final, same_version, was_seen
from ingest.core.values import JSON

LIVE, DELETED, UNKNOWN = "live", "deleted", "unknown"
NOBODY = ""
"""In the place of a connection's id: what a legacy database says, and no connection feeds."""


@lean
class LedgerRow:
    """What the ledger knows of one identity; the columns of its table.

    `parent` is what it goes with (`Upsert.goes_with`), which mostly is the document's parent too.
    `revision` is that of the code which made the newest word, `made` the digest of what it made,
    where somebody may have to compare. `heard_at`, `created_at` and `created_rank` are its `dates`.
    `reading` is with what its text was read (`core.reading`); None where nobody knows that.
    """

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
    revision: int = 0
    made: str | None = None
    heard_at: datetime | None = None
    created_at: datetime | None = None
    created_rank: str | None = None
    reading: Mapping[str, JSON] | None = None

    @property
    def dates(self) -> Dates:
        """The document's dates, as `dating` folds them."""
        return Dates(self.heard_at, self.created_at, self.created_rank)


@lean
class Statement:
    """A change as one connection says it, in whichever store; with its place in the total order.

    `wanted` is false where the object lies outside the connection's filter (a `Withdraw` always
    does); `connection_id` may be NOBODY. `revision` is that of the code that made it, `made` the
    digest of what it made, where that is compared. `heard_at` is when it was received, or the
    provider asked. `again` is the look-up that settles a doubt about it, where the connection can
    ask. `cuts` are what of it exceeded a bound, in words. `teaches` where it shows a name that the
    connection does not know.
    """

    change: Change
    rank: str
    connection_id: str
    wanted: bool = True
    revision: int = 0
    made: str | None = None
    heard_at: datetime | None = None
    again: Refresh | None = None
    cuts: tuple[str, ...] = ()
    teaches: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """Where it stands: of one rank, by the revision of what was made of it."""
        return self.rank, self.revision


@lean
class Feed:
    """A connection's standing towards a document, as the feeds table holds it: its newest word says
    whether it feeds. A rank is unknown where the word is older than the keeping of ranks.
    """

    connection_id: str
    feeding: bool
    rank: str | None
    revision: int = 0


@lean
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
    told = _patches(wanted)
    patches = patching.newer(_known_patches(row), told, base.rank)
    metadata = None
    if base.state == LIVE and (newest is not None or told):
        metadata = patching.merge(base.metadata, patches) if patches else base.metadata
    whole, source_id = _current(row, newest)
    written, fed = _feeds(feeds, statements)
    after, dates = row, dated_by(row, wanted)
    if newest is not None or patches or fed != row.fed or dates != row.dates:
        parent = _parent(row, newest)
        after = _after(row, base, patches, dates, source_id=source_id, parent=parent, fed=fed)
    return Decision(
        row=after,
        whole=whole,
        metadata=metadata,
        deleted=row.state == LIVE and base.state == DELETED,
        aliases=_aliases(row, newest, wanted, source_id),
        lost_alias=_lost_alias(row, source_id),
        feeds=written,
    )


def _patches(statements: Iterable[Statement]) -> list[patching.Kept]:
    return [
        patching.as_kept(s.change, s.rank, s.revision)
        for s in statements
        if isinstance(s.change, Patch)
    ]


def _known_patches(row: LedgerRow) -> JSON:
    return row.patches.get("patches") if row.patches else None


def _current(row: LedgerRow, newest: Statement | None) -> tuple[Upsert | None, str | None]:
    """The whole object where it is told now, and the key that finds the document from now on."""
    if newest is None:
        return None, row.source_id
    if isinstance(newest.change, Upsert):
        return newest.change, newest.change.source_id
    return None, None


def _after(
    row: LedgerRow,
    base: _Base,
    patches: Sequence[dict[str, JSON]],
    dates: Dates,
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
        base.revision,
        base.made,
        dates.heard_at,
        dates.created_at,
        dates.rank,
        row.reading if base.state == LIVE else None,
    )


def dated_by(row: LedgerRow, statements: Iterable[Statement]) -> Dates:
    """The document's dates after whole words about it, stale ones too. Of the newest word an older
    program reads the same words worse; what a newer one sees of the whole object counts alone.
    """
    told = [
        (s, s.change)
        for s in sorted(statements, key=lambda s: s.place)
        if isinstance(s.change, Upsert) and not (s.rank == row.rank and s.revision < row.revision)
    ]
    if not told:
        return row.dates
    is_mended = any(said.created_at is not None and _sees_better(row, s) for s, said in told)
    known = Dates(row.heard_at) if is_mended else row.dates
    return dated(known, (Dates(s.heard_at, said.created_at, s.rank) for s, said in told))


def _sees_better(row: LedgerRow, statement: Statement) -> bool:
    """Whether newer code sees the object anew: what older code misread of it may be too early."""
    is_newer = row.rank is not None and statement.revision > row.revision
    return is_newer and was_seen(statement.rank) and replaces(row, statement)


def _kept(base: _Base, patches: Sequence[dict[str, JSON]]) -> dict[str, JSON] | None:
    """What the ledger holds while there are patches: the whole object's metadata and they."""
    if not patches:
        return None
    return {"base": dict(base.metadata), "patches": list(patches)}


def is_stale(row: LedgerRow, statement: Statement) -> bool:
    """Whether the statement is older than what the ledger knew when it came.

    Its aliases and dates count all the same.
    """
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
    known = {(s.rank, s.made) for s in said if not isinstance(s.change, Patch | Withdraw)}
    if row.rank is not None and not is_final(row.rank):
        known.add((row.rank, row.made))
    return any(_ties(statement, *one) for one in known) or lifts(row, statement)


def _ties(statement: Statement, rank: str, made: str | None) -> bool:
    """Whether another word of its version says something else, or may."""
    if statement.rank == rank or not same_version(statement.rank, rank):
        return False
    return made is None or statement.made is None or statement.made != made


def lifts(row: LedgerRow, statement: Statement) -> bool:
    """Whether a payload would bring back what a look-up or a listing saw gone.

    Such a payload may be an old one that comes late: only a look-up can tell.
    """
    return (
        row.state == DELETED
        and row.rank is not None
        and was_seen(row.rank)
        and isinstance(statement.change, Upsert)
        and not was_seen(statement.rank)
        and statement.rank > row.rank
    )


@lean
class _Base:
    rank: str | None
    state: str
    metadata: Mapping[str, JSON]
    revision: int
    made: str | None


def _newest(row: LedgerRow, statements: Iterable[Statement]) -> Statement | None:
    """The newest whole word (upsert or delete) where nothing newer is known."""
    whole = [s for s in statements if not isinstance(s.change, Patch | Withdraw)]
    newest = max(whole, key=lambda s: s.place, default=None)
    return newest if newest is not None and replaces(row, newest) else None


def replaces(row: LedgerRow, statement: Statement) -> bool:
    """Whether a whole word takes the place of what is known: it is newer, or the same words once
    more, made by code that is no older.
    """
    return row.rank is None or statement.place >= (row.rank, row.revision)


def _base(row: LedgerRow, newest: Statement | None, stored: Mapping[str, JSON] | None) -> _Base:
    if newest is None:
        known = row.patches.get("base") if row.patches else stored
        metadata = known if isinstance(known, Mapping) else {}
        return _Base(row.rank, row.state, metadata, row.revision, row.made)
    if isinstance(newest.change, Upsert):
        metadata = newest.change.metadata
        return _Base(newest.rank, LIVE, metadata, newest.revision, newest.made)
    return _Base(newest.rank, DELETED, {}, newest.revision, newest.made)


def _feeds(known: Iterable[Feed], statements: Iterable[Statement]) -> tuple[tuple[Feed, ...], bool]:
    """The feeds to write (the newest word of each connection), and whether anybody feeds.

    A thing that no connection has spoken for (a parent only heard of) counts as fed.
    """
    standing = {feed.connection_id: feed for feed in known}
    written: dict[str, Feed] = {}
    for statement in statements:
        if isinstance(statement.change, Delete) or statement.connection_id == NOBODY:
            continue
        before = standing.get(statement.connection_id)
        if before and before.rank is not None and statement.place < (before.rank, before.revision):
            continue
        after = Feed(statement.connection_id, statement.wanted, statement.rank, statement.revision)
        if after != before:
            standing[statement.connection_id] = written[statement.connection_id] = after
    fed = not standing or any(feed.feeding for feed in standing.values())
    return tuple(written.values()), fed


def _parent(row: LedgerRow, newest: Statement | None) -> str | None:
    """What it goes with, as the newest word has it; nothing goes with itself."""
    if newest is None:
        return row.parent
    named = newest.change.goes_with if isinstance(newest.change, Upsert) else None
    key = document_id(named, row.store_id) if named is not None else None
    return None if key == row.identity else key


def _aliases(
    row: LedgerRow,
    newest: Statement | None,
    statements: Iterable[Statement],
    source_id: str | None,
) -> frozenset[str]:
    """Every key that was told, and the one that was current, which goes on finding the document;
    not where the same words are only read better: then nobody ever called it that.
    """
    keys = _keys(statements)
    is_mended = newest is not None and newest.rank == row.rank
    if row.source_id and not is_mended:
        keys.add(row.source_id)
    return frozenset(keys - {source_id})


def _lost_alias(row: LedgerRow, source_id: str | None) -> str | None:
    """A former key that is the current one again; of what is new none was ever written."""
    return source_id if source_id != row.source_id and row.rank is not None else None


def _keys(statements: Iterable[Statement]) -> set[str]:
    keys: set[str] = set()
    for statement in statements:
        change = statement.change
        if isinstance(change, Upsert):
            keys.add(change.source_id)
        if isinstance(change, Upsert | Delete):
            keys.update(change.aliases)
    return keys
