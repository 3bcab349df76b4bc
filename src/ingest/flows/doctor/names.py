"""Checks names: whether two repositories, teams or projects of a store claim one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from ingest.core.naming import NameTold, current
from ingest.flows.doctor.findings import Finding, note
from ingest.store import space_names
from ingest.store.engine import transaction
from ingest.store.space_names import Space

_SHOWN = 100
_REMEDY = "ingest docs find KEY shows both; give each connection what it is called now"


def look_at_names(engine: sa.Engine) -> Iterator[Finding]:
    """A note for each name that several have by now, or that another tenant's connection is made
    for; nothing where all is well.

    Raises `TransientError` where the database is away.
    """
    from ingest.flows.documents.owners import read_owners  # noqa: PLC0415 - a receiver never looks

    with transaction(engine) as conn:
        told = space_names.every(conn)
        owners = read_owners(conn, {space.store_id for space in told})
    for (store_id, source_type, _), spaces in _alike(told).items():
        free = [space for space, name in spaces if owners.grants(space, name)]
        if len(spaces) > 1 or not free:
            name = ascii(spaces[0][1])[1:-1][:_SHOWN]
            who = ", ".join(ascii(space.scope)[1:-1][:_SHOWN] for space, _ in spaces)
            said = f"{who} of store {store_id} claim the name {name}"
            what = "; each means its own by it" if len(free) > 1 else "; it is one connection's"
            yield note(f"{source_type} names", said + what, _REMEDY)


def _alike(
    told: Mapping[Space, Sequence[NameTold]],
) -> dict[tuple[str, str, str], list[tuple[Space, str]]]:
    """The spaces by store, source and the prefix that their keys have by now."""
    from ingest.flows.documents.called import naming_of  # noqa: PLC0415 - as above

    found: dict[tuple[str, str, str], list[tuple[Space, str]]] = {}
    for space in sorted(told):
        naming, name = naming_of(space.source_type), current(told[space])
        if naming is not None and name is not None:
            key = space.store_id, space.source_type, naming.prefix(name)
            found.setdefault(key, []).append((space, name))
    return found
