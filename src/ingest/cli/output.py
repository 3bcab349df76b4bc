"""How commands print: a table for people, or with `--json` exactly one JSON document on stdout."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.cli.lines import line, note, printable

__all__ = ["document", "line", "note", "note_cut", "page", "record", "rows", "table"]

PIPE_COLUMNS = 10_000
"""Where no terminal is, a row is a line."""
_LEAST = 8
"""Characters of a column that may be folded."""

Row = Mapping[str, Any]


class RowPage(Protocol):
    """Rows, and the position behind them where there are more."""

    @property
    def rows(self) -> Sequence[Row]: ...

    @property
    def after(self) -> str | None: ...


def rows(data: Sequence[Row], *, as_json: bool, columns: Sequence[str], empty: str) -> None:
    """Print a list; people see these columns, and the sentence `empty` for an empty list."""
    if as_json:
        document(data)
        return
    if not data:
        note(empty)
        return
    made = table(data, columns)
    least = sum((column.min_width or _LEAST) + 2 for column in made.columns)
    _console(least).print(made)


def table(data: Sequence[Row], columns: Sequence[str]) -> Table:
    """These columns of the rows.

    An id, or a key, is in one piece however narrow the terminal is: it is there to be copied.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    cells = [[_cell(row.get(name)) for name in columns] for row in data]
    for number, name in enumerate(columns):
        whole = max(row[number].cell_len for row in cells) if _is_copied(name) else None
        is_id = name == "id"
        made.add_column(name.replace("_", " "), overflow="fold", min_width=whole, no_wrap=is_id)
    for row in cells:
        made.add_row(*row)
    return made


def _is_copied(column: str) -> bool:
    return column == "id" or column.endswith(("_id", "_key"))


def part(title: str, data: Sequence[Row], columns: Sequence[str], empty: str) -> None:
    """A table below a heading, among others of one thing; the sentence where it is empty."""
    line(f"\n{title}")
    if data:
        rows(data, as_json=False, columns=columns, empty="")
    else:
        line(empty)


def page(found: RowPage, *, as_json: bool, columns: Sequence[str], empty: str) -> None:
    """Print a page of a list, and where the next one begins.

    In JSON that is `after` in its last row, and null in all others, and where there is none.
    """
    told: list[Row] = [{**row, "after": None} for row in found.rows]
    if told and found.after is not None:
        told[-1] = {**told[-1], "after": found.after}
    rows(told, as_json=as_json, columns=columns, empty=empty)
    if found.after is not None:
        note(f"There are more: go on with --after {found.after}")


def record(data: Row, *, as_json: bool) -> None:
    """Print one thing, a field to the line for people."""
    if as_json:
        document(data)
        return
    fields = Table(box=None, pad_edge=False, show_header=False)
    fields.add_column(style="bold", no_wrap=True)
    fields.add_column(overflow="fold")
    for name, value in data.items():
        fields.add_row(name.replace("_", " "), _cell(value))
    _console().print(fields)


def document(data: object) -> None:
    """One JSON document: times in UTC with a Z; bytes are refused, for they may be secrets.

    In ASCII where the locale is not UTF-8, so that it is JSON there too.
    """
    text = orjson.dumps(data, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z).decode()
    if not _is_utf8(sys.stdout.encoding):
        text = json.dumps(json.loads(text))
    sys.stdout.write(f"{text}\n")


def _is_utf8(encoding: str | None) -> bool:
    return encoding is None or codecs.lookup(encoding).name == "utf-8"


def note_cut(data: Sequence[Row], limit: int) -> None:
    """Say when a list may have been cut off."""
    if len(data) == limit:
        note(f"These are the first {limit}; there may be more: raise --limit.")


def _console(least: int = 0) -> Console:
    """As wide as the terminal, and as what is not to be folded takes at least."""
    made = Console(file=sys.stdout, highlight=False)
    made.width = max(made.width, least) if sys.stdout.isatty() else PIPE_COLUMNS
    return made


def _cell(value: object) -> Text:
    """A value as people read it, taken literally: providers' texts hold markup and escapes."""
    return Text(printable(_told(value)))


def _told(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            at = value.astimezone(UTC) if value.tzinfo else value
            return f"{at:%Y-%m-%d %H:%M:%S}Z"
        case str():
            return value
        case list() | tuple() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
        case _:
            return orjson.dumps(value, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z).decode()
