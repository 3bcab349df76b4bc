"""`ingest docs explain`: why a document is as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, OfSource, OfStore
from ingest.cli.session import session
from ingest.flows.explaining.explain import Explained, explain_document
from ingest.flows.explaining.past import PastEntry
from ingest.flows.explaining.words import SaidRelationship
from ingest.store.engine import transaction

_RELATIONSHIPS = ("says", "of", "because", "id")
_PAST = ("at", "id", "came", "did", "why")
_HASHES = ("since", "content_hash", "config_hash", "by")
_SHOWN = 12
"""Digits of a hash in a table; --json has all of them."""


def explain(
    context: typer.Context,
    document: Annotated[
        str, typer.Argument(metavar="ID", help="The document's id, or its key, as in LIN-123.")
    ],
    *,
    store: OfStore = None,
    source: OfSource = None,
    as_json: AsJson = False,
) -> None:
    """Explain a document: each relationship with its words, what came in about it and what that did
    or why not, and the hashes that it had.
    """
    current = session(context)
    api_urls = current.program.settings.api_urls
    with transaction(current.engine, snapshot=True) as conn:
        found = explain_document(
            conn, document, store_id=store, source_type=source, api_urls=api_urls
        )
    if as_json:
        output.document(as_told(found))
        return
    output.record(_head(found), as_json=False)
    for one in tables(found):
        output.line(f"\n{one.title}")
        if one.rows:
            output.rows(one.rows, as_json=False, columns=one.columns, empty=one.empty)
        else:
            output.line(one.empty)
    output.note(_kept(found))


class ShownTable(NamedTuple):
    """A part of the explanation for people; `empty` is the sentence where there are no rows."""

    title: str
    rows: Sequence[dict[str, Any]]
    columns: Sequence[str]
    empty: str


def tables(found: Explained) -> tuple[ShownTable, ...]:
    """What people see below the head."""
    relationships, hashes = [*_relationships(found)], [*_hashes(found)]
    past = [*map(_came, found.past)]
    return (
        ShownTable("Relationships", relationships, _RELATIONSHIPS, "It points at nothing."),
        ShownTable("What came in", past, _PAST, "Nothing that is kept speaks of it."),
        ShownTable("Hashes", hashes, _HASHES, "No hash of it is kept."),
    )


def as_told(found: Explained) -> dict[str, Any]:
    """The explanation as JSON; the names are public (docs/explain.md)."""
    version = _version(found.version)
    return {
        "document": _head(found) | {"version": version},
        "relationships": [_told(one, version) for one in found.relationships],
        "past": [asdict(one) | {"version": _version(one.version)} for one in found.past],
        "hashes": [asdict(one) for one in found.hashes],
        "kept": {
            "deliveries_since": found.deliveries_since,
            "changes_since": found.changes_since,
        },
    }


def _told(one: SaidRelationship, version: str | None) -> dict[str, Any]:
    return asdict(one) | {"version": version}


def _head(found: Explained) -> dict[str, Any]:
    row, shown = found.row, found.document
    state = "in sight" if shown is not None else "deleted" if row.state == "deleted" else "hidden"
    return {
        "id": row.document_id,
        "store_id": row.store_id,
        "source_type": row.source_type,
        "kind": row.kind,
        "source_id": shown["source_id"] if shown is not None else row.source_id,
        "state": state if row.state != "unknown" else "only heard of",
        "parent_doc_id": shown["parent_doc_id"] if shown is not None else None,
        "formerly": shown["aliases"] if shown is not None else [],
        "content_hash": shown["content_hash"] if shown is not None else None,
        "version": _version(found.version),
        "told_by": found.told_by,
    }


def _version(version: str | None) -> str | None:
    """A version as its source has it: mostly a time, which is told as one."""
    if version is None or not version.isdigit():
        return None
    number = int(version)
    if not _FIRST <= number < _LAST:
        return str(number)
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)
    return time.isoformat().replace("+00:00", "Z")


_FIRST, _LAST = 10**14, 4 * 10**15
"""Microseconds since 1970, of the years 1973 to 2096. What is beyond is no time, as the rank of a
state.
"""


def _relationships(found: Explained) -> Iterator[dict[str, Any]]:
    for one in found.relationships:
        named = f"{one.source}:{one.value}" if one.source is not None else one.value
        written = f", as {one.key}" if one.key != one.value else ""
        because = f"{one.origin}, {one.field}: {one.words}"
        yield {
            "says": one.kind,
            "of": f"{named}{written}",
            "because": because if one.field != one.words else f"{one.origin}: {one.words}",
            "id": one.target.id or _ABSENT[one.target.found],
        }


_ABSENT = {
    "waiting": "waits: nothing is called so",
    "several": "several are called so",
    "hidden": "is out of sight",
    "deleted": "is deleted",
    "none": "no document stands for it",
}


def _came(entry: PastEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "id": "" if entry.delivery_id is None else str(entry.delivery_id),
        "came": f"{entry.by} {entry.event_key or ''}".strip(),
        "did": f"{entry.did}: {', '.join(entry.changed)}" if entry.changed else entry.did,
        "why": entry.why,
    }


def _hashes(found: Explained) -> Iterator[dict[str, Any]]:
    for one in found.hashes:
        yield {
            "since": one.at or "before what is kept",
            "content_hash": one.content_hash[:_SHOWN],
            "config_hash": (one.config_hash or "")[:_SHOWN],
            "by": ", ".join(f"delivery {id_}" for id_ in one.deliveries),
        }


def _kept(found: Explained) -> str:
    changes, deliveries = found.changes_since, found.deliveries_since
    told = "No change is kept" if changes is None else f"Changes are kept since {_at(changes)}"
    since = "as far as they are kept" if deliveries is None else f"since {_at(deliveries)}"
    return f"{told}; deliveries were looked through {since}."


def _at(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
