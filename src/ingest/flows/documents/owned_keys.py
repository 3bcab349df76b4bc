"""Takes keys out of changes that belong to another tenant of the store. Pure.

What a payload calls its object is believed as far as nobody else owns the name: it may be said by
anybody who holds that connection's secret (docs/decisions/0014 and 0017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ingest.core.changes import Change, Delete, Upsert
from ingest.core.slugs import bounded_key
from ingest.sources.contract import Source

SHOWN = 100
"""Characters of a prefix, in a remark."""


def unclaimed(
    found: Source, told: Sequence[Change], taken: frozenset[str]
) -> tuple[tuple[Change, ...], str]:
    """The changes without the keys that are others', and a remark that says so.

    `taken` are prefixes of keys, as `Descriptor.prefix_of` gives them. The remark is for the reason
    of the delivery; empty where nothing was taken out. A document whose own key is another's goes
    by its identity, which nobody refers to.
    """
    if not taken:
        return tuple(told), ""
    refused: set[str] = set()

    def free(key: str) -> bool:
        prefix = found.descriptor.prefix_of(key)
        if prefix is None or prefix not in taken:
            return True
        refused.add(prefix)
        return False

    changes = tuple(_without(change, free) for change in told)
    if not refused:
        return changes, ""
    return changes, f"{min(refused)[:SHOWN]} is another connection's, and names nothing of this one"


def _without(change: Change, free: Callable[[str], bool]) -> Change:
    if not isinstance(change, Upsert | Delete):
        return change
    aliases = tuple(alias for alias in change.aliases if free(alias))
    if isinstance(change, Upsert) and not free(change.source_id):
        who = change.identity
        own = bounded_key(f"{who.scope}/{who.kind}/{who.id}")
        return replace(change, source_id=own, aliases=aliases)
    return change if aliases == change.aliases else replace(change, aliases=aliases)
