"""What a workspace holds, in the orders in which Notion lists it; built when it is asked for.

Law: a cursor stands between two objects, so that what moves elsewhere takes nobody's place.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ingest.sources.notion.demo.shapes import Object

Key = tuple[str, str]
"""A time and an id."""


@dataclass(slots=True)
class Orders:
    """Of pages and tables by their last edit, those in the trash apart; of rows by their creation,
    by table; of comments by their creation, by what they are written on.
    """

    searched: dict[tuple[str, bool], list[Key]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))
    comments: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))


def orders_of(
    pages: Mapping[str, Object],
    sources: Mapping[str, Object],
    comments: Mapping[str, Object],
    trashed: Trashed,
) -> Orders:
    """The orders of all that is there, whoever may see it."""
    made = Orders()
    for id_, page in pages.items():
        made.searched["page", trashed(page)].append((page["last_edited_time"], id_))
        table = page["parent"].get("data_source_id")
        if table is not None and not trashed(page):
            made.rows[table].append((page["created_time"], id_))
    for id_, source in sources.items():
        made.searched["data_source", trashed(source)].append((source["last_edited_time"], id_))
    for id_, comment in comments.items():
        parent = comment["parent"]
        made.comments[parent[parent["type"]]].append((comment["created_time"], id_))
    kept = (made.searched.values(), made.rows.values(), made.comments.values())
    for keys in chain(*kept):
        keys.sort()
    return made


@dataclass(slots=True)
class Trashed:
    """Whether an object is in the trash, by itself or with what it stands in."""

    above: Mapping[str, Object]
    stamp: tuple[int, ...] = ()
    _known: dict[str, bool] = field(default_factory=dict)

    def __call__(self, told: Object) -> bool:
        passed: list[str] = []
        found, one = False, told
        for _ in range(100):
            if one["in_trash"]:
                found = True
                break
            parent = one.get("parent", {})
            id_ = parent.get("database_id") or parent.get("page_id") or parent.get("block_id")
            if id_ is None or id_ not in self.above:
                break
            if id_ in self._known:
                found = self._known[id_]
                break
            passed.append(id_)
            one = self.above[id_]
        self._known.update(dict.fromkeys(passed, found))
        return found


def after(keys: Sequence[Key], start: Key | None, *, descending: bool) -> Iterator[Key]:
    """The keys behind a cursor, in either direction."""
    if descending:
        place = len(keys) if start is None else bisect_left(keys, start)
        return (keys[at] for at in range(place - 1, -1, -1))
    place = 0 if start is None else bisect_right(keys, start)
    return (keys[at] for at in range(place, len(keys)))
