"""`ingest demo`: all is started in a temporary place, told, shown and stopped, in some seconds.

Law: nothing is left, neither a process nor a file, however it ends; and any fault is exit 1.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest import logs
from ingest.cli import output
from ingest.cli.arguments import AsJson
from ingest.core.errors import IngestError, PermanentError
from ingest.demo.play import Played, play, providers
from ingest.demo.story import in_order_of_arrival
from ingest.embedded import EmbeddedError
from ingest.machine import ended_by_signals, running
from ingest.testing.fakes import Fake
from ingest.testing.sample import all_samples, without_sample

_DELIVERIES = ("id", "source", "delivery", "answers", "status", "reason")
_DOCUMENTS = ("source", "source_id", "kind", "title", "parent", "commit", "chunks", "formerly")
_RETURNED = ("source", "how", "why", "documents")
_RELATIONSHIPS = ("document", "kind", "target_source", "target", "said_by", "bound", "found")


class DemoFailed(PermanentError):
    """The demo did not end as it should; the message says what happened."""


def demo(*, as_json: AsJson = False) -> None:
    """Send sample webhooks of every source through the whole stack, and show what came out.

    Everything runs embedded in a temporary directory; nothing that you have is used or changed.
    """
    logs.set_up("warning")
    began = time.monotonic()
    try:
        outcome = _perform()
    except (IngestError, EmbeddedError, OSError) as error:
        raise DemoFailed(str(error)) from error
    seconds = round(time.monotonic() - began, 1)
    _print(outcome, seconds, as_json=as_json)
    faults = outcome.faults()
    if faults:
        raise DemoFailed("; ".join(faults))


def _perform() -> Played:
    samples = all_samples()
    for name, reason in without_sample().items():
        output.note(f"{name} has no part in the demo: {reason}")
    output.note(
        f"Starting PostgreSQL, Redis and the program's processes for {len(samples)} sources …"
    )
    with (
        ended_by_signals(),
        TemporaryDirectory(prefix="ingest-demo-") as directory,
        providers(samples) as fakes,
        running(_environ(Path(directory), fakes), durable=False) as stage,
    ):
        output.note(f"Sending signed webhooks to {stage.url} …")
        return play(stage, in_order_of_arrival(samples), fakes)


def _environ(directory: Path, fakes: Mapping[str, Fake]) -> dict[str, str]:
    """A place of its own for the data, and the providers' APIs that run here."""
    urls = {f"INGEST_{name.upper()}_API_URL": fake.url for name, fake in fakes.items()}
    return {"INGEST_DATA_DIR": str(directory / "data"), **urls}


def _print(outcome: Played, seconds: float, *, as_json: bool) -> None:
    if as_json:
        output.document(
            {
                "seconds": seconds,
                "deliveries": outcome.deliveries,
                "documents": outcome.documents,
                "relationships": outcome.relationships,
                "returned": [one.row() for one in outcome.returned],
            }
        )
        return
    parts = (
        ("Deliveries, in the order of arrival", outcome.deliveries, _DELIVERIES),
        ("Documents", outcome.documents, _DOCUMENTS),
        ("Relationships", outcome.relationships, _RELATIONSHIPS),
        ("Back without a webhook", [one.row() for one in outcome.returned], _RETURNED),
    )
    for title, rows, columns in parts:
        output.line(f"\n{title}")
        output.rows(rows, as_json=False, columns=columns, empty="none")
    ends = Counter(row["status"] for row in outcome.deliveries)
    told = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
    output.line(
        f"\n{len(outcome.deliveries)} deliveries ({told}) became {len(outcome.documents)} "
        f"documents and {len(outcome.relationships)} relationships, in {seconds:g} s from nothing "
        "to nothing."
    )
