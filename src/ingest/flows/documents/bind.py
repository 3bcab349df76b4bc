"""Binds references to the documents that own their keys: after the commit that moved a key.

Then, of two workers, one with the target and one with the reference, the later sees both. The keys
are noted in the transaction that moves them, so that what a worker that dies in between has left is
bound by the beat (docs/decisions/0004, 0018 and 0028).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from ingest.core.errors import Costly, TransientError
from ingest.core.values import JSON
from ingest.flows.documents.keys import members, named
from ingest.flows.documents.named import ToldNames
from ingest.flows.documents.renaming import names_noted, rename_step, tell_names
from ingest.flows.documents.shown import show_anew
from ingest.flows.documents.turning import Shared, shared_noted, told_twice, turn_over
from ingest.store import binding
from ingest.store.binding import Noted, Owned
from ingest.store.engine import BadRow, transaction

log = structlog.get_logger(__name__)

ATTEMPTS = 5
"""Of one binding, before it is left to the beat."""
STEPS_AT_ONCE = 50
"""By the worker that made the note, some thousand documents; the rest is left to the beat."""

T = TypeVar("T")


def note_keys(
    conn: sa.Connection,
    keys: Collection[Owned],
    *,
    names: Sequence[ToldNames] = (),
    shared: Collection[Shared] = (),
) -> Noted | None:
    """Note, in the transaction that moves these keys, that they are to be bound after it, what it
    tells of names, and which ids it used that several kinds share.

    The caller commits, then gives the note to `bind`. None where there is nothing to note.
    """
    if not (keys or names or shared):
        return None
    told: dict[str, Any] = {"keys": [_told(key) for key in sorted(_merged(keys), key=_place)]}
    if names:
        told["names"] = [names_noted(one) for one in names]
    if shared:
        told["shared"] = [shared_noted(one) for one in sorted(shared, key=str)]
    return binding.note(conn, told)


def bind(engine: sa.Engine, noted: Noted | None) -> None:
    """Do what is noted: point every reference to these keys at its owner, and have documents called
    by a name that is new; never raises.

    After the commit that noted it, in transactions of its own; None does nothing. What cannot
    be done now is logged and stays noted, for `bind_pending`; so does what is more than some steps.
    """
    left = [] if noted is None else [noted]
    for _ in range(STEPS_AT_ONCE):
        if left:
            first, *left = sorted(left, key=is_step)
            left += _patiently(engine, partial(_do, notes=[first])) or []


def bind_pending(engine: sa.Engine) -> None:
    """Do what is still noted, as dead workers left it; never raises.

    In steps, each a transaction, until nothing is noted or a step fails.
    """
    while _patiently(engine, _bind_some):
        pass


def _bind_some(conn: sa.Connection) -> bool:
    """Some notes; whether there were any. An older version of the program notes in its own form."""
    notes, older = binding.pending(conn), binding.older(conn)
    first = [one for one in notes if not is_step(one)]
    if first or older:
        _do(conn, first, [named(*key) for key in older])
    else:
        _do(conn, notes[:1])
    return bool(notes or older)


def is_step(noted: Noted) -> bool:
    """Whether a note is of a step that locks documents to change them: each is a transaction."""
    return "renaming" in noted.note or "turning" in noted.note


def _do(
    conn: sa.Connection, notes: Sequence[Noted], further: Collection[Owned] = ()
) -> list[Noted]:
    """Do what is noted; the notes of what follows from it, which others have to see committed.

    Either notes that are no steps, or a single step.
    """
    told = [one.note for one in notes]
    left = tell_names(conn, [names for one in told for names in one.get("names", ())])
    twice = told_twice(conn, [shared for one in told for shared in one.get("shared", ())])
    left += [binding.note(conn, {"turning": one}) for one in twice]
    for one in told:
        moved = note_keys(conn, _step(conn, one, left))
        left += [] if moved is None else [moved]
    _bind(conn, [*further, *(_read(key) for one in told for key in one.get("keys", ()))])
    binding.done(conn, notes)
    return left


def _step(conn: sa.Connection, told: Mapping[str, Any], left: list[Noted]) -> Collection[Owned]:
    """The keys that a step moves; what is left of it is noted. Of what is no step, none."""
    if "turning" in told:
        return turn_over(conn, told["turning"])
    if "renaming" not in told:
        return ()
    step = rename_step(conn, told)
    left += [] if step.left is None else [binding.note(conn, step.left)]
    return step.keys


def _bind(conn: sa.Connection, keys: Iterable[Owned]) -> None:
    merged = _merged(keys)
    every = [replace(key, members=those) if (those := members(key)) else key for key in merged]
    show_anew(conn, binding.bind(conn, every))


def _merged(keys: Iterable[Owned]) -> list[Owned]:
    """Each key once; it is moved where any word of it says so."""
    found: dict[tuple[str, str, str], Owned] = {}
    for key in keys:
        known = found.setdefault(_place(key), key)
        if key.moved and not known.moved:
            found[_place(key)] = key
    return [*found.values()]


def _place(key: Owned) -> tuple[str, str, str]:
    return key.store_id, key.source_type, key.key


def _told(key: Owned) -> dict[str, JSON]:
    return {
        "store_id": key.store_id,
        "source_type": key.source_type,
        "key": key.key,
        "guarded": key.guarded,
        "moved": key.moved,
    }


def _read(told: Mapping[str, Any]) -> Owned:
    """A key of a note: what another version of the program may have noted beside it is left out."""
    return Owned(told["store_id"], told["source_type"], told["key"], told["guarded"], told["moved"])


def _patiently(engine: sa.Engine, statement: Callable[[sa.Connection], T]) -> T | None:
    """What a statement gives in a transaction of its own; None where it fails all the same.

    A target that goes in the same moment fails it: run again, it finds the next. What is lost then
    is logged, and bound by the beat. What the database gives up for its cost is not run again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction(engine, durable=False) as conn:
                return statement(conn)
        except (BadRow, TransientError) as error:
            if attempt == ATTEMPTS or isinstance(error, Costly):
                log.warning("references_not_bound", error=str(error))
                return None
    return None
