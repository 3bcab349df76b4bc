"""Finds connections of one tenant that would have one store's documents hold different things.

An object has one document in a store, whoever looked it up last: were the internal notes of a
ticket in for one of them and out for the other, the order of look-ups would decide
(docs/decisions/0007).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store import connections
from ingest.store.connections import DISCONNECTED, Connection


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another connection of the same tenant in a store, and the field in which the two differ.

    As a text it is the sentence for a person, who may need REMEDY with it.
    """

    store_id: str
    other: Connection
    field: str
    own: JSON
    others: JSON

    def __str__(self) -> str:
        other = f"{self.other.id} ({self.other.name!r})"
        return (
            f"connection {other} feeds store {self.store_id} from the same account with "
            f"{_said(self.field, self.others)}, and this one has {_said(self.field, self.own)}: "
            "there is one document for both, and it cannot be as either wants"
        )


REMEDY = "give both the same, disconnect one, or let them feed stores of their own"
"""What to do about any conflict."""


def conflicts(
    conn: sa.Connection,
    descriptor: Descriptor,
    metadata: Mapping[str, JSON],
    store_ids: Collection[str],
) -> Iterator[Conflict]:
    """What stands against a connection with this metadata in these stores.

    The fields are those of `Descriptor.shaped_by`; disconnected ones do not count. Lock the stores
    first (`stores.lock`) where something is to be written upon it.
    """
    (found,) = conflicts_of_each(conn, descriptor, [(metadata, store_ids)])
    yield from found


def conflicts_of_each(
    conn: sa.Connection,
    descriptor: Descriptor,
    wanted: Sequence[tuple[Mapping[str, JSON], Collection[str]]],
) -> list[list[Conflict]]:
    """As `conflicts`, of several connections at once, each with its metadata and stores."""
    if not any(descriptor.shaped_by(metadata) for metadata, _ in wanted):
        return [[] for _ in wanted]
    tenants = {descriptor.connection_tenants(metadata)[0] for metadata, _ in wanted}
    found = connections.by_tenant(conn, descriptor.source_type, tenants)
    standing = [one for same in found.values() for one in same if one.status != DISCONNECTED]
    fed = connections.stores_of(conn, {one.id for one in standing})
    by_scope: dict[str, dict[str, Connection]] = {}
    for one in standing:
        by_scope.setdefault(_scope(descriptor, one.metadata), {})[one.id] = one
    return [
        [*_against(descriptor, metadata, store_ids, by_scope, fed)]
        for metadata, store_ids in wanted
    ]


def _scope(descriptor: Descriptor, metadata: Mapping[str, JSON]) -> str:
    return descriptor.scope(descriptor.connection_tenants(metadata)[0], metadata)


def _against(
    descriptor: Descriptor,
    metadata: Mapping[str, JSON],
    store_ids: Collection[str],
    by_scope: Mapping[str, Mapping[str, Connection]],
    fed: Mapping[str, Collection[str]],
) -> Iterator[Conflict]:
    own = descriptor.shaped_by(metadata)
    if not own:
        return
    for id_, other in sorted(by_scope.get(_scope(descriptor, metadata), {}).items()):
        shape = descriptor.shaped_by(other.metadata)
        for store_id in sorted(set(fed.get(id_, ())) & set(store_ids)):
            for field, value in own.items():
                if shape[field] != value:
                    yield Conflict(store_id, other, field, value, shape[field])


def twin(
    conn: sa.Connection,
    descriptor: Descriptor,
    metadata: Mapping[str, JSON],
    store_ids: Collection[str],
    *,
    but: str = "",
) -> str | None:
    """The sentence about a connection that stands for the same, wants the same of it, and feeds one
    of the stores; None where there is none.

    Two that differ in a filter are two: each feeds what it wants. `but` is the one that asks. Lock
    the stores first.
    """
    others = _others(conn, descriptor, metadata)
    fed = connections.stores_of(conn, others)
    wanted = _wants(descriptor, metadata)
    for id_, other in sorted(others.items()):
        shared = sorted(set(fed.get(id_, ())) & set(store_ids))
        if id_ != but and shared and _wants(descriptor, other.metadata) == wanted:
            return (
                f"connection {id_} ({other.name!r}) feeds store {shared[0]} with the very same "
                f"already; change that one with: ingest source update {id_}"
            )
    return None


def _wants(descriptor: Descriptor, metadata: Mapping[str, JSON]) -> dict[str, JSON]:
    """The metadata but for what says by which webhook it is told."""
    apart = source(descriptor.source_type).subscription_field
    return {name: value for name, value in metadata.items() if name != apart}


def _others(
    conn: sa.Connection, descriptor: Descriptor, metadata: Mapping[str, JSON]
) -> dict[str, Connection]:
    """The connections that stand for the same, by id; disconnected ones do not count."""
    tenants = descriptor.connection_tenants(metadata)
    found = connections.by_tenant(conn, descriptor.source_type, tenants[:1])
    scope = descriptor.scope(tenants[0], metadata)
    return {
        one.id: one
        for same in found.values()
        for one in same
        if one.status != DISCONNECTED
        and descriptor.scope(descriptor.connection_tenants(one.metadata)[0], one.metadata) == scope
    }


def _said(field: str, value: JSON) -> str:
    return f"no {field}" if value is None else f"{field} {value!r}"
