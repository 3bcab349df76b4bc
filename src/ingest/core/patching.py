"""Patches laid over whole objects: any order of them ends in the same metadata. No I/O.

A patch is kept as JSON (`rank`, `revision`, and `fields`, each with its `value` and its `merge`)
until a whole object of newer rank replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ingest.core.changes import Patch
from ingest.core.values import JSON

Kept = dict[str, JSON]

MOST_UNITED = 100
"""Of a set that patches unite, and of its names where it has any: the first ones by their order,
so that whatever order they come in, the same are left."""
MOST_PATCHES = 100
"""That are kept apart. What older ones add is added to the oldest of these."""


def as_kept(patch: Patch, rank: str, revision: int) -> Kept:
    """A patch as the ledger keeps it.

    `{"rank": …, "revision": …, "fields": {name: {"value": …, "merge": …}}}`
    """
    fields: dict[str, JSON] = {
        name: {"value": field.value, "merge": field.merge} for name, field in patch.fields.items()
    }
    return {"rank": rank, "revision": revision, "fields": fields}


def newer(known: JSON, told: Iterable[Kept], base_rank: str | None) -> list[Kept]:
    """The patches that are newer than the whole object, the known and the told ones, by rank.

    Of one rank that of the newer revision, or the one that is told now.
    """
    found: dict[str, Kept] = {}
    kept = known if isinstance(known, list) else ()
    for patch in [*(p for p in kept if isinstance(p, dict)), *told]:
        before = found.get(str(patch["rank"]))
        if before is None or _revision(before) <= _revision(patch):
            found[str(patch["rank"])] = patch
    return _compacted([found[r] for r in sorted(found) if base_rank is None or r > base_rank])


def merge(base: Mapping[str, JSON], patches: Iterable[Mapping[str, JSON]]) -> dict[str, JSON]:
    """Lay patches (`rank`, `fields`) over a whole object's metadata; the order does not matter."""
    merged: dict[str, JSON] = dict(base)
    for patch in sorted(patches, key=lambda p: str(p["rank"])):
        fields = patch["fields"]
        if isinstance(fields, Mapping):
            for name, field in fields.items():
                if isinstance(field, Mapping):
                    merged[name] = _merged(str(field["merge"]), merged.get(name), field["value"])
    return merged


def _compacted(patches: Sequence[dict[str, JSON]]) -> list[dict[str, JSON]]:
    """The patches without what newer ones say too: whatever base comes, it merges to the same.

    A newer patch outlives the older one, so a field adds nothing where merging it into the newer
    ones changes nothing. A stream of events about one object stays as small as what it told.
    """
    said: dict[str, JSON] = {}
    kept: list[dict[str, JSON]] = []
    for patch in reversed(patches):
        fields = patch["fields"]
        told = fields.items() if isinstance(fields, dict) else ()
        news: dict[str, JSON] = {
            name: field
            for name, field in told
            if isinstance(field, dict) and _adds(said, name, field)
        }
        if news and len(kept) < MOST_PATCHES:
            kept.append({**patch, "fields": news})
        elif news:
            kept[-1] = _with(kept[-1], news)
    return kept[::-1]


def _with(patch: Kept, older: Mapping[str, JSON]) -> Kept:
    """The patch, saying what fields of an older one add to it too."""
    fields = patch["fields"]
    both: dict[str, JSON] = dict(fields) if isinstance(fields, dict) else {}
    for name, field in older.items():
        own = both.get(name)
        if isinstance(field, dict):
            known = own["value"] if isinstance(own, dict) else None
            value = _merged(str(field["merge"]), known, field["value"])
            both[name] = {"value": value, "merge": field["merge"]}
    return {**patch, "fields": both}


def _adds(said: dict[str, JSON], name: str, field: Mapping[str, JSON]) -> bool:
    """Whether a field says more than newer ones; if so, it is noted with them."""
    how, value = str(field["merge"]), field["value"]
    if name in said:
        if how == "newest":
            return False
        merged = _merged(how, said[name], value)
        if merged == said[name]:
            return False
        said[name] = merged
    else:
        said[name] = _merged(how, None, value)
    return True


def _revision(patch: Mapping[str, JSON]) -> int:
    known = patch.get("revision")
    return known if isinstance(known, int) else 0


def _merged(how: str, old: JSON, new: JSON) -> JSON:
    if how == "newest":
        return new
    if how == "union":
        return _union(old, new)
    if old is None or new is None:
        return new if old is None else old
    if isinstance(old, str) and isinstance(new, str):
        return min(old, new) if how == "min" else max(old, new)
    if isinstance(old, int | float) and isinstance(new, int | float):
        return min(old, new) if how == "min" else max(old, new)
    return new


def _union(old: JSON, new: JSON) -> JSON:
    """Sorted, and bounded: each event of a busy object may add to it, for years."""
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        one = old if isinstance(old, Mapping) else {}
        other = new if isinstance(new, Mapping) else {}
        names = sorted({*one, *other})[:MOST_UNITED]
        return {k: _union(one.get(k), other.get(k)) for k in names}
    items = {str(item) for side in (old, new) if isinstance(side, list) for item in side}
    return [*sorted(items)[:MOST_UNITED]]
