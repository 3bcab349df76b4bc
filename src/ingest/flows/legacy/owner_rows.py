"""Brings organizations, workspaces and stores in."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.flows.legacy import owners
from ingest.flows.legacy.columns import text
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.plain_rows import MadeRow, RowKind, notes_of, say, write
from ingest.flows.legacy.target import ImportTarget, StoreAbove
from ingest.store import legacy_rows
from ingest.store.legacy_tables import ORGANIZATIONS, STORES, WORKSPACES


def _without_number(made: MadeRow, other: str) -> None:
    """One organization here has the provider's id already; the column may be null in ours."""
    if made.row is not None:
        told, made.row["github_org_id"] = made.row["github_org_id"], None
        made.notes.changed("installation-taken", "github_org_id", told, other)


def _under_own_slug(made: MadeRow, other: str) -> None:
    del other
    if made.row is not None:
        told, own = made.row["slug"], owners.own_slug(made.row["slug"], made.notes.id)
        made.row["slug"] = own
        made.notes.changed("slug-taken", "slug", told, own)


ORGANIZATION = RowKind(
    ORGANIZATIONS, "lightfast_organizations", {("github_org_id",): _without_number}
)
WORKSPACE = RowKind(WORKSPACES, "lightfast_workspaces")
STORE = RowKind(STORES, "lightfast_stores", {("workspace_id", "slug"): _under_own_slug})


def bring_organizations(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of organizations."""

    def run() -> tuple[list[MadeRow], list[MadeRow]]:
        made = [
            MadeRow(notes, owners.organization(row, notes, target.taken_at))
            for row in batch
            for notes in [notes_of(ORGANIZATIONS, row)]
        ]
        with target.reading() as conn:
            return made, write(conn, target, ORGANIZATION, made)

    made, fresh = target.attempt(run)
    say(target, ORGANIZATION, made, fresh)
    target.brought.organizations.update(one.notes.id for one in made)


def bring_workspaces(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of workspaces; those of no organization are refused."""

    def run() -> tuple[list[MadeRow], list[MadeRow]]:
        with target.reading() as conn:
            told = {text(row, "organization_id") or "" for row in batch}
            unknown = told - target.brought.organizations
            if conn is not None:
                unknown -= legacy_rows.present(conn, ORGANIZATION.table, unknown)
            made = [_workspace(target, row, unknown) for row in batch]
            return made, write(conn, target, WORKSPACE, made)

    made, fresh = target.attempt(run)
    say(target, WORKSPACE, made, fresh)
    for one in fresh:  # one that stands here already is whose it is here
        if one.row is not None:
            target.brought.workspaces[one.notes.id] = str(one.row["organization_id"])


def _workspace(target: ImportTarget, row: Row, unknown: set[str]) -> MadeRow:
    notes = notes_of(WORKSPACES, row)
    organization = text(row, "organization_id")
    if organization is None or organization in unknown:
        notes.refused("no-parent", "organization_id", organization)
        return MadeRow(notes, None)
    return MadeRow(notes, owners.workspace(row, notes, target.taken_at))


def bring_stores(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of stores; those of no workspace are refused."""

    def run() -> tuple[list[MadeRow], list[MadeRow], dict[str, StoreAbove]]:
        with target.reading() as conn:
            made: list[MadeRow] = []
            above: dict[str, StoreAbove] = {}
            for row in batch:
                notes, workspace = notes_of(STORES, row), text(row, "workspace_id")
                organization = target.workspace_owner(conn, workspace)
                if organization is None or workspace is None:
                    notes.refused("no-parent", "workspace_id", workspace)
                    made.append(MadeRow(notes, None))
                    continue
                above[notes.id] = StoreAbove(workspace, organization)
                made.append(MadeRow(notes, owners.store(row, notes, target.taken_at)))
            return made, write(conn, target, STORE, made), above

    made, fresh, above = target.attempt(run)
    say(target, STORE, made, fresh)
    target.brought.stores.update({one.notes.id: above[one.notes.id] for one in fresh})
