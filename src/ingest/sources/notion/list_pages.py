"""The pages and databases of a listing: each read whole, with the blocks that are in it.

Law: an object is told as `fetch_one` shows it. What stands in a page is met by reading it, so that
nothing depends on a search that leaves out what is shared by way of its parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from ingest.core.canonical import digest
from ingest.core.errors import Refused
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.contract import Payload
from ingest.sources.notion import parts
from ingest.sources.notion.documents import direct_parent
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.progress import Task
from ingest.sources.notion.reading import Reading, WentAway, child, inside
from ingest.sources.notion.reads import is_trashed, table_ids, whole_database, whole_page
from ingest.sources.notion.walk import Meets, Walk, edited_at, is_partial, is_row, settled
from ingest.sources.wire import at, objects, text

OVERLAP_S = 900.0
"""The search lags behind, and nobody says for how long: what it told is asked for twice."""
MOST_KNOWN = 1_000
_VOLATILE = frozenset({"url", "public_url", "cover", "icon", "request_id", "expiry_time"})


def _take(walk: Walk, page: Payload) -> None:
    """A page that a list told: read now, or later where this page of ours is full."""
    id_ = dashed(page.get("id"))
    if id_ is not None and is_partial(page):
        walk.progress.pending.append(["page", id_])
        return
    if id_ is None or not walk.wants(page):
        return
    # A row of a full listing comes from its table alone: it need not be kept in mind.
    if not (walk.is_full and is_row(page)) and not walk.progress.seen.add(id_):
        return
    if walk.before.get(id_) == _said(page):
        walk.present.append(walk.identity("page", id_))
        _remember(walk, id_, page)
    elif walk.has_room:
        _visit(walk, id_, dict(page))
    else:
        walk.progress.pending.append(["page", id_])


def _meet_database(walk: Walk, id_: str) -> None:
    """A database that a list named by one of its tables."""
    if walk.progress.seen.add(id_):
        walk.progress.pending.append(["database", id_])


def _page(walk: Walk, task: Task) -> None:
    _visit(walk, str(task[1]))


def _visit(walk: Walk, id_: str, page: dict[str, JSON] | None = None) -> None:
    """One that takes too many requests is looked up, and its blocks walked for what is in them; and
    so is one of which a property could not be had now.
    """
    identity, reading = walk.identity("page", id_), walk.reading()
    try:
        page = page or reading.own(f"pages/{id_}")
        if page is None or not walk.wants(page) or _lies_in_trash(walk, page):
            return
        raw = whole_page(reading, page)
    except WentAway:
        walk.want(identity, _place(page))
        return
    except Absent:  # there it is, but it is not for integrations
        return
    except Refused as refusal:
        walk.left(refusal, identity)
        return
    finally:
        walk.spent(reading)
    if reading.is_cut and reading.left <= 0:
        walk.want(identity, raw.get("parent"))
        walk.progress.pending.append(["blocks", id_, None, 0])
    elif reading.is_short:
        walk.want(identity, raw.get("parent"))
    else:
        walk.tell(identity, raw)
        _remember(walk, id_, page)
    for block in _all(raw.get("blocks")):
        _meet_child(walk, block)


def _lies_in_trash(walk: Walk, object_: Payload) -> bool:
    """Whether it is in the trash with what it stands in: of itself that says nothing, and it comes
    back when that does, with no word of it.
    """
    if not is_trashed(object_):
        return False
    reading = walk.reading()
    place = reading.parent(object_.get("parent"))
    path = f"{at(place, 'type')}s/{at(place, 'id')}"
    if place is not None and path not in walk.trash:
        above = reading.whole(path)
        walk.trash[path] = above is not None and is_trashed(above)
    walk.spent(reading)
    return walk.trash.get(path, False)


def _place(page: Payload | None) -> JSON:
    place = direct_parent(at(page, "parent"))
    return {"type": place[0], "id": place[1]} if place else None


def _database(walk: Walk, task: Task) -> None:
    id_, reading = str(task[1]), walk.reading()
    database = None
    try:
        database = reading.own(f"databases/{id_}")
        if database is not None and not _lies_in_trash(walk, database):
            _tell_database(walk, id_, reading, database)
    except Absent:  # a linked database, which is not for integrations
        return
    except Refused as refusal:
        walk.left(refusal, walk.identity("database", id_))
    finally:
        walk.spent(reading)
    if database is not None and not is_trashed(database):
        for table in table_ids(database):
            walk.meet_table(table)


def _tell_database(walk: Walk, id_: str, reading: Reading, database: dict[str, JSON]) -> None:
    """One of too many tables is looked up by itself."""
    raw = whole_database(reading, database)
    if reading.is_cut:
        walk.want(walk.identity("database", id_), raw.get("parent"))
    else:
        walk.tell(walk.identity("database", id_), raw)


def _blocks(walk: Walk, task: Task) -> None:
    """The blocks below one, for the pages that stand among them; deepest first."""
    id_, start = str(task[1]), text(task[2])
    walk.calls += 1
    try:
        part = parts.children(walk.api, id_, start)
    except Absent as absent:
        walk.refused(task, absent)
        return
    pending = walk.progress.pending
    if part.following is not None:
        pending.append(["blocks", id_, part.following, task[3]])
    for block in part.items:
        _meet_child(walk, block)
        if block.get("type") != "synced_block":
            pending += [["blocks", own, None, 0] for own in inside(block)]


def _meet_child(walk: Walk, block: Payload) -> None:
    """What stands in a page is met there; by an incremental run if it moved itself."""
    found = child(block)
    if found is not None and not walk.is_old(block):
        walk.meet(*found)


def _all(blocks: JSON) -> Iterator[Payload]:
    waiting = [*objects(blocks)]
    while waiting:
        block = waiting.pop()
        yield block
        waiting += objects(block, "children")


def _remember(walk: Walk, id_: str, page: Payload) -> None:
    """What the next listing will be told again, and need not read: what was edited just before."""
    edited, known = edited_at(page), walk.progress.known
    if edited is None or len(known) >= MOST_KNOWN:
        return
    told_again = edited >= walk.progress.began - timedelta(seconds=OVERLAP_S + 60)
    if told_again and settled(edited, walk.request.sent_at):
        known[id_] = _said(page)


def _said(page: Payload) -> str:
    """A digest of a page's own answer, without the URLs of it, which change by themselves."""
    return digest(_lasting(page))[:16]


def _lasting(told: Any) -> Any:
    if isinstance(told, list):
        return [_lasting(one) for one in told]
    if not isinstance(told, Mapping):
        return told
    gone = _VOLATILE if "expiry_time" in told or "object" in told else frozenset()
    return {name: _lasting(one) for name, one in told.items() if name not in gone}


TASKS = {"page": _page, "database": _database, "blocks": _blocks}
"""What stands in `Progress.pending`, by its name."""


def _task_of(kind: str, id_: str) -> Task:
    """What is to be done about something that was met in a page."""
    return [kind, id_]


MEETS = Meets(_take, _meet_database, _task_of, reads_at_once=True)
