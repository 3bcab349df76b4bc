"""Whose the prefixes of keys are in a store: a repository's name, a team's key, a project's slug.

Law: what a connection was made for is its tenant's, unless that is told to be called otherwise by
now; what is told beside that is his who tells it, as far as it is nobody else's. It follows from
all that is told, so that it does not matter what came first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from ingest.core.naming import NameTold, current
from ingest.core.values import JSON
from ingest.sources.registry import all_sources
from ingest.store import connections, space_names
from ingest.store.space_names import Space

_Place = tuple[str, str]
"""Store id and source type."""
_Scope = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns which prefix, by (store id, source type).

    tenants: by prefix the tenants whose it is; none of one that is but a former name of somebody's.
    by_scope: whose a scope is, by (store id, source type, scope).
    """

    tenants: Mapping[_Place, Mapping[str, Collection[str]]] = field(default_factory=dict)
    by_scope: Mapping[_Scope, str] = field(default_factory=dict)

    def taken(self, place: _Place, tenant: str) -> frozenset[str]:
        """What others own in a store, and that tenant does not."""
        return frozenset(
            prefix
            for prefix, tenants in self.tenants.get(place, {}).items()
            if tenants and tenant not in tenants
        )

    def grants(self, space: Space, name: str) -> bool:
        """Whether a space may be called so: nobody else's things are."""
        found = all_sources().get(space.source_type)
        if found is None or found.naming is None:
            return False
        owned = self.tenants.get((space.store_id, space.source_type), {})
        tenants = owned.get(found.naming.prefix(name), ())
        own = self.by_scope.get((space.store_id, space.source_type, space.scope))
        return not tenants or own in tenants


@dataclass(frozen=True, slots=True)
class _Holding:
    """What one connection says of prefixes: those that it was made for and has, those that its
    things were told to have by now, and those that they only had.
    """

    place: _Place
    scope: str
    tenant: str
    made_for: frozenset[str]
    told: frozenset[str]
    former: frozenset[str]


def read_owners(conn: sa.Connection, store_ids: Collection[str]) -> Owners:
    """Who owns what in these stores. Locks nothing."""
    if not store_ids:
        return Owners()
    names = _by_scope(space_names.of_stores(conn, store_ids))
    told = (_holding(*one, names) for one in connections.neighbours(conn, store_ids))
    held = [one for one in told if one is not None]
    return Owners(_tenants(held), {(*one.place, one.scope): one.tenant for one in held})


def _tenants(held: Sequence[_Holding]) -> dict[_Place, dict[str, set[str]]]:
    """By place and prefix; what nobody was made for is his who is told to be called so."""
    tenants: dict[_Place, dict[str, set[str]]] = {one.place: {} for one in held}
    for one in held:
        for prefix in one.former:
            tenants[one.place].setdefault(prefix, set())
        for prefix in one.made_for:
            tenants[one.place].setdefault(prefix, set()).add(one.tenant)
    free = [(one, p) for one in held for p in one.told if not tenants[one.place].get(p)]
    for one, prefix in free:
        tenants[one.place].setdefault(prefix, set()).add(one.tenant)
    return tenants


_Names = Mapping[_Scope, Sequence[Sequence[NameTold]]]
"""By scope, what was told of each of its spaces."""


def _by_scope(names: Mapping[Space, Sequence[NameTold]]) -> _Names:
    found: dict[_Scope, list[Sequence[NameTold]]] = {}
    for space, told in names.items():
        found.setdefault((space.store_id, space.source_type, space.scope), []).append(told)
    return found


def _holding(
    store_id: str, source_type: str, metadata: Mapping[str, JSON], names: _Names
) -> _Holding | None:
    found = all_sources().get(source_type)
    if found is None:  # its package is gone, or broken: nothing of it is worked on
        return None
    descriptor, naming = found.descriptor, found.naming
    tenant = descriptor.connection_tenants(metadata)[0]
    scope = descriptor.scope(tenant, metadata)
    made_for, told, ever = descriptor.owned_prefixes(metadata), set[str](), set[str]()
    if naming is not None:
        for every in names.get((store_id, source_type, scope), ()):
            told.add(naming.prefix(current(every) or ""))
            ever |= {naming.prefix(n) for one in every for n in (one.name, one.before) if n}
    former = frozenset(ever - told)
    place = store_id, source_type
    return _Holding(place, scope, tenant, made_for - former, frozenset(told), former)
