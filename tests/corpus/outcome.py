"""What became of each payload: the end of its delivery, and the documents that it speaks of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import IngestError
from ingest.core.identity import document_id
from ingest.flows.receiving.payload import read_payload
from ingest.sources.contract import Message
from ingest.sources.registry import source
from ingest.store import queue_admin
from ingest.store.engine import transaction
from ingest.testing.recorded import Recorded, Sending
from tests.corpus.report import End
from tests.corpus.sending import Answer, request


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection of the run: its id, and the metadata that it was made with."""

    id: str
    metadata: Mapping[str, Any]


_STANDING = sa.text("""
SELECT CAST(d.source_type AS text) AS source, l.kind, count(*) AS documents
FROM lightfast_docs_documents d JOIN lightfast_document_ledger l ON l.document_id = d.id
GROUP BY 1, 2 ORDER BY 1, 2
""")


def ends(
    engine: sa.Engine,
    answers: Sequence[Answer],
    sendings: Mapping[str, Sending],
    connected: Mapping[tuple[str, str], Connected],
    *,
    store: str,
    standing: Collection[str],
) -> list[End]:
    """The end of each answered payload; `standing` are the ids of all documents there are."""
    with transaction(engine) as conn:
        rows = {
            answer.delivery: queue_admin.show(conn, answer.delivery)
            for answer in answers
            if answer.delivery is not None
        }
    return [
        _end(
            answer,
            sendings[answer.recorded.source],
            rows.get(answer.delivery or 0),
            documents=_documents(answer.recorded, sendings, connected, store) & set(standing),
        )
        for answer in answers
    ]


def not_built(one: Recorded) -> End:
    """The end of a payload of a source that is not there: it is not sent."""
    return End(one, one.event or "", str(one.payload.get("action") or ""), 0, "not built", "")


def documents_by_kind(engine: sa.Engine) -> dict[str, dict[str, int]]:
    """How many documents stand, by source and kind."""
    found: dict[str, dict[str, int]] = {}
    with transaction(engine) as conn:
        for row in conn.execute(_STANDING):
            found.setdefault(row.source, {})[row.kind] = row.documents
    return found


def _end(
    answer: Answer,
    sending: Sending,
    row: Mapping[str, Any] | None,
    *,
    documents: frozenset[str],
) -> End:
    event, action = sending.event(answer.recorded)
    if row is None:
        fine = answer.code == 200
        status = answer.said if fine else f"refused {answer.code}"
        reason = "" if fine else answer.said
        return End(answer.recorded, event, action, answer.code, status, reason)
    reason = row["reason"] or (row["last_error"] if row["status"] == "pending" else "") or ""
    return End(answer.recorded, event, action, answer.code, row["status"], reason, documents)


def _documents(
    one: Recorded,
    sendings: Mapping[str, Sending],
    connected: Mapping[tuple[str, str], Connected],
    store: str,
) -> frozenset[str]:
    """The ids of the documents that the adapter says this payload is about."""
    found, sending = source(one.source), sendings[one.source]
    key = sending.connection(one)
    if key is None:
        return frozenset()
    to = connected[one.source, key]
    now = datetime.now(UTC)
    headers, body = request(one, sending, now)
    try:
        payload = read_payload(found.descriptor, headers, body)
        own = found.descriptor.connection_tenants(to.metadata)
        tenant = next(iter(found.descriptor.tenants(headers, payload)), own[0])
        scope = found.descriptor.scope(tenant if tenant in own else own[0], to.metadata)
        meaning = found.normalise(Message(headers, payload, one.name, now, scope, to.metadata))
    except IngestError:
        return frozenset()
    return frozenset(document_id(change.identity, store) for change in meaning.changes)
