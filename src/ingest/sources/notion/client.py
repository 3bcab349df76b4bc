"""Notion's API for one connection: what a look-up of a page, a database or a comment reads.

Law: a missing object is gone only where its parent is proven readable, for Notion answers 404 to
what is destroyed and to what is not shared any more alike. Only the object itself and the bot can
refuse the token: what is not let in beside them is as good as not there. Source: the types of
`@notionhq/client`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingest.core.errors import BudgetSpent, PermanentError, RateLimited
from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent, Rules
from ingest.sources.contract import Lookup, Payload, Sight
from ingest.sources.http import Api
from ingest.sources.listing import Page, PageRequest
from ingest.sources.notion.descriptor import chosen_databases
from ingest.sources.notion.documents import TOLD_DELETED, UNSEEN
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.limits import wait_s
from ingest.sources.notion.lists import list_page
from ingest.sources.notion.reading import FORBIDDEN, MOST_BYTES, NOT_FOR_BOTS, Lists, Reading
from ingest.sources.notion.reads import bot_of, group_at, whole_database, whole_page
from ingest.sources.wire import at, mapping, text

VERSION = "2025-09-03"
"""…/reference/versioning: every request names one; answers of a later one are read as well."""

# …/reference/status-codes: 409 is a clash with another edit. 529 stands among the 5xx.
_RULES = Rules(
    wait_s=wait_s,
    refused=frozenset({401}),
    absent=frozenset({NOT_FOR_BOTS, FORBIDDEN, 404, 410}),
    later=frozenset({408, 409, 425}),
)
_PREFIX = "/v1"
_PARENTS: Mapping[str, str] = {
    "page": "pages",
    "database": "databases",
    "data_source": "data_sources",
    "block": "blocks",
}
IN_THE_TRASH = "its page lies in the trash, so that it stays with that as it is"
OUT_OF_SIGHT = "the integration does not see what became of it, so it stays as it is"
_MOST_BEGUN = 32
_SETTLED = timedelta(minutes=3)


def connect(access: Access) -> NotionClient:
    """A client for one connection; the base URL may or may not end in the API's prefix."""
    base = access.base_url.rstrip("/").removesuffix(_PREFIX)
    headers = {"authorization": f"Bearer {access.token}", "notion-version": VERSION}
    api = Api(
        "Notion",
        base + _PREFIX,
        access.now,
        headers,
        _RULES,
        resolve=access.resolve,
        mask=access.mask,
    )
    return NotionClient(api, chosen_databases(access.metadata) is not None)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A page as it was, and what of it was read until Notion wanted to be left alone."""

    page: dict[str, JSON]
    lists: Lists

    @property
    def size(self) -> int:
        """Bytes of answers."""
        return sum(listed.bytes for listed in self.lists.values())


@dataclass(frozen=True, slots=True)
class NotionClient:
    """See `contract.Client`. `filtered`: the connection wants the rows of some databases only.

    `begun` are pages that a limit interrupted, by id.
    """

    api: Api = field(repr=False)
    filtered: bool = False
    begun: dict[str, _Begun] = field(default_factory=dict, repr=False)

    def fetch_one(self, lookup: Lookup) -> Sight:
        """A page with its blocks, a database with its tables, a comment with its page."""
        look_up = _LOOK_UPS.get(lookup.identity.kind)
        if look_up is None:
            raise PermanentError(f"Notion has no look-up of a {lookup.identity.kind}")
        if dashed(lookup.identity.id) is None:
            raise PermanentError("what is looked up at Notion has a UUID")
        try:
            return look_up(self, lookup)
        except Absent:  # there it is, but it is not for integrations
            bot_of(self.api)
            return Sight(UNSEEN, remark=OUT_OF_SIGHT)

    def list_page(self, request: PageRequest) -> Page:
        """A page of the pages and databases, or of the comments; see `listing.Lists`."""
        return list_page(self.api, request)

    def check(self) -> str:
        """The bot that the token is, and its workspace."""
        bot = bot_of(self.api)
        name = text(bot, "name") or "the integration"
        workspace = text(bot, "bot", "workspace_name")
        return f"{name} of {workspace}" if workspace else name

    def close(self) -> None:
        """Let go of open connections."""
        self.api.close()


def _page(client: NotionClient, lookup: Lookup) -> Sight:
    """Where a limit interrupts it, the next look-up goes on from there, or a page of more blocks
    than a limit lets through would be begun again for ever.
    """
    id_, began_at = lookup.identity.id, client.api.now()
    begun = client.begun.pop(id_, None)
    page = begun.page if begun else Reading(client.api).own(f"pages/{id_}")
    if page is None:
        return _gone(client, lookup)
    lists = begun.lists if begun else {}
    reading = Reading(client.api, lists, filtered=client.filtered)
    try:
        raw = whole_page(reading, page)
        now = reading.own(f"pages/{id_}") if begun else page
    except (RateLimited, BudgetSpent):
        if begun or _is_settled(page, began_at):
            _keep(client, id_, _Begun(page, reading.lists))
        raise
    if _edited(now) != _edited(page):
        return _page(client, lookup)
    return Sight(raw)


def _keep(client: NotionClient, id_: str, begun: _Begun) -> None:
    """All that is kept holds no more than one page may; else the others begin again."""
    held = sum(one.size for one in client.begun.values()) + begun.size
    if len(client.begun) >= _MOST_BEGUN or held > MOST_BYTES:
        client.begun.clear()
    client.begun[id_] = begun


def _edited(page: JSON) -> tuple[JSON, JSON]:
    return at(page, "last_edited_time"), at(page, "in_trash")


def _is_settled(page: Payload, began_at: datetime) -> bool:
    """Whether any edit since would show: `last_edited_time` is rounded down to its minute."""
    try:
        edited_at = parse_time(text(page, "last_edited_time") or "")
    except ValueError:
        return False
    return began_at - edited_at > _SETTLED


def _database(client: NotionClient, lookup: Lookup) -> Sight:
    reading = Reading(client.api)
    database = reading.own(f"databases/{lookup.identity.id}")
    if database is None:
        return _gone(client, lookup)
    return Sight(whole_database(reading, database))


def _comment(client: NotionClient, lookup: Lookup) -> Sight:
    reading = Reading(client.api)
    comment = reading.own(f"comments/{lookup.identity.id}")
    if comment is None:
        return _gone(client, lookup)
    # The block that it is written on may be gone; the event named its page.
    page = dashed(lookup.hint.get("page"))
    known: JSON = {"type": "page", "id": page} if page else None
    raw: dict[str, JSON] = {
        "comment": comment,
        "parent": reading.parent(comment.get("parent")) or known,
    }
    if client.filtered:
        raw["group"] = group_at(reading, raw["parent"])
    return Sight(raw)


def _data_source(client: NotionClient, lookup: Lookup) -> Sight:
    """Which database it is a table of; older subscriptions name the database itself."""
    reading = Reading(client.api)
    source = reading.own(f"data_sources/{lookup.identity.id}")
    if source is not None:
        return Sight({"database_id": at(source, "parent", "database_id")})
    database = reading.own(f"databases/{lookup.identity.id}")
    return _gone(client, lookup) if database is None else Sight({"database_id": lookup.identity.id})


def _gone(client: NotionClient, lookup: Lookup) -> Sight:
    """Nothing, if the last known parent can be read; without one that is the workspace.

    Where the parent is out of sight too, nobody can tell what became of the object: it is left as
    it is. That is no fault: single pages are shared without what they stand in, no retry mends it,
    and the token is good as long as its bot is known. So neither the delivery nor the connection
    suffers for it. Nor can anybody tell of a comment whose page lies in the trash,
    unless an event told its end.
    """
    parent = _hinted_parent(lookup.hint)
    path = _PARENTS.get(str(parent.get("type")))
    id_ = dashed(parent.get("id"))
    if path and id_:
        found = Reading(client.api).whole(f"{path}/{id_}")
        if found is None:
            bot_of(client.api)
            return Sight(UNSEEN, remark=OUT_OF_SIGHT)
        may_come_back = lookup.identity.kind == "comment" and not lookup.hint.get(TOLD_DELETED)
        if may_come_back and _is_in_trash(found):
            return Sight(UNSEEN, remark=IN_THE_TRASH)
    else:
        bot_of(client.api)
    return Sight(None)


def _is_in_trash(told: Payload) -> bool:
    """`archived` is the older name of `in_trash`."""
    return told.get("in_trash", told.get("archived")) is True


def _hinted_parent(hint: Payload) -> Payload:
    """A comment's own parent may be a block; the page that it is on proves as much."""
    page = dashed(hint.get("page"))
    return {"type": "page", "id": page} if page else mapping(hint, "parent")


_LOOK_UPS: Mapping[str, Callable[[NotionClient, Lookup], Sight]] = {
    "page": _page,
    "database": _database,
    "comment": _comment,
    "data_source": _data_source,
}
