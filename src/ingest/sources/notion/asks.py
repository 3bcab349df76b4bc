"""Notion's own lists: what is asked of each, what is made of an answer, and what if it ends early.

Law: a list that ends early is begun again where that helps, and else said to be a gap. What is
touched meanwhile may be met twice or not at all; what is not touched is never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingest.core.errors import PermanentError, Refused
from ingest.core.times import iso, parse_time
from ingest.sources.answers import Absent
from ingest.sources.contract import Payload
from ingest.sources.notion import parts
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.parts import MOST_AT_ONCE, Part
from ingest.sources.notion.progress import Task
from ingest.sources.notion.reading import NOT_FOR_BOTS
from ingest.sources.notion.reads import is_trashed
from ingest.sources.notion.walk import MOST_RESTARTS, MOST_TABLES, Walk, edited_at, is_row
from ingest.sources.wire import at, text


def ask(walk: Walk) -> None:
    """One request of the list under way."""
    progress, head = walk.progress, walk.progress.lists[0]
    walk.calls += 1
    try:
        part = _ASKED[str(head[0])](walk, head)
    except Absent as absent:
        _refused(walk, head, absent)
        return
    progress.found = progress.found or bool(part.items)
    progress.is_cut = progress.is_cut or part.is_cut
    to_do = len(walk.listed) + len(progress.pending)
    is_over = _TOLD[str(head[0])](walk, head, part)
    to_do = len(walk.listed) + len(progress.pending) - to_do
    progress.work = 100 * to_do // max(1, len(part.items))
    if is_over:
        progress.end_list()
    elif part.following is not None:
        progress.following = part.following
    elif progress.is_cut:
        _cut(walk, head)
    else:
        progress.end_list()


# What is asked. Of a full page of pages of theirs each takes a request or more, so those are asked
# for as they can be read at once.


def _tables(walk: Walk, _head: Task) -> Part:
    return parts.searched(walk.api, "data_source", walk.progress.following)


def _pages(walk: Walk, _head: Task) -> Part:
    return parts.searched(walk.api, "page", walk.progress.following, size=_size(walk))


def _oldest(walk: Walk, _head: Task) -> Part:
    following = walk.progress.following
    return parts.searched(walk.api, "page", following, size=_size(walk), oldest_first=True)


def _trash(walk: Walk, _head: Task) -> Part:
    return parts.searched(walk.api, None, walk.progress.following)


def _rows(walk: Walk, head: Task) -> Part:
    return parts.rows(
        walk.api,
        str(head[1]),
        walk.progress.following,
        size=_size(walk),
        archived=head[2] is True,
        created_from=text(head[3]),
        edited_from=iso(walk.since) if walk.since is not None else None,
    )


def _size(walk: Walk) -> int:
    """As many as this page of ours can still read, so that few are asked for twice: a search tells
    rows too, of which nothing is read.
    """
    if not walk.meets.reads_at_once:
        return MOST_AT_ONCE
    fitting = 100 * (walk.most_calls - walk.calls) // max(1, walk.progress.work)
    return max(1, min(fitting, MOST_AT_ONCE))


# What is told; whether the rest of the list does not matter.


def _tell_tables(walk: Walk, _head: Task, part: Part) -> bool:
    """An incremental run goes on beyond its beginning for the tables that it asks for rows."""
    for table in part.items:
        if walk.is_old(table) and walk.progress.tables >= MOST_TABLES:
            return True
        _tell_table(walk, table)
    return False


def _tell_table(walk: Walk, table: Payload) -> None:
    id_, database = dashed(table.get("id")), dashed(at(table, "parent", "database_id"))
    if id_ is None:
        return
    if database is not None and not walk.is_old(table):
        walk.meets.database(walk, database)
    walk.meet_table(id_)


def _tell_pages(walk: Walk, head: Task, part: Part) -> bool:
    """The last edit that was told stands in the task: so far down this end of the list went."""
    for page in part.items:
        if walk.is_old(page):
            return True
        head[1] = text(page, "last_edited_time") or head[1]
        _tell_page(walk, page)
    return False


def _tell_oldest(walk: Walk, head: Task, part: Part) -> bool:
    """From the other end, up to what was told already."""
    reached = parse_time(str(head[1]))
    for page in part.items:
        edited = edited_at(page)
        if edited is not None and edited > reached:
            return True
        _tell_page(walk, page)
    return False


def _tell_page(walk: Walk, page: Payload) -> None:
    """A full listing has rows from their tables, which a search may leave out."""
    if walk.is_full and is_row(page):
        _meet_row(walk, page)
    else:
        walk.meets.page(walk, page)


def _meet_row(walk: Walk, row: Payload) -> None:
    table = dashed(at(row, "parent", "data_source_id"))
    if table is not None and walk.knows_table(table):
        return
    database = walk.database_of(row)
    if walk.chosen is not None and database not in walk.chosen:
        return
    if database is not None:
        walk.meet("database", database)
    if table is not None:
        walk.meet_table(table)
    elif database is None:
        walk.meets.page(walk, row)


def _tell_trash(walk: Walk, _head: Task, part: Part) -> bool:
    for told in part.items:
        if walk.is_old(told):
            return True
        database = dashed(at(told, "parent", "database_id"))
        if told.get("object") == "page":
            walk.meets.page(walk, told)
        elif database is not None and (walk.chosen is None or database in walk.chosen):
            walk.meets.database(walk, database)
    return False


def _tell_rows(walk: Walk, _head: Task, part: Part) -> bool:
    """…/reference/query-a-data-source: a wiki has tables among its rows."""
    for row in part.items:
        id_, created = dashed(row.get("id")), text(row, "created_time") or ""
        if row.get("object") == "data_source":
            _tell_wiki_table(walk, row)
        elif id_ is not None and walk.progress.edge.passes(id_, created) and not is_trashed(row):
            walk.meets.page(walk, row)
    return False


def _tell_wiki_table(walk: Walk, table: Payload) -> None:
    """One of a database that the connection does not want is left out, as anywhere else."""
    database = dashed(at(table, "parent", "database_id"))
    if walk.chosen is None or database in walk.chosen:
        _tell_table(walk, table)


# How it ends early.


def _cut(walk: Walk, head: Task) -> None:
    """…/guides/data-apis/query-large-data-sources: a table goes on at the last `created_time`.

    A search has no such filter: it is read from its other end too.
    """
    progress, name = walk.progress, str(head[0])
    if name == "rows" and progress.edge.at not in ("", head[3]):
        progress.begin_again(head[1], head[2], progress.edge.at)
        progress.restarts = 0
        return
    if name == "pages" and walk.is_full and head[1] is not None:
        progress.lists.insert(1, ["oldest", head[1]])
    elif name != "trash":
        walk.gaps.append(f"Notion ends the list of {name} before its end")
    progress.end_list()


def _refused(walk: Walk, head: Task, absent: Absent) -> None:
    """A cursor that is not known any more, a right that is missing, a table that is not there."""
    progress, name = walk.progress, str(head[0])
    if absent.status == NOT_FOR_BOTS and progress.following is not None:
        _begin_again(walk, head)
    elif name == "rows":
        # Archived rows are no less there without this list: one that is absent is looked up.
        if absent.status in (NOT_FOR_BOTS, 403) and head[2] is not True:
            walk.gaps.append(f"Notion does not list the rows of {head[1]}")
        progress.end_list()
    elif name == "trash" and absent.status == NOT_FOR_BOTS:
        progress.end_list()
    elif absent.status == NOT_FOR_BOTS:
        raise PermanentError(str(absent)) from absent
    else:
        raise Refused(f"{absent}: the integration may not read what is shared with it") from absent


def _begin_again(walk: Walk, head: Task) -> None:
    progress = walk.progress
    if progress.restarts >= MOST_RESTARTS:
        walk.gaps.append(f"Notion does not know its own cursors in the list of {head[0]}")
        progress.end_list()
    elif head[0] == "rows":
        progress.begin_again(head[1], head[2], progress.edge.at or head[3])
    else:
        progress.begin_again(*head[1:])


_ASKED: Mapping[str, Callable[[Walk, Task], Part]] = {
    "tables": _tables,
    "pages": _pages,
    "oldest": _oldest,
    "trash": _trash,
    "rows": _rows,
}
_TOLD: Mapping[str, Callable[[Walk, Task, Part], bool]] = {
    "tables": _tell_tables,
    "pages": _tell_pages,
    "oldest": _tell_oldest,
    "trash": _tell_trash,
    "rows": _tell_rows,
}
