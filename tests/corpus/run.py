"""One run: the stack started, sources connected, all sent, drained, looked at, stopped."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import TransientError
from ingest.flows import sweep
from ingest.flows.connections.connect import connect_source
from ingest.flows.documents.bind import bind_pending
from ingest.machine import Running, running
from ingest.sources.registry import all_sources, source
from ingest.store import credentials, lookup_admin, queue_admin, stores
from ingest.store.engine import transaction
from ingest.store.stores import NewStore
from ingest.testing.fakes import Fake, serving
from ingest.testing.recorded import Recorded, Sending
from ingest.testing.sample import all_sendings
from tests.corpus import outcome, state
from tests.corpus.outcome import Connected
from tests.corpus.report import Result
from tests.corpus.sending import SECRET, send_all

STORE = "corpus"
DRAIN_S = 120.0

_STUCK = sa.text("""
SELECT CAST(s.source_type AS text) AS source, l.kind, l.external_id, l.attempts, l.last_error,
       s.config_status, c.problem
FROM lightfast_lookups l JOIN lightfast_connected_sources s ON s.id = l.connection_id
LEFT JOIN lightfast_connection_conditions c ON c.connection_id = l.connection_id LIMIT 20
""")


def run(recorded: Sequence[Recorded], *, twice: bool) -> Result:
    """Send everything whose source is there, and once more if `twice`; what came of it."""
    sendings = all_sendings()
    sent = [one for one in recorded if one.source in sendings]
    result = Result([outcome.not_built(one) for one in recorded if one.source not in sendings])
    if sent:
        with _providers(sent, sendings) as fakes, _stage(fakes) as stage:
            _run(stage, sent, sendings, result, fakes, twice=twice)
    return result


def _run(
    stage: Running,
    sent: Sequence[Recorded],
    sendings: Mapping[str, Sending],
    result: Result,
    fakes: Mapping[str, Fake],
    *,
    twice: bool,
) -> None:
    engine = stage.machine.program.engine
    connected = _connect(stage, sent, sendings, fakes)
    connections = {key: one.id for key, one in connected.items()}
    answers = send_all(stage.url, sent, sendings, connections)
    settled = _drain(stage)
    before = state.read(engine)
    standing = before["lightfast_docs_documents"]
    result.ends += outcome.ends(
        engine, answers, sendings, connected, store=STORE, standing=standing
    )
    result.standing = outcome.documents_by_kind(engine)
    if not twice or not settled:
        return
    again = send_all(stage.url, sent, sendings, connections)
    result.moved += [f"{a.recorded.name}: {a.code} {a.said}" for a in again if a.code >= 500]
    if not _drain(stage):
        result.moved.append("there are deliveries without an end")
    result.moved += state.differences(before, state.read(engine))


@contextlib.contextmanager
def _providers(
    sent: Sequence[Recorded], sendings: Mapping[str, Sending]
) -> Iterator[dict[str, Fake]]:
    """The providers' APIs, by source type, with an object for every id that the payloads name."""
    with contextlib.ExitStack() as served:
        yield {
            name: served.enter_context(
                serving(sending.provider([one for one in sent if one.source == name]))
            )
            for name, sending in sendings.items()
            if sending.provider is not None
        }


@contextlib.contextmanager
def _stage(fakes: Mapping[str, Fake]) -> Iterator[Running]:
    """The whole stack on a new database; the app-wide secrets are known."""
    app_wide = {
        f"INGEST_{name.upper()}_WEBHOOK_SECRETS": SECRET
        for name, found in all_sources().items()
        if found.descriptor.signs_for_all_tenants
    }
    with TemporaryDirectory(prefix="ingest-corpus-") as directory:
        urls = {f"INGEST_{name.upper()}_API_URL": fake.url for name, fake in fakes.items()}
        environ = {"INGEST_DATA_DIR": str(Path(directory) / "data"), **app_wide, **urls}
        with running(environ, durable=False) as stage:
            yield stage


def _connect(
    stage: Running,
    sent: Sequence[Recorded],
    sendings: Mapping[str, Sending],
    fakes: Mapping[str, Fake],
) -> dict[tuple[str, str], Connected]:
    """A connection for each repository or organization that the payloads name, all in one store."""
    engine = stage.machine.program.engine
    with transaction(engine) as conn:
        stores.create(conn, NewStore(STORE, STORE, STORE, STORE, STORE, STORE, STORE))
    belonging: dict[tuple[str, str], list[Recorded]] = {}
    for one in sent:
        key = sendings[one.source].connection(one)
        if key is not None:
            belonging.setdefault((one.source, key), []).append(one)
    return {
        at: _connected(stage, *at, sendings[at[0]].metadata(at[1], of), fakes.get(at[0]))
        for at, of in belonging.items()
    }


def _connected(
    stage: Running, name: str, key: str, metadata: dict[str, Any], fake: Fake | None
) -> Connected:
    secrets = {credentials.WEBHOOK_SECRET: SECRET}
    if fake is not None:
        secrets[credentials.API_TOKEN] = fake.provider.token
    connection = connect_source(
        stage.machine.program.engine,
        source(name).descriptor,
        name=key[:200],
        metadata=metadata,
        store_ids=[STORE],
        secrets=secrets,
        vault=stage.machine.program.vault,
    )
    return Connected(connection, metadata)


def _drain(stage: Running) -> bool:
    """Wait until all is settled, and settle what lags behind; false where something has no end."""
    engine = stage.machine.program.engine

    def settled() -> bool:
        with transaction(engine) as conn:
            return queue_admin.unfinished(conn)[0] + lookup_admin.unfinished(conn)[0] == 0

    try:
        stage.wait(settled, seconds=DRAIN_S, until="all deliveries settled")
    except TransientError as error:
        sys.stderr.write(f"{error}\n")
        with transaction(engine) as conn:
            for row in conn.execute(_STUCK).mappings():
                sys.stderr.write(f"still to be looked up: {dict(row)}\n")
    bind_pending(engine)
    sweep.settle_counts(engine)
    return settled()
