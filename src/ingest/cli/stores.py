"""`ingest store`: stores, and the workspaces and organizations above them."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

import sqlalchemy as sa
import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson
from ingest.cli.erasing import Yes, require_yes, tell
from ingest.cli.session import session
from ingest.core.errors import BadInput
from ingest.core.queues import REPROCESS_BELL
from ingest.flows.connections.erase import erase_store, held_by_store
from ingest.flows.reprocess.configure import change_store
from ingest.store import stores
from ingest.store.engine import transaction
from ingest.store.stores import NewStore

app = typer.Typer(help="Stores, which documents belong to.", no_args_is_help=True)

DEFAULT_OWNER = "default"
ID_CHARS, SLUG_CHARS = 191, 191
INDEX_CHARS = 45
"""The longest name that the console's vector index takes; small letters, digits and hyphens."""
_COLUMNS = ("id", "workspace_id", "organization_id", "sources", "documents", "created_at")


@app.command()
def create(
    context: typer.Context,
    store_id: Annotated[str, typer.Argument(metavar="ID", help="The store's id.")],
    *,
    workspace: Annotated[
        str | None, typer.Option(metavar="ID", help="The workspace above it.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option(metavar="ID", help="The organization above both.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a store, and what is missing above it. A store that is there stays as it is."""
    with transaction(session(context).engine) as conn:
        made = _create(conn, store_id, workspace, organization)
        (row,) = stores.listing(conn, store_id)
    output.record({**row, "created": made}, as_json=as_json)


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all stores."""
    with transaction(session(context).engine) as conn:
        found = stores.listing(conn)
    empty = "There is no store yet; make one with: ingest store create ID"
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty=empty)


@app.command()
def update(
    context: typer.Context,
    store_id: Annotated[str, typer.Argument(metavar="ID", help="The store's id.")],
    *,
    chunk_max_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="Tokens of a chunk, at most.")
    ] = None,
    chunk_overlap: Annotated[
        int | None, typer.Option(metavar="N", help="Tokens that a chunk repeats of the last one.")
    ] = None,
    embedding_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Part of the configuration hash.")
    ] = None,
    embedding_dim: Annotated[
        int | None, typer.Option(metavar="N", help="Part of the configuration hash.")
    ] = None,
    reprocess: Annotated[
        bool, typer.Option(help="Have what stands in it made so, by a run in the background.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Change how a store's documents are cut and embedded, from now on and as they stand.

    A source's own overlap stays (see `ingest reprocess --dry-run` for what would be cut anew).
    """
    current = session(context)
    told: dict[str, str | int | None] = {
        "chunk_max_tokens": chunk_max_tokens,
        "chunk_overlap": chunk_overlap,
        "embedding_model": embedding_model,
        "embedding_dim": embedding_dim,
    }
    if all(value is None for value in told.values()):
        raise BadInput("name what is to be another: --chunk-max-tokens, --chunk-overlap, …")
    row, run = change_store(current.engine, store_id, told, remake=reprocess)
    if run is not None:
        current.ring(REPROCESS_BELL)
    output.record({**row, "reprocess": run}, as_json=as_json)


@app.command()
def delete(
    context: typer.Context,
    store_id: Annotated[str, typer.Argument(metavar="ID", help="The store's id.")],
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove a store and all it holds, with the connections that feed no other one."""
    engine = session(context).engine
    require_yes(f"Store {store_id}", held_by_store(engine, store_id), yes=yes)
    tell(store_id, erase_store(engine, store_id), as_json=as_json)


def _create(
    conn: sa.Connection, store_id: str, workspace: str | None, organization: str | None
) -> bool:
    for value in (store_id, workspace, organization):
        _require_id(value)
    standing = stores.listing(conn, store_id)
    if not standing:
        new = _new(conn, store_id, workspace or DEFAULT_OWNER, organization)
        made = stores.create(conn, new)
        standing = stores.listing(conn, store_id)
        if not standing:
            raise BadInput(
                f"workspace {new.workspace_id} has another store of the slug {new.slug}; give "
                "another id"
            )
    else:
        made = False
    _require_same(standing[0]["workspace_id"], workspace, f"store {store_id} is in workspace")
    owner, above = standing[0]["organization_id"], standing[0]["workspace_id"]
    _require_same(owner, organization, f"workspace {above} belongs to organization")
    return made


def _new(conn: sa.Connection, store_id: str, workspace: str, organization: str | None) -> NewStore:
    owner = organization or stores.owner_of(conn, workspace) or DEFAULT_OWNER
    return NewStore(
        id=store_id,
        slug=_plain(store_id, SLUG_CHARS),
        index_name=_plain(store_id, INDEX_CHARS),
        workspace_id=workspace,
        workspace_slug=_plain(workspace, SLUG_CHARS),
        organization_id=owner,
        organization_slug=_plain(owner, SLUG_CHARS),
    )


def _plain(text: str, limit: int) -> str:
    """The text in small letters, digits and hyphens; a hash tells apart what that makes equal."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if plain == text and len(plain) <= limit:
        return plain
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{plain[: limit - 9]}-{mark}".strip("-")


def _require_id(value: str | None) -> None:
    if value is not None and not (value.strip() and value.isprintable() and len(value) <= ID_CHARS):
        raise BadInput(f"{value[:40]!r} cannot be an id; give 1 to {ID_CHARS} printable characters")


def _require_same(standing: str, wanted: str | None, what: str) -> None:
    if wanted is not None and wanted != standing:
        raise BadInput(f"{what} {standing}, not {wanted}; leave the option away or name another id")
