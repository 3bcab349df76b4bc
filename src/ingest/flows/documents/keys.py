"""The keys by which documents are found and references are bound, as they are compared. Pure.

A thing that is meant by its id has a key without a name in it: `=`, then the scope, kind and id of
the first identity of its group. A name is folded as its source compares names.
"""

from __future__ import annotations

from collections.abc import Collection

from ingest.core.canonical import clean
from ingest.core.changes import Upsert
from ingest.core.identity import Identity, document_id
from ingest.core.references import Reference
from ingest.core.slugs import KEY_CHARS
from ingest.sources.registry import all_sources, folded
from ingest.store.binding import Owned

_THING, _SEPARATOR = "=", "\x1f"


def group_of(identity: Identity) -> tuple[Identity, ...]:
    """The identities that share its id, in the order of their group, itself among them; empty where
    no reference can mean it by scope and id alone.
    """
    kinds = _kinds_of(identity)
    return tuple(Identity(identity.source_type, identity.scope, k, identity.id) for k in kinds)


def _kinds_of(identity: Identity) -> tuple[str, ...]:
    """The kinds of its group, in their order; may be none."""
    found = all_sources().get(identity.source_type)
    groups = found.descriptor.one_of if found is not None else ()
    return next((kinds for kinds in groups if identity.kind in kinds), ())


def is_of(thing: Identity, identity: Identity) -> bool:
    """Whether the first is the second, or of its group."""
    if thing.id != identity.id or thing.scope != identity.scope:
        return False
    return thing == identity or (
        thing.source_type == identity.source_type and thing.kind in _kinds_of(identity)
    )


def own_keys(upsert: Upsert) -> frozenset[str]:
    """The keys that a whole object is called by, folded."""
    source_type = upsert.identity.source_type
    return frozenset(folded(source_type, key) for key in (upsert.source_id, *upsert.aliases))


def is_own(reference: Reference, identity: Identity, keys: Collection[str]) -> bool:
    """Whether a document refers to itself: to its own thing, or by one of its own folded keys."""
    if reference.source != identity.source_type:
        return False
    if reference.thing is not None:
        return is_of(reference.thing, identity)
    return folded(reference.source, reference.key) in keys


def bind_key(reference: Reference) -> str | None:
    """By which a reference is bound, where that is not its key as it is written."""
    if reference.thing is not None and (key := _key_of(reference.thing)) is not None:
        return key
    compared = folded(reference.source, reference.key)
    return None if compared == reference.key else compared


def aimed_at(reference: Reference, store_id: str) -> Owned:
    """The key whose owner a reference is bound to."""
    return aim(store_id, reference.source, reference.key, bind_key(reference))


def aim(store_id: str, source_type: str, key: str, bound_by: str | None) -> Owned:
    """The same, by the reference's key as it is written, and its `bind_key`."""
    if bound_by is not None and bound_by.startswith(_THING):
        return Owned(store_id, source_type, bound_by)
    return named(store_id, source_type, key)


def named(store_id: str, source_type: str, key: str, *, moved: bool = False) -> Owned:
    """A name. `moved`: what it finds is another than before, or called otherwise."""
    found = all_sources().get(source_type)
    compared = folded(source_type, key)
    guarded = found is not None and found.descriptor.prefix_of(compared) is not None
    return Owned(store_id, source_type, compared, guarded, moved=moved)


def thing(store_id: str, identity: Identity, *, moved: bool = False) -> Owned | None:
    """A thing by its id; None where no reference can mean it so."""
    key = _key_of(identity) if _kinds_of(identity) else None
    return None if key is None else Owned(store_id, identity.source_type, key, moved=moved)


def members(key: Owned) -> tuple[str, ...]:
    """The ledger's identities of what a thing's key can mean, in the order of their group; empty
    for a name.
    """
    if not key.key.startswith(_THING):
        return ()
    scope, kind, id_ = key.key.removeprefix(_THING).split(_SEPARATOR)
    identity = Identity(key.source_type, scope, kind, id_)
    return tuple(document_id(one, key.store_id) for one in group_of(identity) or (identity,))


def is_within(bound_by: str | None, scope: str) -> bool:
    """Whether a `bind_key` is that of a thing of a scope."""
    return bound_by is not None and bound_by.startswith(f"{_THING}{scope}{_SEPARATOR}")


def _key_of(identity: Identity) -> str | None:
    """None where an id is none that a key can be made of: too long, or with a character in it that
    no id has.
    """
    first = next(iter(_kinds_of(identity)), identity.kind)
    parts = (identity.scope, first, identity.id)
    key = _THING + _SEPARATOR.join(parts)
    fits = len(key) <= KEY_CHARS and key.count(_SEPARATOR) == len(parts) - 1 and clean(key) == key
    return key if fits else None
