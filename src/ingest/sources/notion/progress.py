"""How far a listing of Notion's has come: what its cursor holds, and what it leaves when it ends.

Law: a cursor is plain JSON and bounded (ids, no texts); one that this version cannot read is as
good as none, and the listing begins anew. Performs no I/O.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from ingest.core.times import iso, parse_time
from ingest.core.values import JSON
from ingest.sources.wire import at, items, mapping, text

_FORM = 1
_SHORT = 8
"""Bytes of an id's digest: of a million ids two are alike once in thirty million listings."""

MOST_SEEN = 100_000

Task = list[JSON]
"""A thing to be done, by its name, and what for: `["page", id]`."""


def short(id_: str) -> bytes:
    """A digest of an id: newer ids of one workspace begin alike."""
    return blake2b(id_.encode(), digest_size=_SHORT).digest()


@dataclass(slots=True)
class Seen:
    """Which ids were met, in eight bytes each."""

    _met: set[bytes] = field(default_factory=set)

    def add(self, id_: str) -> bool:
        """Whether it was not met before. Those that are too many are met for the first time again:
        that costs requests, and nothing is left out by it.
        """
        is_new = id_ not in self
        if is_new and len(self._met) < MOST_SEEN:
            self._met.add(short(id_))
        return is_new

    def __contains__(self, id_: str) -> bool:
        return short(id_) in self._met

    def told(self) -> str:
        """As a text."""
        return b64encode(b"".join(sorted(self._met))).decode()

    @classmethod
    def read(cls, told: JSON) -> Seen:
        """Out of the text; raises `ValueError` for another one."""
        raw = b64decode(text(told) or "", validate=True)
        return cls({raw[at : at + _SHORT] for at in range(0, len(raw), _SHORT)})


@dataclass(slots=True)
class Edge:
    """The last minute that a list by `created_time` has told, and the ids of it (their digests).

    From there it is begun again where it ends early, and what is known of that minute is left out.
    """

    at: str = ""
    ids: Seen = field(default_factory=Seen)

    def passes(self, id_: str, created: str) -> bool:
        """Whether this row was not told yet."""
        if created != self.at:
            self.at, self.ids = created, Seen()
        return self.ids.add(id_)


@dataclass(slots=True)
class Progress:
    """One listing, from its first page to its last.

    began: when its first request left. lists: those that are left to read, the first of them under
    way. following: Notion's cursor within that. is_cut: Notion says that it ends too early.
    work: how many of a hundred of its last answer's items gave something to do. restarts: how often
    it was begun again. found: whether anything was there. heard: whether comments of anything were
    shown. pending: what was met and is left to be
    done, the next one last. later: (kind, id) of what stands in pages, done when all lists are
    read, since those may name it too. seen: what was met. edge: see there. place: the page or
    database whose blocks are walked, as kind, id and its database. tables: how many were met.
    known: digests of pages by their ids, for the next listing.
    """

    began: datetime
    lists: list[Task]
    following: str | None = None
    is_cut: bool = False
    work: int = 100
    restarts: int = 0
    found: bool = False
    heard: bool = False
    pending: list[Task] = field(default_factory=list)
    later: list[tuple[str, str]] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    edge: Edge = field(default_factory=Edge)
    place: Task = field(default_factory=list)
    tables: int = 0
    known: dict[str, str] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return not (self.pending or self.lists or self.later)

    def end_list(self) -> None:
        """The list under way is read; what is kept of it does not count for the next one."""
        del self.lists[0]
        self.following, self.is_cut, self.work = None, False, 100
        self.restarts, self.edge = 0, Edge()

    def begin_again(self, *change: JSON) -> None:
        """The list under way, from its beginning, or as it is changed to."""
        self.lists[0] = [*self.lists[0][:1], *change] if change else self.lists[0]
        self.following, self.is_cut, self.restarts = None, False, self.restarts + 1

    def give_up(self) -> None:
        """Nothing more is asked for."""
        self.lists, self.pending, self.later = [], [], []

    def told(self) -> dict[str, JSON]:
        """The cursor."""
        lists: list[JSON] = [*self.lists]
        pending: list[JSON] = [*self.pending]
        return {
            "form": _FORM,
            "began": iso(self.began),
            "lists": lists,
            "following": self.following,
            "is_cut": self.is_cut,
            "work": self.work,
            "restarts": self.restarts,
            "found": self.found,
            "heard": self.heard,
            "pending": pending,
            "later": [[kind, id_] for kind, id_ in self.later],
            "seen": self.seen.told(),
            "edge": [self.edge.at, self.edge.ids.told()],
            "place": self.place,
            "tables": self.tables,
            "known": {**self.known},
        }

    @classmethod
    def read(cls, told: JSON) -> Progress | None:
        """Out of the cursor; None where it is none of ours."""
        if at(told, "form") != _FORM:
            return None
        try:
            edge_at, edge_ids = items(told, "edge")
            return cls(
                began=parse_time(text(told, "began") or ""),
                lists=[*_tasks(told, "lists")],
                following=text(told, "following"),
                is_cut=bool(at(told, "is_cut")),
                work=int(at(told, "work")),
                restarts=int(at(told, "restarts")),
                found=bool(at(told, "found")),
                heard=bool(at(told, "heard")),
                pending=[*_tasks(told, "pending")],
                later=[(str(kind), str(id_)) for kind, id_ in _tasks(told, "later")],
                seen=Seen.read(at(told, "seen")),
                edge=Edge(str(edge_at), Seen.read(edge_ids)),
                place=items(told, "place"),
                tables=int(at(told, "tables")),
                known={id_: str(said) for id_, said in mapping(told, "known").items()},
            )
        except (ValueError, TypeError):
            return None


def _tasks(told: JSON, name: str) -> Iterator[Task]:
    return ([*task] for task in items(told, name) if isinstance(task, list) and task)


def listed_before(kept: JSON, made_by: str) -> dict[str, str]:
    """The digests that the listing before left, where what it told still counts."""
    same = text(kept, "made_by") == made_by or not made_by
    return {id_: str(said) for id_, said in mapping(kept, "known").items()} if same else {}


def kept_of(progress: Progress, made_by: str) -> dict[str, JSON]:
    """What a listing leaves for the next one."""
    return {"made_by": made_by, "known": {**progress.known}}
