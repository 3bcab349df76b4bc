"""A page of ours of a listing of Notion's: what was met is read, then what lists tell, to the end.

Law: some `most_calls` requests a page; what is left stands in the cursor, and a page that fails
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ingest.core.errors import PermanentError, Refused
from ingest.sources.http import Api
from ingest.sources.listing import Page, PageRequest
from ingest.sources.notion import list_comments, list_pages
from ingest.sources.notion.asks import ask
from ingest.sources.notion.descriptor import DESCRIPTOR, chosen_databases
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.progress import Progress, Task
from ingest.sources.notion.reads import bot_of
from ingest.sources.notion.walk import Meets, Walk
from ingest.sources.wire import at

MOST_LATER = 1_000
"""Pages within pages that wait for the lists to be read, since those mostly name them too."""
NOTHING = "Notion shows the integration nothing: share pages and databases with it"


@dataclass(frozen=True, slots=True)
class _Resource:
    """What is asked for, what is made of it, and what stands in `Progress.pending` meanwhile."""

    lists: tuple[str, ...]
    meets: Meets
    tasks: Mapping[str, Callable[[Walk, Task], None]]


_RESOURCES: Mapping[str, _Resource] = {
    "pages": _Resource(("tables", "pages", "trash"), list_pages.MEETS, list_pages.TASKS),
    "comments": _Resource(("tables", "pages"), list_comments.MEETS, list_comments.TASKS),
}


def list_page(api: Api, request: PageRequest) -> Page:
    """See `listing.Lists`."""
    resource = _RESOURCES.get(request.resource)
    if resource is None:
        raise PermanentError(f"Notion has no list of {request.resource}")
    chosen = chosen_databases(request.connection)
    (scope,) = DESCRIPTOR.connection_tenants(request.connection)
    progress = Progress.read(request.cursor)
    is_first = progress is None
    progress = progress or _begun(request, resource, chosen)
    walk = Walk(api, request, progress, resource.meets, scope, chosen)
    if is_first:
        _prove(walk)
    while walk.has_room and not progress.is_done and (progress.pending or not walk.is_late):
        _step(walk, resource)
    page = walk.page()
    if walk.is_full and progress.is_done and not progress.found:
        return replace(page, gap=page.gap or NOTHING)
    return page


def _prove(walk: Walk) -> None:
    """The bot is known, and of the connection's workspace: all that a token shows would be told as
    that one's. Raises `Refused`.
    """
    walk.calls += 1
    told = dashed(at(bot_of(walk.api), "bot", "workspace_id"))
    if told is not None and dashed(walk.scope) not in (None, told):
        raise Refused(
            "the token is for another workspace than the connection; give that of an integration "
            "of the connection's own"
        )


def _begun(request: PageRequest, resource: _Resource, chosen: frozenset[str] | None) -> Progress:
    """Databases that are chosen need no search."""
    lists: list[Task] = [[name, None] for name in resource.lists]
    progress = Progress(request.sent_at, lists if chosen is None else lists[1:])
    for id_ in sorted(chosen or (), reverse=True):
        progress.seen.add(id_)
        progress.pending.append(["database", id_])
    return progress


def _step(walk: Walk, resource: _Resource) -> None:
    """What was met comes first, so that little of it has to be kept."""
    progress = walk.progress
    if progress.pending:
        task = progress.pending.pop()
        run = resource.tasks.get(str(task[0]))
        if run is None:
            raise PermanentError(f"no version of ours lists {str(task[0])[:40]}")
        run(walk, task)
    elif progress.lists and len(progress.later) < MOST_LATER:
        ask(walk)
    else:
        kind, id_ = progress.later.pop()
        if progress.seen.add(id_):
            progress.pending.append(resource.meets.task_of(kind, id_))
