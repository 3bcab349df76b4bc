"""Plays the story on a running stack: connects the sources, sends their deliveries, reads the end.

Law: everything goes the way that a provider's webhook goes, over HTTP and signed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from ingest.core.errors import TransientError
from ingest.demo import returning
from ingest.demo.returning import Returned
from ingest.flows.connections.connect import connect_source
from ingest.flows.documents.bind import bind_pending
from ingest.machine import Running
from ingest.sources.registry import source
from ingest.store import credentials, lookup_admin, queue_admin, reading, stores
from ingest.store.engine import transaction
from ingest.store.stores import NewStore
from ingest.testing.fakes import Fake, serving
from ingest.testing.sample import Sample, SampleDelivery
from ingest.testing.signing import request

STORE = "brindle"
"""The id and name of the one store of the story."""
DRAIN_S = 20.0
"""Until all that was sent is settled."""
ANSWER_S = 10.0
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery as the receiver answered it: its row's id, and one status for each copy."""

    sample: Sample
    delivery: SampleDelivery
    id: int
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """What came out, as rows that people and programs read.

    deliveries: as they were sent, with their end and the one that the story expects.
    documents: of the story's store, by source type, the oldest first; a parent is named by its key.
    relationships: edges before mentions, each with what it points at, and whether that was found.
    returned: what came back without a webhook.
    """

    deliveries: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    relationships: list[dict[str, Any]]
    returned: tuple[Returned, ...] = ()

    def faults(self) -> list[str]:
        """A sentence for each delivery that did not end as the story says, and for each document
        that did not come back; none where all did.
        """
        missing = [fault for one in self.returned if (fault := one.fault()) is not None]
        return missing + [
            f"{row['source']}, {row['delivery']}: {row['status']} ({row['reason']}), "
            f"not {row['expected']}"
            for row in self.deliveries
            if row["status"] != row["expected"]
        ]


def play(
    stage: Running, story: Sequence[tuple[Sample, SampleDelivery]], fakes: Mapping[str, Fake]
) -> Played:
    """Connect, backfill what stood there before, send in the order of arrival, wait until all is
    drained, bring back what was lost, read.

    `fakes` are the providers' APIs by source type; a source without one gets no token. Raises
    `TransientError` for a delivery that is answered other than 200, or where not all is settled
    within DRAIN_S.
    """
    samples = {sample.source_type: sample for sample, _ in story}
    routes = _connect(stage, samples.values(), fakes)
    connections = {name: route.rpartition("/")[2] for name, (route, _) in routes.items()}
    listed = [one for one in samples.values() if one.source_type in fakes]
    returned = returning.backfill(stage, STORE, listed, connections)
    with httpx.Client(base_url=stage.url, timeout=ANSWER_S, trust_env=False) as client:
        sent = [_send(client, *routes[sample.source_type], sample, one) for sample, one in story]
    stage.wait(
        lambda: _unfinished(stage) == 0,
        seconds=DRAIN_S,
        until="all deliveries settled, and looked up",
    )
    returning.lose(listed, fakes)
    returned += returning.recover(stage, STORE, listed, connections)
    return replace(_read(stage, sent), returned=tuple(returned))


@contextmanager
def providers(samples: Iterable[Sample]) -> Iterator[dict[str, Fake]]:
    """The samples' APIs on loopback, by source type, with the objects of the story in them."""
    with ExitStack() as running:
        yield {
            sample.source_type: running.enter_context(serving(sample.provider()))
            for sample in samples
            if sample.provider is not None
        }


def _connect(
    stage: Running, samples: Iterable[Sample], fakes: Mapping[str, Fake]
) -> dict[str, tuple[str, str]]:
    """A store and a connection for each sample: its route and its secret, by source type."""
    engine, vault = stage.machine.program.engine, stage.machine.program.vault
    routes: dict[str, tuple[str, str]] = {}
    with transaction(engine) as conn:
        stores.create(conn, NewStore(STORE, STORE, STORE, STORE, STORE, STORE, STORE))
    for sample in samples:
        given = {credentials.WEBHOOK_SECRET: secrets.token_hex(20)}
        if sample.source_type in fakes:
            given[credentials.API_TOKEN] = fakes[sample.source_type].provider.token
        connection = connect_source(
            engine,
            source(sample.source_type).descriptor,
            name=sample.name,
            metadata=sample.connection,
            store_ids=[STORE],
            secrets=given,
            vault=vault,
        )
        route = f"/webhooks/{sample.source_type}/{connection}"
        routes[sample.source_type] = (route, given[credentials.WEBHOOK_SECRET])
    return routes


