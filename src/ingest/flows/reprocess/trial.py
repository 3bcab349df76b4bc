"""What a run would change: everything is looked at and made, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.flows.reprocess import documents
from ingest.flows.reprocess.asked import DELIVERIES, ReprocessRequest
from ingest.flows.reprocess.deliveries import which
from ingest.flows.reprocess.looked_at import MOST_SAMPLES, LookedAt
from ingest.flows.reprocess.remake import Remade
from ingest.flows.reprocess.request import require_there
from ingest.flows.reprocess.steps import STEP_DOCUMENTS
from ingest.store import reprocess_deliveries, reprocessing
from ingest.store.engine import transaction

MOST_KEYS = 5
"""Of references, in one sample."""


@dataclass(slots=True)
class DryRun:
    """What a run would come to.

    deliveries: settled ones that it would replay, by source type and status.
    documents: by source type, as a run counts them. changes, unmade: some of those.
    """

    deliveries: dict[str, dict[str, int]] = field(default_factory=dict)
    documents: dict[str, dict[str, int]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    unmade: list[JSON] = field(default_factory=list)


def try_out(engine: sa.Engine, asked: ReprocessRequest, *, api_urls: Mapping[str, str]) -> DryRun:
    """Look at all that a run is about. Locks nothing, writes nothing; memory is that of a step.

    Raises as `request_run` does, and `TransientError` where the database is away.
    """
    found = DryRun()
    with transaction(engine, snapshot=True) as conn:
        require_there(conn, asked)
        if DELIVERIES in asked.what:
            counted = reprocess_deliveries.count_deliveries(conn, which(conn, asked.within))
            for source_type, status, count in counted:
                found.deliveries.setdefault(source_type, {})[status] = count
    if asked.has_text:
        _look_through(engine, asked, api_urls, found)
    return found


def _look_through(
    engine: sa.Engine, asked: ReprocessRequest, api_urls: Mapping[str, str], found: DryRun
) -> None:
    counts: dict[str, Counter[str]] = {}
    after, ends = reprocessing.FIRST, False
    while not ends:
        looked = documents.look(engine, asked, after, limit=STEP_DOCUMENTS, api_urls=api_urls)
        _add(found, looked, counts)
        after, ends = looked.until, looked.ends
    found.documents = {name: dict(told) for name, told in sorted(counts.items())}


def _add(found: DryRun, looked: LookedAt, counts: dict[str, Counter[str]]) -> None:
    for source_type, told in looked.whole.counts.items():
        counts.setdefault(source_type, Counter()).update(told)
    made = (one.remade for one in looked.findings if one.remade is not None)
    changed = (one for one in made if one.rechunked or one.reread)
    room = MOST_SAMPLES - len(found.changes)
    found.changes += [_shown(one, looked) for one, _ in zip(changed, range(room), strict=False)]
    found.unmade += looked.whole.samples[: MOST_SAMPLES - len(found.unmade)]


def _shown(one: Remade, looked: LookedAt) -> dict[str, Any]:
    """A document and what would become of it."""
    standing, draft = one.standing, one.entry.draft
    told: dict[str, Any] = {
        "document": standing.row.document_id,
        "source_id": standing.stored.source_id,
        "store": standing.row.store_id,
    }
    if one.rechunked and draft is not None:
        pieces = looked.renders.pieces(draft.upsert, draft.store)
        told["chunks"] = standing.stored.chunk_count
        told["new_chunks"] = len(pieces.chunks) if pieces is not None else None
    if one.reread and draft is not None:
        before = {(p.kind, p.target_source, p.target_key) for p in standing.stored.pointers}
        after = {(r.kind, r.source, r.key) for r in draft.references}
        told["adds"] = [":".join(ref) for ref in sorted(after - before)[:MOST_KEYS]]
        told["removes"] = [":".join(ref) for ref in sorted(before - after)[:MOST_KEYS]]
    return told
