"""The comments of a listing: those of each page, and of each block of it.

Notion lists the comments of one page or one block at a time (…/reference/list-comments), so each
block costs a request. Law: a comment is told as `fetch_one` shows it.
"""

from __future__ import annotations

from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.contract import Payload
from ingest.sources.notion import parts
from ingest.sources.notion.documents import direct_parent
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.progress import Task
from ingest.sources.notion.reading import FORBIDDEN, child, inside
from ingest.sources.notion.reads import is_trashed, table_ids
from ingest.sources.notion.walk import Meets, Walk, is_partial, is_row
from ingest.sources.wire import at, text

MUTE = (
    "the integration may not read comments: none that was lost comes back. "
    "Give it that capability where it is configured"
)


def _take(walk: Walk, page: Payload) -> None:
    """A page that a list told: its blocks are walked when its turn comes."""
    id_ = dashed(page.get("id"))
    if id_ is not None and is_partial(page):
        reading = walk.reading()
        page = reading.whole(f"pages/{id_}") or {}
        walk.spent(reading)
    if id_ is None or not page or is_trashed(page) or not walk.wants(page):
        return
    if is_row(page) or walk.progress.seen.add(id_):
        walk.progress.pending.append(["on", "page", id_, walk.database_of(page)])


def _meet_database(walk: Walk, id_: str) -> None:
    """A database that a list named by one of its tables."""
    if walk.progress.seen.add(id_):
        walk.progress.pending.append(["on", "database", id_, id_])


def _on(walk: Walk, task: Task) -> None:
    """Begin with one page: what is pushed last is done first."""
    walk.progress.place = task[1:]
    if task[1] == "page":
        walk.progress.pending.append(["blocks", task[2], None, 0])
    walk.progress.pending.append(["comments", task[2], None, 0])


def _database(walk: Walk, task: Task) -> None:
    id_, reading = str(task[1]), walk.reading()
    database = reading.whole(f"databases/{id_}")
    walk.spent(reading)
    if database is None or is_trashed(database):
        return
    walk.progress.pending.append(["on", "database", id_, id_])
    for table in table_ids(database):
        walk.meet_table(table)


def _blocks(walk: Walk, task: Task) -> None:
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
        found, own = child(block), dashed(block.get("id"))
        if found is not None:
            walk.meet(*found)
        elif own is not None:
            # What a copy shows stands on the page of its original, and so do the comments on it.
            if at(block, "synced_block", "synced_from") is None:
                pending += [["blocks", within, None, 0] for within in inside(block)]
            pending.append(["comments", own, None, 0])


def _comments(walk: Walk, task: Task) -> None:
    id_, start = str(task[1]), text(task[2])
    walk.calls += 1
    try:
        part = parts.comments(walk.api, id_, start)
    except Absent as absent:
        if absent.status == FORBIDDEN:
            walk.gaps.append(MUTE)
            if not walk.progress.heard:  # else it is this block alone
                walk.progress.give_up()
        walk.refused(task, absent)
        return
    walk.progress.heard = True
    if part.following is not None:
        walk.progress.pending.append(["comments", id_, part.following, task[3]])
    for comment in part.items:
        _tell(walk, dict(comment))


def _tell(walk: Walk, comment: dict[str, JSON]) -> None:
    id_, (kind, on, database) = dashed(comment.get("id")), walk.progress.place
    if id_ is None:
        return
    raw: dict[str, JSON] = {"comment": comment}
    if walk.chosen is not None:
        group = text(database) or walk.group_of({"page_id": on})
        if not walk.is_chosen(group):
            return
        raw["group"] = group
    kind, on = direct_parent(comment.get("parent")) or (kind, on)
    raw["parent"] = {"type": kind, "id": on}
    walk.tell(walk.identity("comment", id_), raw)


TASKS = {"on": _on, "database": _database, "blocks": _blocks, "comments": _comments}
"""What stands in `Progress.pending`, by its name."""


def _task_of(kind: str, id_: str) -> Task:
    """What is to be done about something that was met in a page."""
    return ["database", id_] if kind == "database" else ["on", "page", id_, None]


MEETS = Meets(_take, _meet_database, _task_of, reads_at_once=False)
