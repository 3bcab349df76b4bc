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
from ingest.flows.documents.renaming import is_renaming, names_noted, rename_step, tell_names
from ingest.flows.documents.shown import show_anew
from ingest.store import binding
from ingest.store.binding import Noted, Owned
from ingest.store.engine import BadRow, transaction

log = structlog.get_logger(__name__)

ATTEMPTS = 5
"""Of one binding, before it is left to the beat."""
STEPS_AT_ONCE = 10
"""Of one renaming, by the worker that heard of it, before the rest is left to the beat."""

T = TypeVar("T")


def note_keys(
    conn: sa.Connection, keys: Collection[Owned], names: Sequence[ToldNames] = ()
) -> Noted | None:
    """Note, in the transaction that moves these keys, that they are to be bound after it, and what
    it tells of names.

    The caller commits, then gives the note to `bind`. None where there is nothing to note.
    """
    if not keys and not names:
        return None
    told = [_told(key) for key in sorted(_merged(keys), key=_place)]
    return binding.note(conn, {"keys": told, "names": [names_noted(one) for one in names]})


def bind(engine: sa.Engine, noted: Noted | None) -> None:
    """Do what is noted: point every reference to these keys at its owner, and have documents called
    by a name that is new; never raises.

    After the commit that noted it, in transactions of its own; None does nothing. What cannot
    be done now is logged and stays noted, for `bind_pending`; so does what is more than some steps.
    """
    renaming = [] if noted is None else _patiently(engine, partial(_bind, notes=[noted]))
    for _ in range(STEPS_AT_ONCE):
        done = _patiently(engine, partial(_rename, notes=renaming)) if renaming else None
        if done is None:
            return
        keys, renaming = done
        _patiently(engine, partial(_bind, notes=keys))


def bind_pending(engine: sa.Engine) -> None:
    """Do what is still noted, as dead workers left it; never raises.

    In steps, each a transaction, until nothing is noted or a step fails.
    """
    while _patiently(engine, _bind_some):
        pass


def _bind_some(conn: sa.Connection) -> bool:
    """Some notes; whether there were any. An older version of the program notes in its own form."""
    notes, older = binding.pending(conn), binding.older(conn)
    _rename(conn, [one for one in notes if is_renaming(one)])
    _bind(conn, [one for one in notes if not is_renaming(one)], [named(*key) for key in older])
    return bool(notes or older)


def _bind(
    conn: sa.Connection, notes: Sequence[Noted], further: Collection[Owned] = ()
) -> list[Noted]:
    """Bind what is noted; the notes of renamings that follow from it."""
    renaming = tell_names(conn, [names for one in notes for names in one.note.get("names", ())])
    keys = [*further, *(_read(key) for one in notes for key in one.note["keys"])]
    every = [replace(key, members=members(key)) for key in _merged(keys)]
    show_anew(conn, binding.bind(conn, every))
    binding.done(conn, notes)
    return renaming


def _rename(conn: sa.Connection, notes: Sequence[Noted]) -> tuple[list[Noted], list[Noted]]:
    """A step of each renaming: the notes of the keys that it moved, and of what is left of it."""
    keys: list[Noted] = []
    left: list[Noted] = []
    for one in notes:
        step = rename_step(conn, one)
        noted = note_keys(conn, step.keys)
        keys += [noted] if noted is not None else []
        left += [binding.note(conn, step.left)] if step.left is not None else []
    binding.done(conn, notes)
    return keys, left


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
