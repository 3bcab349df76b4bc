"""What a database holds in the end, where every recorded delivery of every source was processed.

All sources feed one store. Of each column one value of each shape: the same member, the same
properties, of the same types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from ingest.core.changes import Delete, Upsert, Withdraw
from ingest.flows.connections.connect import connection_metadata
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.published import Family, Member
from ingest.sources.contract import Message, Normalised, Source
from ingest.sources.registry import all_sources
from ingest.store import credentials
from ingest.store.engine import transaction
from ingest.testing.fakes import Provider, serving
from ingest.testing.recorded import Recorded
from ingest.testing.sample import all_samples, all_sendings
from tests.factories import METADATA, VAULT, connect, make_store
from tests.flows.halcyon import RECEIVED_AT, Sent, deliver
from tests.flows.syncing import synced

Written = dict[str, dict[str, Any]]
"""Of each column its values by their shapes."""

FIXTURES = Path(__file__).parent.parent / "sources"
ENDS = re.compile(r"\b(delete|remove|revoke|trash)").search
"""Whether a fixture's name says that something ends, though its payload may only hint at it."""
TOLD_LITERALLY = {"type", "kind", "action"}

_COLUMNS = {
    "documents": "SELECT DISTINCT source_metadata FROM lightfast_docs_documents",
    "events": "SELECT DISTINCT event_metadata FROM lightfast_ingestion_events",
    "connections": "SELECT DISTINCT source_metadata FROM lightfast_connected_sources",
    "relationships": "SELECT DISTINCT relationships FROM lightfast_docs_documents"
    " WHERE relationships IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A stored value and the one type that says all of it."""

    type: str
    value: Any


def with_fixtures() -> dict[str, Source]:
    """The sources whose fixtures stand here; another package keeps its own."""
    return {name: source for name, source in all_sources().items() if recorded(name)}


def meant(sources: Mapping[str, Source]) -> Written:
    """What every fixture means by itself, before anything is stored."""
    found: Written = {"documents": {}, "events": {}}
    for source in sources.values():
        for sent in recorded(source.descriptor.source_type).values():
            means = _means(source, sent)
            upserts = [change for change in means.untokened if isinstance(change, Upsert)]
            _keep(found["events"], [means.event])
            _keep(found["documents"], [dict(upsert.metadata) for upsert in upserts])
    return found


def stored(engine: sa.Engine, sources: Mapping[str, Source]) -> Written:
    """Process every fixture; what the columns held on the way.

    First without a token; then with tokens for providers that have every object, which sync runs
    list; at last come those that end something, which would have taken away what is looked for.
    """
    store = make_store(engine)
    found: Written = {}
    connected = {name: _connect(engine, source, store) for name, source in sources.items()}
    with ExitStack() as running:
        played = _providers(sources)
        fakes = {name: running.enter_context(serving(p)) for name, p in played.items()}
        clients = Clients(VAULT, {name: fake.url for name, fake in fakes.items()})
        running.callback(clients.close)
        for ends, tokens in ((False, {}), (False, fakes), (True, {})):
            for name, fake in tokens.items():
                _let_in(engine, connected[name].values(), fake.provider.token)
            listed = [name for name in tokens if sources[name].listing is not None]
            of_most = [next(iter(connected[name].values())) for name in listed]
            ended = synced(engine, clients, of_most) if of_most else []
            assert all((run["state"], run["errors"]) == ("done", 0) for run in ended), ended
            for name, source in sources.items():
                _deliver(engine, source, connected[name], ends=ends)
            drain_deliveries(engine, go_on=lambda: True, threads=1)
            drain_lookups(engine, clients, go_on=lambda: True)
            _gather(engine, found)
    return found


def _providers(sources: Collection[str]) -> dict[str, Provider]:
    """The providers' APIs, each with the objects that its fixtures name, or else its story."""
    sendings = all_sendings()
    played = {one.source_type: one.provider() for one in all_samples() if one.provider is not None}
    for name, sending in sendings.items():
        if name in sources and sending.provider is not None:
            told = [_as_file(sent) for named, sent in recorded(name).items() if not ENDS(named)]
            played[name] = sending.provider(told)
    return {name: provider for name, provider in played.items() if name in sources}


def _as_file(sent: Sent) -> Recorded:
    return Recorded("", sent.source_type, "", sent.headers, sent.body)


def _connect(engine: sa.Engine, source: Source, store: str) -> dict[str, str]:
    """A connection for each key that the fixtures of a source belong to; their ids by key.

    That of most fixtures first.
    """
    name = source.descriptor.source_type
    sending = all_sendings().get(name)
    belonging: dict[str, list[Recorded]] = {}
    for sent in recorded(name).values():
        key = _belongs_to(sent)
        if key is not None:
            belonging.setdefault(key, []).append(_as_file(sent))
    made: dict[str, str] = {}
    for key, of in sorted(belonging.items(), key=lambda item: -len(item[1])):
        told = sending.metadata(key, of) if sending is not None else METADATA[name]
        metadata = connection_metadata(source.descriptor, told)
        made[key] = connect(engine, name, metadata, stores=[store])
    return made


def _belongs_to(sent: Sent) -> str | None:
    """The key of its connection, as the sample knows it; else all are the sample connection's."""
    sending = all_sendings().get(sent.source_type)
    return sending.connection(_as_file(sent)) if sending is not None else "the sample's"


def _let_in(engine: sa.Engine, connections: Iterable[str], token: str) -> None:
    """Give these connections their provider's token."""
    with transaction(engine) as conn:
        for connection in connections:
            credentials.add(conn, VAULT, connection, credentials.API_TOKEN, token)


def _deliver(
    engine: sa.Engine, source: Source, connected: Mapping[str, str], *, ends: bool
) -> None:
    """The fixtures that end something, or those that do not, to their connections."""
    source_type = source.descriptor.source_type
    with transaction(engine) as conn:
        for name, sent in recorded(source_type).items():
            if (bool(ENDS(name)) or _ends(_means(source, sent))) == ends:
                key = _belongs_to(sent)
                deliver(conn, None if key is None else connected[key], sent)


def _ends(means: Normalised) -> bool:
    gone = any(isinstance(change, Delete | Withdraw) for change in means.untokened)
    return gone or means.withdraws is not None


def _means(source: Source, sent: Sent) -> Normalised:
    metadata = METADATA[sent.source_type]
    return source.normalise(
        Message(sent.headers, sent.body, "a delivery", RECEIVED_AT, "a scope", metadata)
    )


def _gather(engine: sa.Engine, found: Written) -> None:
    with transaction(engine) as conn:
        for column, query in _COLUMNS.items():
            _keep(found.setdefault(column, {}), conn.execute(sa.text(query)).scalars())


def _keep(found: dict[str, Any], values: Iterable[Any]) -> None:
    found.update((_shape(value), value) for value in values if value)


@cache
def recorded(source_type: str) -> Mapping[str, Sent]:
    """The fixtures of a source by their names."""
    files = sorted((FIXTURES / source_type / "fixtures").glob("*.json"))
    return {path.stem: _sent(source_type, json.loads(path.read_text("utf-8"))) for path in files}


def _sent(source_type: str, told: Mapping[str, Any]) -> Sent:
    headers = {name.lower(): value for name, value in told["headers"].items()}
    return Sent(source_type, told["body"], headers)


def of_family(family: Family, values: Iterable[Any]) -> list[Value]:
    """Each value with the member that says all of it and nothing else."""
    return [Value(_only(family.members, value).name, value) for value in values]


def _only(members: Sequence[Member], value: Any) -> Member:
    found = [member for member in members if says(member.model, value)]
    assert len(found) == 1, f"{[m.name for m in found]} say {value}"
    return found[0]


def says(model: type[BaseModel], value: Any) -> bool:
    """Whether the model says all of the value: read strictly and written again it is the same."""
    try:
        read = model.model_validate(value, strict=True)
    except ValidationError:
        return False
    return bool(read.model_dump(mode="json", by_alias=True, exclude_none=True) == value)


def _shape(value: Any, name: str = "") -> str:
    match value:
        case dict():
            return str({key: _shape(value[key], key) for key in sorted(value)})
        case list():
            return str(sorted({_shape(item) for item in value}))
        case _:
            return str(value) if name in TOLD_LITERALLY else type(value).__name__
