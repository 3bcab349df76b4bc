"""Signed junk from every source, through receipt, drain and look-ups: each delivery ends, and none
of them with a fault of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadRequest, BadSignature, TooLate
from ingest.flows.connections.lifecycle import disconnect_source, resume_source
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.verify import verify
from ingest.sources.registry import source
from ingest.store import lookup_admin
from ingest.store.deliveries import Arrival
from ingest.store.engine import transaction
from ingest.testing.fakes import serving
from ingest.testing.recorded import Recorded, Sending
from ingest.testing.sample import all_sendings
from tests.factories import SECRET, VAULT, connect, signed
from tests.flows.junk import Junk, fixtures, junk

pytestmark = [pytest.mark.integration, pytest.mark.once]

SAMPLE = 500
"""Deliveries of each source; `make test-slow` sends more."""
SLOW_SAMPLE = 8_000
ROUNDS = 40
"""Of look-ups: one may ask for the next, and a refused one waits for ever."""
_DUE = sa.text("UPDATE lightfast_lookups SET next_attempt_at = now(), patient_until = now()")
_ENDS = sa.text("""
SELECT id, status, coalesce(reason, last_error, '') AS reason FROM lightfast_webhook_deliveries
""")
_OUR_FAULT = ("adapter fault", "client fault", "took its worker down", "database refuses")


@pytest.mark.parametrize("token", [False, True], ids=["without a token", "with a token"])
@pytest.mark.parametrize("source_type", all_sendings())
def test_signed_junk_ends_without_a_fault_of_ours(
    engine: sa.Engine, source_type: str, *, token: bool
) -> None:
    storm(engine, source_type, SAMPLE, token=token)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("token", [False, True], ids=["without a token", "with a token"])
@pytest.mark.parametrize("source_type", all_sendings())
def test_much_signed_junk_ends_without_a_fault_of_ours(
    engine: sa.Engine, source_type: str, *, token: bool
) -> None:
    storm(engine, source_type, SLOW_SAMPLE, token=token)


def storm(engine: sa.Engine, source_type: str, most: int, *, token: bool) -> None:
    """Send about so much junk, work it off, and look at every end.

    A payload that says that the connection is revoked pauses it, and so does what a provider
    refuses; somebody resumes it again and again, and disconnects it in the end.
    """
    sending = all_sendings()[source_type]
    recorded = [
        Recorded(told.name, source_type, "here", told.headers, told.body)
        for told in fixtures(source_type)
    ]
    keys = [sending.connection(one) for one in recorded]
    key = max(filter(None, keys), key=keys.count)
    metadata = sending.metadata(key, [one for one in recorded if sending.connection(one) == key])
    with ExitStack() as stack:
        clients, given = _api(stack, source_type, sending, recorded) if token else (None, None)
        connection = connect(engine, source_type, metadata, token=given)
        sent = _send(engine, source_type, connection, junk(source_type, most))
        for _ in range(ROUNDS):
            drain_deliveries(engine, go_on=lambda: True)
            asked = clients is not None and _look_up(engine, clients)
            if not resume_source(engine, connection) and not asked:
                break
    disconnect_source(engine, connection)
    drain_deliveries(engine, go_on=lambda: True)
    with transaction(engine) as conn:
        ends = conn.execute(_ENDS).all()
    assert len(ends) == len(sent) > most // 2
    assert {row.status for row in ends} <= {"processed", "skipped", "duplicate", "dead"}
    assert [
        (sent[row.id], row.reason) for row in ends if any(w in row.reason for w in _OUR_FAULT)
    ] == []


def _send(
    engine: sa.Engine, source_type: str, connection: str, junks: Sequence[Junk]
) -> dict[int, str]:
    """What each stored delivery is, by its id; what is refused at receipt is no matter."""
    descriptor, now = source(source_type).descriptor, datetime.now(UTC)
    store, sent = insert_into(engine), dict[int, str]()
    for start in range(0, len(junks), 500):
        arrivals: dict[str, Arrival] = {}
        for one in junks[start : start + 500]:
            headers = signed(source_type, one.raw, headers=one.headers)
            incoming = Incoming(source_type, connection, headers, one.raw, one.sent_at or now)
            with suppress(BadRequest, BadSignature, TooLate):
                arrival = verify(incoming, descriptor, [SECRET])
                if arrival is not None:
                    arrivals[one.what] = arrival
        stored = store(list(arrivals.values()))
        sent |= {id_: what for (id_, _), what in zip(stored, arrivals, strict=True)}
    return sent


def _api(
    stack: ExitStack, source_type: str, sending: Sending, recorded: Sequence[Recorded]
) -> tuple[Clients, str]:
    """A fake of the provider's API with an object for every id that the fixtures name."""
    assert sending.provider is not None
    provider = sending.provider(recorded)
    fake = stack.enter_context(serving(provider))
    clients = Clients(VAULT, {source_type: fake.url})
    stack.callback(clients.close)
    return clients, provider.token


def _look_up(engine: sa.Engine, clients: Clients) -> bool:
    """Look up what is asked for by now; whether there was anything."""
    with transaction(engine) as conn:
        conn.execute(_DUE)
        asked, _ = lookup_admin.unfinished(conn)
    turns = iter(range(asked + 4))
    drain_lookups(engine, clients, go_on=lambda: next(turns, None) is not None)
    return asked > 0
