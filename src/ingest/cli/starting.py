"""A noun that is a command too: `ingest sync CONNECTION` is `ingest sync start CONNECTION`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

START = "start"


class StartsWithoutAName(TyperGroup):
    """Puts the command's name in front where the first word is none of its commands' names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The same arguments, behind the name of the command that they are for."""
        is_given = bool(args) or not self.no_args_is_help
        if is_given and (not args or (args[0] not in self.commands and args[0] != "--help")):
            args = [START, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed
