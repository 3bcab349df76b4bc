"""One run: the stack started, sources connected, all sent, drained, looked at, stopped."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.core.errors import TransientError
from ingest.flows import sweep
from ingest.flows.connecting import connect_source
from ingest.machine import Running, running
from ingest.sources.registry import all_sources, source
from ingest.store import credentials, queue_admin, references, stores
from ingest.store.engine import transaction
from ingest.store.stores import NewStore
from tests.corpus import outcome, state
from tests.corpus.folder import Recorded
from tests.corpus.knowledge import Knowledge, built
from tests.corpus.report import Result
from tests.corpus.sending import SECRET, send_all

STORE = "corpus"
DRAIN_S = 300.0


def run(recorded: Sequence[Recorded], *, twice: bool) -> Result:
    """Send everything whose source is built, and once more if `twice`; what came of it."""
    began = time.monotonic()
    knowledge = built()
    sent = [one for one in recorded if one.source in knowledge]
    result = Result([outcome.not_built(one) for one in recorded if one.source not in knowledge])
    if sent:
        with _stage() as stage:
            _run(stage, sent, knowledge, result, twice=twice)
    result.seconds = round(time.monotonic() - began, 1)
    return result


def _run(
    stage: Running,
    sent: Sequence[Recorded],
    knowledge: Mapping[str, Knowledge],
    result: Result,
    *,
    twice: bool,
) -> None:
    engine = stage.machine.program.engine
    connections = _connect(stage, sent, knowledge)
    answers = send_all(stage.url, sent, knowledge, connections)
    settled = _drain(stage)
    before = state.read(engine)
    standing = before["lightfast_docs_documents"]
    result.ends += outcome.ends(engine, answers, knowledge, store=STORE, standing=standing)
    result.standing = outcome.documents_by_kind(engine)
    if not twice or not settled:
        return
    again = send_all(stage.url, sent, knowledge, connections)
    result.moved += [f"{a.recorded.name}: {a.code} {a.said}" for a in again if a.code >= 500]
    if not _drain(stage):
        result.moved.append("there are deliveries without an end")
    result.moved += state.differences(before, state.read(engine))


@contextlib.contextmanager
def _stage() -> Iterator[Running]:
    """The whole stack on a new database; the app-wide secrets are known."""
    app_wide = {
        f"INGEST_{name.upper()}_WEBHOOK_SECRETS": SECRET
        for name, found in all_sources().items()
        if found.descriptor.signs_for_all_tenants
    }
    with TemporaryDirectory(prefix="ingest-corpus-") as directory:
        environ = {"INGEST_DATA_DIR": str(Path(directory) / "data"), **app_wide}
        with running(environ, durable=False) as stage:
            yield stage


def _connect(
    stage: Running, sent: Sequence[Recorded], knowledge: Mapping[str, Knowledge]
) -> dict[tuple[str, str], str]:
    """A connection for each repository or organization that the payloads name, all in one store."""
    engine = stage.machine.program.engine
    with transaction(engine) as conn:
        stores.create(conn, NewStore(STORE, STORE, STORE, STORE, STORE, STORE, STORE))
    houses: dict[tuple[str, str], list[Recorded]] = {}
    for one in sent:
        house = knowledge[one.source].house(one)
        if house is not None:
            houses.setdefault((one.source, house), []).append(one)
    return {
        (name, house): connect_source(
            engine,
            source(name).descriptor,
            name=house[:200],
            metadata=knowledge[name].metadata(house, of),
            store_ids=[STORE],
            secrets={credentials.WEBHOOK_SECRET: SECRET},
            vault=stage.machine.program.vault,
        )
        for (name, house), of in houses.items()
    }


def _drain(stage: Running) -> bool:
    """Wait until all is settled, and settle what lags behind; false where something has no end."""
    engine = stage.machine.program.engine

    def settled() -> bool:
        with transaction(engine) as conn:
            return queue_admin.unfinished(conn)[0] == 0

    try:
        stage.wait(settled, seconds=DRAIN_S, until="all deliveries settled")
    except TransientError as error:
        sys.stderr.write(f"{error}\n")
    with transaction(engine) as conn:
        references.bind_pending(conn)
    sweep.settle_counts(engine)
    return settled()
