"""Makes one look-up: asks the provider, and has its source read the answer into changes.

Law: no transaction is open meanwhile, and nothing waits here for a limit to pass: what has to wait
goes back into its row.
"""

from __future__ import annotations

from dataclasses import replace

from ingest.core.errors import Refused
from ingest.core.identity import Identity
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.held import HeldLookup
from ingest.flows.lookups.made_by import made_by
from ingest.flows.lookups.outcome import Outcome, gone, hopeless, seen
from ingest.flows.lookups.proofs import end_of
from ingest.sources.contract import Lookup
from ingest.sources.registry import source
from ingest.sources.spending import spending

CRASHES = 3
"""A look-up that took its worker down this often, while it was alone, is given up."""


def fetch(clients: Clients, held: HeldLookup) -> Outcome:
    """What the provider shows of the object: seen, gone, or hopeless after too many crashes.

    Blocks; called from a thread. Each request is counted for the connection's budget. Raises what
    `Clients` and the client raise (`Refused`, `RateLimited`, `TransientError`, `PermanentError`),
    `Denied` where it is this object alone that the token is refused, `BudgetSpent` of a background
    look-up, and any fault of the source: `failed` says what each of them means.
    """
    row, connection = held.row, held.connection
    if row.crashes >= CRASHES:
        return hopeless(f"took its worker down {row.crashes} times while it was alone")
    found = source(connection.source_type)
    identity = Identity(connection.source_type, row.scope, row.kind, row.external_id)
    token = clients.opened(held.sealed)
    client, budget = clients.of(connection, token), clients.budget_of(connection, token)
    lookup = Lookup(
        identity,
        row.hint,
        row.state,
        made_by(found, held.stores),
        row.sent_at,
        connection.metadata,
        held.taken,
        keys=held.keys,
    )
    with spending(budget, background=row.background) as spent:
        try:
            sight = client.fetch_one(lookup)
        except Refused as refusal:
            denied = clients.denied(connection, client, refusal)
            raise end_of(denied, refusal, row.attempts) from refusal
    documents = found.documents
    if sight.raw is None or documents is None:
        return replace(gone(identity, sight, held), calls=spent.calls)
    shown = replace(lookup, raw=sight.raw)
    said = client.read(lambda: documents(shown))
    return replace(seen(said, sight, held), calls=spent.calls)
