"""Brings repositories in as connections, and their links to stores.

No secret comes along: the legacy database had none. A connection stands for its repository and its
installation, so that deliveries find it as if it had been connected here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from ingest.flows.connections import agreement
from ingest.flows.connections.connect import connection_metadata
from ingest.flows.legacy import repositories
from ingest.flows.legacy.columns import name_unknown, readable, text
from ingest.flows.legacy.lines import Row, Value
from ingest.flows.legacy.plain_rows import MadeRow, RowKind, notes_of, say, taken, write
from ingest.flows.legacy.reporting import Notes
from ingest.flows.legacy.repositories import SOURCE, LegacyRepository
from ingest.flows.legacy.target import ImportTarget
from ingest.sources.registry import source
from ingest.store import connections, legacy_rows, stores
from ingest.store.connections import DISCONNECTED, Connection
from ingest.store.legacy_tables import REPOSITORIES, STORE_REPOSITORIES

CONNECTION = RowKind(REPOSITORIES, "lightfast_connected_sources", counted=("document_count",))
_OF_LINK = ("id", "store_id", "github_repo_id", "repo_full_name", "linked_at")
LINK = RowKind(STORE_REPOSITORIES, "lightfast_store_sources", {("store_id", "source_id"): taken})


@dataclass(slots=True)
class _ConnectionBatch:
    """A batch on its way: rows made, those that were new, and the repositories among them."""

    made: list[MadeRow] = field(default_factory=list)
    fresh: list[MadeRow] = field(default_factory=list)
    repositories: list[LegacyRepository] = field(default_factory=list)
    linked: list[tuple[str, LegacyRepository]] = field(default_factory=list)


def bring_repositories(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of connections, and what they stand for."""

    def run() -> _ConnectionBatch:
        done = _ConnectionBatch()
        with target.reading() as conn:
            unknown = _unknown_organizations(conn, target, batch)
            for row in batch:
                notes = notes_of(REPOSITORIES, row)
                found = _repository(conn, target, row, notes, unknown)
                done.made.append(MadeRow(notes, found[0] if found is not None else None))
                done.repositories += [found[1]] if found is not None else []
            done.fresh = write(conn, target, CONNECTION, done.made)
            _stand_for(conn, target, done.fresh)
            done.repositories = _as_here(conn, done.repositories)
        return done

    done = target.attempt(run)
    say(target, CONNECTION, done.made, done.fresh)
    target.brought.repositories.update((one.number, one) for one in done.repositories)
    for one in done.made:
        if one.row is not None:
            told = one.row["document_count"]
            target.brought.counts[one.notes.id] = (int(str(told)), one.notes.what)


def _as_here(
    conn: sa.Connection | None, repositories_: Sequence[LegacyRepository]
) -> list[LegacyRepository]:
    """Each with whose it is: of one that stands here already that is told here."""
    if conn is None:
        return [*repositories_]
    here = connections.by_id(conn, [one.connection_id for one in repositories_])
    return [
        one
        if (found := here.get(one.connection_id)) is None
        else replace(one, organization_id=found.organization_id)
        for one in repositories_
    ]


def _unknown_organizations(
    conn: sa.Connection | None, target: ImportTarget, batch: Sequence[Row]
) -> set[str]:
    told = {text(row, "organization_id") or "" for row in batch}
    unknown = told - target.brought.organizations
    if conn is not None:
        unknown -= legacy_rows.present(conn, "lightfast_organizations", unknown)
    return unknown


def _repository(
    conn: sa.Connection | None, target: ImportTarget, row: Row, notes: Notes, unknown: set[str]
) -> tuple[dict[str, Value], LegacyRepository] | None:
    organization = text(row, "organization_id")
    if organization is None or organization in unknown:
        notes.refused("no-parent", "organization_id", organization)
        return None
    linked_name = target.brought.names.get(text(row, "github_repo_id") or "")
    found = repositories.connection(row, notes, target.taken_at, linked_name)
    if found is None:
        return None
    made, repository = found
    workspace = text(row, "workspace_id")
    if workspace is not None and target.workspace_owner(conn, workspace) != organization:
        made["workspace_id"] = None
        notes.changed("workspace-elsewhere", "workspace_id", workspace)
    return made, repository


def _stand_for(conn: sa.Connection | None, target: ImportTarget, fresh: Sequence[MadeRow]) -> None:
    """What deliveries name, as connecting writes it; raises `BadInput` for what cannot be meant."""
    if conn is None or target.is_dry or not fresh:
        return
    descriptor = source(SOURCE).descriptor
    written = connections.by_id(conn, [one.notes.id for one in fresh])
    for one in written.values():
        connection_metadata(descriptor, one.metadata)
        connections.rescope(conn, one, descriptor.connection_tenants(one.metadata))


