"""Prints what came of a delivery: its events, look-ups and documents, what each did or why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.cli import output
from ingest.cli.fetches import COLUMNS, DOCUMENTS

_EVENTS = ("id", "store_id", "status", "processed_at")
_TRIES = ("lookup_id", "at", "attempt", "outcome", "error")


def tell(told: Mapping[str, Any]) -> None:
    """Print it for people, the body last."""
    apart = ("events", "look_ups", "documents", "body", "headers")
    output.record({name: told[name] for name in told if name not in apart}, as_json=False)
    output.part("Events", told["events"], _EVENTS, "It told no event.")
    asked = told["look_ups"]
    output.part("Look-ups", asked, COLUMNS, "It asked for nothing to be looked up.")
    tries = [{"lookup_id": one["id"], **row} for one in asked for row in one["tries"]]
    if tries:
        output.part("Tries", tries, _TRIES, "")
    documents = told["documents"]
    output.part(
        "Documents", documents, DOCUMENTS, "It did nothing to any document: see the reason."
    )
    output.line("")
    output.record({"headers": told["headers"], "body": told["body"]}, as_json=False)
