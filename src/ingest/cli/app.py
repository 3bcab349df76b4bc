"""The commands' tree: one module for each noun."""

from __future__ import annotations

import typer

from ingest.cli import (
    database,
    deliveries,
    demo,
    doctor,
    documents,
    keys,
    organizations,
    queue,
    sources,
    stores,
    types,
    up,
)

app = typer.Typer(
    name="ingest",
    help="Signed webhooks in, documents in PostgreSQL out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(database.app, name="db")
app.add_typer(stores.app, name="store")
app.add_typer(sources.app, name="source")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(documents.app, name="docs")
app.add_typer(keys.app, name="secrets")
app.add_typer(organizations.app, name="organization")
app.command()(up.up)
app.command()(demo.demo)
app.command()(queue.enqueue)
app.command()(queue.drain)
app.command()(types.types)
app.command()(doctor.doctor)