def _send(
    client: httpx.Client, route: str, secret: str, sample: Sample, delivery: SampleDelivery
) -> Sent:
    """Send each copy of a delivery, dated and signed as its provider does."""
    answers: list[Mapping[str, Any]] = []
    for _ in range(delivery.copies):
        now, scheme = datetime.now(UTC), source(sample.source_type).descriptor.scheme
        sent = request(scheme, delivery.headers, delivery.payload, secret=secret, sent_at=now)
        response = client.post(route, content=sent.body, headers=dict(sent.headers))
        if response.status_code != 200:
            raise TransientError(f"{delivery.title}: {response.status_code} {response.text[:200]}")
        answers.append(response.json())
    return Sent(sample, delivery, answers[0]["delivery"], tuple(a["status"] for a in answers))


def _unfinished(stage: Running) -> int:
    with transaction(stage.machine.program.engine) as conn:
        return queue_admin.unfinished(conn)[0] + lookup_admin.unfinished(conn)[0]


def _read(stage: Running, sent: Sequence[Sent]) -> Played:
    engine = stage.machine.program.engine
    bind_pending(engine)  # a worker binds after it settles: do not wait for it
    with transaction(engine) as conn:
        ends = queue_admin.listing(conn, status=None, source_type=None, limit=_MANY)
        ids = [row["id"] for row in reading.listing(conn, store_id=STORE, limit=_MANY)]
        shown = {id_: found for id_ in ids if (found := reading.show(conn, id_)) is not None}
        titles = reading.titles(conn, ids)
    deliveries = [_delivery(one, {row["id"]: row for row in ends}) for one in sent]
    documents = [_document(row, shown, titles) for row in shown.values()]
    return Played(deliveries, documents, _relationships(shown))


def _delivery(sent: Sent, ends: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    end = ends[sent.id]
    return {
        "id": sent.id,
        "source": sent.sample.source_type,
        "delivery": sent.delivery.title,
        "answers": list(sent.answers),
        "status": end["status"],
        "reason": end["reason"],
        "expected": sent.delivery.end,
    }


def _document(
    row: Mapping[str, Any], shown: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]
) -> dict[str, Any]:
    parent = shown.get(row["parent_doc_id"])
    return {
        "id": row["id"],
        "source": row["source_type"],
        "source_id": row["source_id"],
        "kind": row["kind"],
        "title": titles.get(row["id"], ""),
        "parent": parent["source_id"] if parent else None,
        "commit": _commit(row["relationships"]),
        "chunks": row["chunks"],
        "formerly": row["aliases"],
    }


def _commit(relationships: Mapping[str, Any] | None) -> str | None:
    """The commit that the document belongs to, as people write it."""
    sha = ((relationships or {}).get("temporal") or {}).get("commitSha")
    return str(sha)[:7] if sha else None


def _relationships(shown: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = [(row, reference) for row in shown.values() for reference in row["references"]]
    rows = [
        {
            "source": row["source_type"],
            "document": row["source_id"],
            "kind": reference["kind"],
            "target_source": reference["target_source"],
            "target": reference["target_key"],
            "said_by": reference["origin"],
            "bound": reference["bound"],
            "found": _name(shown, reference["target_document_id"]),
        }
        for row, reference in found
    ]
    return sorted(rows, key=lambda one: (one["kind"] == "mention", one["source"], one["document"]))


def _name(shown: Mapping[str, Mapping[str, Any]], document_id: str | None) -> str | None:
    return shown[document_id]["source_id"] if document_id and document_id in shown else None
