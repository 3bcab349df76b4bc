"""Brings an archive into a database: each table after those that it refers to.

Law: what is here stays. Every batch is one transaction that knows what is here already, so that an
import may end anywhere, and is begun again from the start; the same archive once more changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import orjson
import sqlalchemy as sa

from ingest.core.identity import object_id
from ingest.core.ranks import IMPORTED
from ingest.flows.documents.bind import bind_pending
from ingest.flows.legacy.columns import text
from ingest.flows.legacy.connection_rows import bring_links, bring_repositories
from ingest.flows.legacy.document_rows import bring_documents
from ingest.flows.legacy.event_rows import bring_commits, bring_vectors
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.owner_rows import bring_organizations, bring_stores, bring_workspaces
from ingest.flows.legacy.reporting import RowFinding
from ingest.flows.legacy.repositories import DEFAULT_BRANCH
from ingest.flows.legacy.target import ArchivedRows, ImportTarget, Progress
from ingest.sources.github.applied import Applied
from ingest.sources.github.listing import branch_identity
from ingest.store import connections, legacy_documents
from ingest.store.engine import transaction
from ingest.store.legacy_tables import (
    COMMITS,
    DOCUMENTS,
    ORGANIZATIONS,
    REPOSITORIES,
    STORE_REPOSITORIES,
    STORES,
    VECTOR_ENTRIES,
    WORKSPACES,
)

RECOUNTED = 50
"""Connections whose documents one statement counts: of all at once it may not end in its time."""
_FILES, _FILE = "files", "file"
_BRINGS: Mapping[str, Callable[[ImportTarget, Sequence[Row]], None]] = {
    ORGANIZATIONS: bring_organizations,
    WORKSPACES: bring_workspaces,
    STORES: bring_stores,
    REPOSITORIES: bring_repositories,
    STORE_REPOSITORIES: bring_links,
    DOCUMENTS: bring_documents,
    COMMITS: bring_commits,
    VECTOR_ENTRIES: bring_vectors,
}
"""By logical table, how a batch of its rows comes in; what a table refers to stands before it."""


def bring_in(target: ImportTarget, archive: ArchivedRows, progress: Progress) -> None:
    """Bring all rows in, then what follows from all of them; `target.tally` has the counts."""
    for link in archive.rows(STORE_REPOSITORIES):
        number, name = text(link, "github_repo_id"), text(link, "repo_full_name")
        if number is not None and name is not None:
            target.brought.names[number] = name
    for logical, bring in _BRINGS.items():
        _bring(target, archive, logical, bring, progress)
    if target.is_ready and not target.is_dry:
        for repository in target.brought.repositories.values():
            _seed_state(target.engine, repository.connection_id)
        bind_pending(target.engine)  # an import that was killed leaves its last batch's notes
    _recount(target)


def _bring(
    target: ImportTarget,
    archive: ArchivedRows,
    logical: str,
    bring: Callable[[ImportTarget, Sequence[Row]], None],
    progress: Progress,
) -> None:
    def told() -> Iterator[Row]:
        yield from archive.rows(logical)

    target.tally.rows.setdefault(logical, type(target.tally.rules)())
    target.each(told(), logical, progress, lambda batch: bring(target, batch))


def _seed_state(engine: sa.Engine, connection_id: str) -> None:
    """Let the next look at a branch read every file that came over, and find those that are gone.

    It is told of them as of files whose content is not known.
    """
    with transaction(engine) as conn:
        found = connections.by_id(conn, [connection_id]).get(connection_id)
        scope = found.metadata.get("githubRepoId") if found is not None else None
        if found is None or not isinstance(scope, str):
            return
        legacy_documents.seed_state(
            conn,
            connection_id,
            object=object_id(branch_identity(found.metadata, scope, DEFAULT_BRANCH)),
            state=orjson.dumps(Applied().as_json()).decode(),
            member=_FILES,
            kind=_FILE,
            made=IMPORTED,
        )


def _recount(target: ImportTarget) -> None:
    """The legacy count was kept by hand; ours is of what came over."""
    ids = [one.connection_id for one in target.brought.repositories.values()]
    counted = {id_: target.brought.of_connection.get(id_, 0) for id_ in ids}
    if target.is_ready and not target.is_dry:
        for first in range(0, len(ids), RECOUNTED):
            with transaction(target.engine) as conn:
                step = ids[first : first + RECOUNTED]
                counted |= legacy_documents.recount(conn, step)
    for id_, (told, what) in sorted(target.brought.counts.items()):
        now = counted.get(id_, told)
        if now != told:
            target.tally.worsen(REPOSITORIES, what, "changed")
            target.tally.say(
                RowFinding(REPOSITORIES, id_, "changed", "counted", "document_count", told, now)
            )


def zoneless(taken_at: datetime) -> str:
    """The time of an archive as columns without a zone have it."""
    return taken_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def tables() -> tuple[str, ...]:
    """The logical tables, in the order in which they come in."""
    return tuple(_BRINGS)
