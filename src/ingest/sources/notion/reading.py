"""One look-up's way through Notion's API: lists to their end, blocks within blocks, parents upward.

Law: bounded in requests, in bytes and in depth; what is read first is read whole, so that a page
that is too long is cut at the same place each time. Every GET of it is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ingest.core.errors import BadPayload, PermanentError, Refused, TransientError
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Response
from ingest.sources.contract import Payload
from ingest.sources.forms import segment
from ingest.sources.http import Api
from ingest.sources.notion.documents import direct_parent
from ingest.sources.notion.ids import dashed
from ingest.sources.wire import at, mapping, objects

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
_CUT_LISTS = 25
"""…/reference/retrieve-a-page: a page's own answer holds no more items of a property."""
_LISTED = frozenset({"title", "rich_text", "relation", "people"})
# Documents of their own, and what Notion says nothing of.
_CLOSED = frozenset({"child_page", "child_database", "link_to_page", "unsupported"})
_MEETINGS = frozenset({"meeting_notes", "transcription"})
_SECTIONS = ("summary_block_id", "notes_block_id", "transcript_block_id")
_CHILD_KINDS = {"child_page": "page", "child_database": "database"}


class WentAway(TransientError):
    """The page was there and its blocks are not: it goes this moment, or was shown too long."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that was read to its end, and the requests and bytes that it took."""

    items: list[dict[str, JSON]]
    requests: int
    bytes: int


Lists = dict[str, Listed]
"""By path."""


@dataclass(slots=True)
class Reading:
    """A look-up's requests, as far as they are one: how many and how much may still come, and what
    was resolved.

    What `lists` holds already is not asked for again, but counted. `parents` are what blocks and
    tables stand in, as far as it was found.
    """

    api: Api
    lists: Lists = field(default_factory=dict)
    left: int = MOST_REQUESTS
    room: int = MOST_BYTES
    is_cut: bool = False
    parents: dict[str, JSON] = field(default_factory=dict)
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

    def complete(self, page: dict[str, JSON]) -> None:
        """Fill in the properties whose lists the page's own answer cuts."""
        for told in mapping(page, "properties").values():
            type_ = str(at(told, "type"))
            items = at(told, type_)
            if type_ not in _LISTED or not isinstance(told, dict) or not isinstance(items, list):
                continue
            if told.get("has_more") is True or len(items) >= _CUT_LISTS:
                found = self._property(str(page.get("id")), str(told.get("id")), type_)
                told[type_] = found if len(found) >= len(items) else items

    def _property(self, page: str, id_: str, type_: str) -> list[JSON]:
        """Ids of properties are told encoded, or not: they are encoded once."""
        try:
            path = f"pages/{segment(page, _PAGE)}/properties/{segment(unquote(id_), _PROPERTY)}"
            return [item.get(type_) for item in self._list(path)]
        except (Absent, PermanentError):
            return []

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
        if path not in self.lists:
            left, room = self.left, self.room
            found = [dict(item) for item in self._pages(path)]
            if not self.is_cut:
                self.lists[path] = Listed(found, left - self.left, room - self.room)
            return found
        known = self.lists[path]
        self.left -= known.requests
        self.room -= known.bytes
        return known.items

    def _part(self, path: str, params: Mapping[str, str | int | list[str]]) -> Response:
        try:
            return self.api.get(path, params=params)
        except Absent as absent:
            if absent.status == NOT_FOR_BOTS and "start_cursor" in params:
                raise TransientError("Notion does not know its own cursor any more") from absent
            raise

    def _pages(self, path: str) -> Iterator[Payload]:
        params: dict[str, str | int | list[str]] = {"page_size": _PAGE_SIZE}
        while True:
            if self.is_spent:
                self.is_cut = True
                return
            self.left -= 1
            told = self._part(path, params)
            self.room -= len(told.body)
            answer = told.json()
            if not isinstance(at(answer, "results"), list):
                raise BadPayload("results", "not a list")
            yield from objects(answer, "results")
            following = at(answer, "next_cursor")
            known = params.get("start_cursor")
            if at(answer, "has_more") is not True or not following or following == known:
                return
            params["start_cursor"] = str(following)


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
