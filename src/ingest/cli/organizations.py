"""`ingest organization`: whom stores and connections belong to."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli.arguments import AsJson
from ingest.cli.erasing import Yes, require_yes, tell
from ingest.cli.session import session
from ingest.flows.connections.erase import erase_organization, held_by_organization

app = typer.Typer(
    help="Organizations, which stores and connections belong to.", no_args_is_help=True
)


@app.callback()
def organization() -> None:
    """Organizations, which stores and connections belong to."""


@app.command()
def delete(
    context: typer.Context,
    organization_id: Annotated[str, typer.Argument(metavar="ID", help="The organization's id.")],
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove an organization: its connections, its stores with all they hold, and itself."""
    engine = session(context).engine
    held = held_by_organization(engine, organization_id)
    require_yes(f"Organization {organization_id}", held, yes=yes)
    tell(organization_id, erase_organization(engine, organization_id), as_json=as_json)
