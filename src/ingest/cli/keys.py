"""`ingest secrets`: the encryption of what is stored."""

from __future__ import annotations

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson
from ingest.cli.session import session
from ingest.core.errors import PermanentError
from ingest.flows.connections.credentials import rotate_keys

app = typer.Typer(help="The encryption of stored secrets.", no_args_is_help=True)


class NotOpened(PermanentError):
    """Some stored secret cannot be opened, so it could not be sealed anew."""


@app.callback()
def secrets() -> None:
    """The encryption of stored secrets."""


@app.command()
def rotate(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Encrypt all stored secrets under the first key of INGEST_SECRET_KEY.

    Put the new key first and keep the old ones behind it, restart every process, run this; once it
    says that none is left, take the old keys away. It may be run again at any time.
    """
    current = session(context)
    done = rotate_keys(current.engine, current.program.vault)
    told = {name: done[name] for name in ("rotated", "current", "closed")}
    output.record(told, as_json=as_json)
    if done["closed"]:
        raise NotOpened(
            f"no key of INGEST_SECRET_KEY opens {done['closed']} stored secrets; append the key "
            "that they were made with and run this again, or set them anew (`ingest doctor` names "
            "them)"
        )
    output.note("Every stored secret is under the first key; the others are needed no more.")
