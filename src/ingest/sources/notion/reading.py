"""One look-up's way through Notion's API: lists to their end, blocks within blocks, parents upward.

Law: bounded in requests, in bytes and in depth; what is read first is read whole, so that a page
that is too long is cut at the same place each time. Every GET of it is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ingest.core.errors import (
    BadPayload,
    BudgetSpent,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Response
from ingest.sources.contract import Payload
from ingest.sources.forms import segment
from ingest.sources.http import Api
from ingest.sources.notion.documents import direct_parent
from ingest.sources.notion.ids import dashed
from ingest.sources.wire import at, objects

MOST_REQUESTS = 500
"""Of one look-up: at three a second, the rate that Notion allows, these are three minutes."""
MOST_BYTES = 32 * 2**20
"""Of the lists of one look-up, as they come: thirty thousand blocks of a line, or a few hundred of
the largest, of which each holds 200 KB of text."""
MOST_LEVELS = 30
FORBIDDEN = 403
NOT_FOR_BOTS = 400
"""What Notion answers about a linked database, a block of a kind that it does not show, and the
like: requests for one object have nothing else in them that could be wrong."""
_PAGE, _PROPERTY, _BLOCK = ("a page's id", "a property's id", "a block's id")
_PAGE_SIZE = 100
# Documents of their own, and what Notion says nothing of.
_CLOSED = frozenset({"child_page", "child_database", "link_to_page", "unsupported"})
_MEETINGS = frozenset({"meeting_notes", "transcription"})
_SECTIONS = ("summary_block_id", "notes_block_id", "transcript_block_id")
_CHILD_KINDS = {"child_page": "page", "child_database": "database"}


class WentAway(TransientError):
    """The page was there and its blocks are not: it goes this moment, or was shown too long."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that was read, and the requests and bytes that it took.

    told: what its last answer says of the property that it is of (`property_item`). is_whole: it
    was read to its end.
    """

    items: list[dict[str, JSON]]
    requests: int
    bytes: int
    told: JSON = None
    is_whole: bool = True


Lists = dict[str, Listed]
"""By path."""


@dataclass(slots=True)
class Reading:
    """A look-up's requests, as far as they are one: how many and how much may still come, and what
    was resolved.

    What `lists` holds already is not asked for again, but counted. `parents` are what blocks and
    tables stand in, as far as it was found, `groups` in which database things are. `is_short`: a
    property failed, and was left out. filtered: the connection wants the rows of some databases
    only, so that this has to be found out.
    """

    api: Api
    lists: Lists = field(default_factory=dict)
    left: int = MOST_REQUESTS
    room: int = MOST_BYTES
    is_cut: bool = False
    is_short: bool = False
    parents: dict[str, JSON] = field(default_factory=dict)
    groups: dict[str, str | None] = field(default_factory=dict)
    filtered: bool = False
    _synced: set[str] = field(default_factory=set)

    @property
    def is_spent(self) -> bool:
        """Whether nothing more is asked for."""
        return self.left <= 0 or self.room <= 0

    def own(self, path: str) -> dict[str, JSON] | None:
        """The object that is looked up; None where it is not there.

        Raises `Refused`, and `Absent` for one that is there and not for integrations.
        """
        try:
            return self._object(path)
        except Absent as absent:
            if absent.status == FORBIDDEN:
                raise Refused(f"{absent}: the integration may not read this") from absent
            if absent.status == NOT_FOR_BOTS:
                raise
            return None

    def whole(self, path: str) -> dict[str, JSON] | None:
        """An object beside it; None where it is not there, or not for this integration."""
        try:
            return self._object(path)
        except Absent:
            return None

    def _object(self, path: str) -> dict[str, JSON]:
        self.left -= 1
        found = self.api.get(path).json()
        if not isinstance(found, dict):
            raise BadPayload("$", "not an object")
        return found

    def property(self, page: str, id_: str) -> Listed | None:
        """A property of a page by its own endpoint; None where Notion does not give all of it.

        Ids of properties are told encoded, or not: they are encoded once. What Notion fails to
        reckon now (it gives up on a large rollup) does not keep the page away, nor is it waited for
        twice: see `is_short`.
        """
        if self.is_short:
            return None
        try:
            path = f"pages/{segment(page, _PAGE)}/properties/{segment(unquote(id_), _PROPERTY)}"
            found = self._listed(path)
        except (RateLimited, BudgetSpent, Refused):
            raise
        except TransientError:
            self.is_short = True
            return None
        except (Absent, PermanentError):
            return None
        return found if found.is_whole else None

    def body(self, page: str) -> dict[str, JSON]:
        """The `blocks` of a page, each with the `children` that are shown within it.

        `cut`: there are more. `unread`: Notion does not give them.
        """
        raw: dict[str, JSON] = {}
        try:
            raw["blocks"] = self._blocks(page)
        except Absent as absent:
            if absent.status not in (FORBIDDEN, NOT_FOR_BOTS):
                raise WentAway("the page went away while it was read") from absent
            raw["unread"] = True
        except BadPayload:
            raise
        except PermanentError:
            raw["unread"] = True
        raw["cut"] = self.is_cut
        return raw

    def _blocks(self, id_: str, level: int = 0) -> list[JSON]:
        found: list[JSON] = []
        for told in self._list(f"blocks/{segment(id_, _BLOCK)}/children"):
            block = dict(told)
            self._fill(block, level + 1)
            found.append(block)
        return found

    def _fill(self, block: dict[str, JSON], level: int) -> None:
        """The children of a block; where Notion does not give them, it is marked `unread`."""
        sources = list(self._sources(block))
        if not sources:
            return
        if level >= MOST_LEVELS or self.is_spent:
            self.is_cut = True
            return
        children: list[JSON] = []
        for id_ in sources:
            try:
                children += self._blocks(id_, level)
            except BadPayload:
                raise
            except (Absent, PermanentError):
                # A 400 says that a type of block is not for integrations.
                block["unread"] = True
        block["children"] = children

    def _sources(self, block: dict[str, JSON]) -> Iterator[str]:
        """The ids of the blocks whose children stand within this one."""
        if block.get("type") == "synced_block":
            yield from self._original(block, dashed(block.get("id")))
        else:
            yield from inside(block)

    def _original(self, block: dict[str, JSON], own: str | None) -> Iterator[str]:
        """A synced block says what its original says; each original is read once."""
        copied = dashed(at(block, "synced_block", "synced_from", "block_id"))
        original = copied or own
        if original is None or original in self._synced:
            return
        self._synced.add(original)
        if copied is not None:
            block["synced_page"] = at(self.parent({"block_id": copied}), "id")
        yield original

    def parent(self, told: JSON) -> JSON:
        """The page or database that a `parent` stands in, as {"type", "id"}.

        None for the workspace, and where the way up leaves what is shared.
        """
        passed: list[str] = []
        found: JSON = None
        while self.left > 0 and len(passed) < MOST_LEVELS:
            place = direct_parent(told)
            if place is not None:
                found = {"type": place[0], "id": place[1]}
                break
            above = dashed(at(told, "block_id")) or dashed(at(told, "data_source_id"))
            if above is None or above in passed:
                break
            if above in self.parents:
                found = self.parents[above]
                break
            passed.append(above)
            kind = "blocks" if at(told, "block_id") else "data_sources"
            object_ = self.whole(f"{kind}/{above}")
            child = _CHILD_KINDS.get(str(at(object_, "type")))
            if kind == "blocks" and child is not None:
                found = {"type": child, "id": above}
                break
            told = at(object_, "parent")
        self.parents.update(dict.fromkeys(passed, found))
        return found

    def _list(self, path: str) -> list[dict[str, JSON]]:
        """The objects of a list, of all its pages."""
        return self._listed(path).items

    def _listed(self, path: str) -> Listed:
        known = self.lists.get(path)
        if known is not None:
            self.left -= known.requests
            self.room -= known.bytes
            return known
        left, room = self.left, self.room
        items, told, is_whole = self._read(path)
        found = Listed(items, left - self.left, room - self.room, told, is_whole)
        if is_whole:
            self.lists[path] = found
        self.is_cut = self.is_cut or not is_whole
        return found

    def _part(self, path: str, params: Mapping[str, str | int | list[str]]) -> Response:
        try:
            return self.api.get(path, params=params)
        except Absent as absent:
            if absent.status == NOT_FOR_BOTS and "start_cursor" in params:
                raise TransientError("Notion does not know its own cursor any more") from absent
            raise

    def _read(self, path: str) -> tuple[list[dict[str, JSON]], JSON, bool]:
        """The objects, what is told of a property, and whether that is all: a list that has more
        and does not say where is as little whole as one that is too long.
        """
        items: list[dict[str, JSON]] = []
        params: dict[str, str | int | list[str]] = {"page_size": _PAGE_SIZE}
        told: JSON = None
        while not self.is_spent:
            self.left -= 1
            response = self._part(path, params)
            self.room -= len(response.body)
            answer = response.json()
            if at(answer, "object") == "property_item":  # one whose value is no list
                return [], answer, True
            if not isinstance(at(answer, "results"), list):
                raise BadPayload("results", "not a list")
            items += (dict(item) for item in objects(answer, "results"))
            told = at(answer, "property_item")
            if at(answer, "has_more") is not True:
                return items, told, True
            following = at(answer, "next_cursor")
            if not following or following == params.get("start_cursor"):
                break
            params["start_cursor"] = str(following)
        return items, told, False


def inside(block: Payload) -> Iterator[str]:
    """The ids of the blocks whose children stand within this one, but for what it copies."""
    type_, own = str(block.get("type")), dashed(block.get("id"))
    if type_ in _MEETINGS:
        for name in _SECTIONS:
            section = dashed(at(block, type_, "children", name))
            if section is not None:
                yield section
    if type_ not in _CLOSED and block.get("has_children") is True and own is not None:
        yield own


def child(block: Payload) -> tuple[str, str] | None:
    """(kind, id) of the page or the database that a block stands for."""
    kind, id_ = _CHILD_KINDS.get(str(block.get("type"))), dashed(block.get("id"))
    return (kind, id_) if kind is not None and id_ is not None else None