def bring_links(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of links, and a disconnected connection where a repository has none."""

    def run() -> _ConnectionBatch:
        done = _ConnectionBatch()
        with target.reading() as conn:
            missing: list[MadeRow] = []
            for row in batch:
                done.made.append(_link(conn, target, row, done, missing))
            _stand_for(conn, target, write(conn, target, CONNECTION, missing))
            _lock_stores(conn, target, done.made)
            done.fresh = write(conn, target, LINK, done.made)
            _require_agreement(conn, target, done.fresh)
        return done

    done = target.attempt(run)
    say(target, LINK, done.made, done.fresh)
    target.brought.repositories.update((one.number, one) for one in done.repositories)
    for store_id, repository in done.linked:
        target.brought.link(store_id, repository)


def _link(
    conn: sa.Connection | None,
    target: ImportTarget,
    row: Row,
    done: _ConnectionBatch,
    missing: list[MadeRow],
) -> MadeRow:
    notes, store_id = notes_of(STORE_REPOSITORIES, row), text(row, "store_id")
    store = target.store(conn, store_id)
    if store is None or store_id is None:
        notes.refused("no-parent", "store_id", store_id)
        return MadeRow(notes, None)
    number = text(row, "github_repo_id")
    found = target.brought.repositories.get(number or "")
    if found is None:
        of_link = repositories.of_link(
            row, store.organization_id, store.workspace_id, target.taken_at
        )
        if of_link is None:
            notes.refused("repository-id", "github_repo_id", number)
            return MadeRow(notes, None)
        made, found = of_link
        notes.guessed("link-without-repository", "github_repo_id", number, DISCONNECTED)
        missing.append(MadeRow(Notes(REPOSITORIES, found.connection_id), made))
        done.repositories.append(found)
    if found.organization_id != store.organization_id:
        notes.refused(
            "link-across-tenants", "github_repo_id", found.organization_id, store.organization_id
        )
        return MadeRow(notes, None)
    done.linked.append((store_id, found))
    return MadeRow(notes, _link_row(row, notes, store_id, found, target.taken_at))


def _link_row(
    row: Row, notes: Notes, store_id: str, found: LegacyRepository, taken_at: str
) -> dict[str, Value]:
    name_unknown(row, _OF_LINK, notes)
    told = row.get("linked_at")
    linked_at = told if readable(told) is not None else taken_at
    if linked_at is not told:
        notes.changed("unreadable-time", "linked_at", told, linked_at)
    return {
        "id": notes.id,
        "store_id": store_id,
        "source_id": found.connection_id,
        "linked_at": linked_at,
    }


def _lock_stores(conn: sa.Connection | None, target: ImportTarget, made: Sequence[MadeRow]) -> None:
    """Nobody else connects anything to these stores until the commit, as connecting locks them."""
    if conn is not None and not target.is_dry:
        stores.lock(conn, {str(one.row["store_id"]) for one in made if one.row is not None})


def _connected_links(
    conn: sa.Connection, fresh: Sequence[MadeRow]
) -> list[tuple[Notes, Connection, str]]:
    """What is said of each link, its connection unless that is disconnected, and its store."""
    rows = [(one.notes, one.row) for one in fresh if one.row is not None]
    known = connections.by_id(conn, [str(row["source_id"]) for _, row in rows])
    return [
        (notes, own, str(row["store_id"]))
        for notes, row in rows
        if (own := known.get(str(row["source_id"]))) is not None and own.status != DISCONNECTED
    ]


def _require_agreement(
    conn: sa.Connection | None, target: ImportTarget, fresh: Sequence[MadeRow]
) -> None:
    """Disconnect what would shape the documents of a store otherwise than a connection here."""
    if conn is None or not fresh:
        return
    links = _connected_links(conn, fresh)
    wanted = [(own.metadata, [store_id]) for _, own, store_id in links]
    against = agreement.conflicts_of_each(conn, source(SOURCE).descriptor, wanted)
    for (notes, own, _), conflicts in zip(links, against, strict=True):
        other = next((one.other.id for one in conflicts if one.other.id != own.id), None)
        if other is None:
            continue
        notes.changed("shaped-otherwise", "config_status", own.status, other)
        if not target.is_dry:
            connections.set_status(conn, own.id, is_active=False, status=DISCONNECTED)
