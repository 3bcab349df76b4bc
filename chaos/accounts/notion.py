"""Notion: pages with comments, written, moved below one another, thrown away and restored.

The shapes are those of Notion's webhook payloads: they say that something changed, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chaos.accounts import linear
from chaos.accounts.account import Drawn, issue_of_linear, millisecond, named, says, second
from chaos.told import Gone, Happened, Letter, There, Thing
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import WORKSPACE, block, in_page, rich

SOURCE = "notion"
_MOST_BELOW = 3
"""Pages that stand in one another."""


@dataclass(slots=True)
class NotionAccount:
    """One workspace. pages, comments: the last word of each that was ever made, by id.

    trash: ids of pages that somebody threw away himself.
    """

    drawn: Drawn
    provider: Notion = field(default_factory=lambda: Notion(page_size=50))
    pages: dict[str, There] = field(default_factory=dict)
    comments: dict[str, There] = field(default_factory=dict)
    trash: set[str] = field(default_factory=set)
    source_type: str = SOURCE

    @property
    def metadata(self) -> Mapping[str, Any]:
        """See `Account`."""
        return {
            "type": SOURCE,
            "notionWorkspaceId": self._id("workspace"),
            "notionWorkspaceName": "Brindle Ferries",
            "databaseIds": [],
            "webhookId": self._id("subscription"),
        }

    def happens(self) -> Happened:
        """See `Account`."""
        return self.drawn.turn(
            (
                (5, self._create),
                (6, self._edit),
                (2, self._move),
                (1, self._throw_away),
                (1, self._restore),
                (3, self._comment),
                (1, self._edit_comment),
                (1, self._delete_comment),
            )
        )

    def _create(self) -> Happened:
        id_, text, key = (
            self._id(f"page/{self.drawn.next('page')}"),
            self.drawn.text(),
            self._other(),
        )
        title, said = f"Post-mortem {text}", says(text, key)
        self.provider.put_page(id_, title, at=second(), blocks=[block("paragraph", rich(said))])
        fact = There(_page(id_), id_, (title, said), links=named(linear.SOURCE, key))
        return self._told("page.created", fact)

    def _edit(self) -> Happened | None:
        fact = self._any_page()
        if fact is None:
            return None
        text, key = self.drawn.text(), self._other()
        title, said = f"Post-mortem {text}", says(text, key)
        blocks = [block("paragraph", rich(said))]
        self.provider.edit_page(fact.key, at=second(), title=title, blocks=blocks)
        links = named(linear.SOURCE, key)
        edited = replace(fact, words=(title, said), unsaid=fact.words, links=links)
        return self._told("page.content_updated", edited)

    def _move(self) -> Happened | None:
        """Below another page, or to the top; never below itself."""
        fact, below = self._any_page(), self._any_page()
        if fact is None or below is None:
            return None
        to_top = self.drawn.chance.random() < 0.3
        if not to_top and (fact.thing in self._line(below) or len(self._line(below)) > _MOST_BELOW):
            return None
        parent = WORKSPACE if to_top else in_page(below.key)
        self.provider.move(fact.key, parent, at=second())
        return self._told("page.moved", replace(fact, parent=None if to_top else below.thing))

    def _throw_away(self) -> Happened | None:
        fact = self._any_page()
        if fact is None:
            return None
        self.trash.add(fact.key)
        self.provider.trash(fact.key, at=second())
        letter = self._letter("page.deleted", fact.key, fact)
        return Happened((letter,), (Gone(fact.thing),))

    def _restore(self) -> Happened | None:
        """One that nothing above it hides."""
        found = [
            self.pages[id_]
            for id_ in sorted(self.trash)
            if not any(above[2] in self.trash for above in self._line(self.pages[id_])[1:])
        ]
        if not found:
            return None
        fact = self.drawn.chance.choice(found)
        self.trash.remove(fact.key)
        self.provider.restore(fact.key, at=second())
        return self._told("page.undeleted", fact)

    def _comment(self) -> Happened | None:
        page = self._any_page()
        if page is None:
            return None
        id_, text, key = (
            self._id(f"comment/{self.drawn.next('comment')}"),
            self.drawn.text(),
            self._other(),
        )
        said = says(text, key)
        self.provider.put_comment(id_, in_page(page.key), rich(said), at=second())
        links = named(linear.SOURCE, key)
        fact = There((SOURCE, "comment", id_), id_, (said,), parent=page.thing, links=links)
        return self._remark("comment.created", fact)

    def _edit_comment(self) -> Happened | None:
        fact = self._any_comment()
        if fact is None:
            return None
        text, key = self.drawn.text(), self._other()
        said, links = says(text, key), named(linear.SOURCE, key)
        self.provider.edit_comment(fact.key, rich(said), at=second())
        edited = replace(fact, words=(said,), unsaid=fact.words, links=links)
        return self._remark("comment.updated", edited)

    def _delete_comment(self) -> Happened | None:
        fact = self._any_comment()
        if fact is None:
            return None
        del self.comments[fact.key]
        self.provider.destroy(fact.key)
        letter = self._letter("comment.deleted", fact.key, fact)
        return Happened((letter,), (Gone(fact.thing),))

    def _any_page(self) -> There | None:
        """One that stands there."""
        found = [one for one in self.pages.values() if self._stands(one)]
        return self.drawn.chance.choice(found) if found else None

    def _any_comment(self) -> There | None:
        found = [
            one
            for one in self.comments.values()
            if one.parent is not None and self._stands(self.pages[one.parent[2]])
        ]
        return self.drawn.chance.choice(found) if found else None

    def _stands(self, page: There) -> bool:
        return not any(thing[2] in self.trash for thing in self._line(page))

    def _line(self, page: There) -> list[Thing]:
        """The page and all that it stands in."""
        line = [page.thing]
        while page.parent is not None:
            page = self.pages[page.parent[2]]
            line.append(page.thing)
        return line

    def _told(self, type_: str, fact: There) -> Happened:
        self.pages[fact.key] = fact
        return Happened((self._letter(type_, fact.key, fact),), (fact,))

    def _remark(self, type_: str, fact: There) -> Happened:
        self.comments[fact.key] = fact
        return Happened((self._letter(type_, fact.key, fact),), (fact,))

    def _letter(self, type_: str, id_: str, of: There) -> Letter:
        key = self._id(f"event/{self.drawn.next('delivery')}")
        space = {"id": self._id("workspace"), "type": "space"}
        above = {"id": of.parent[2], "type": "page"} if of.parent else space
        payload = {
            "id": key,
            "timestamp": millisecond(),
            "workspace_id": self._id("workspace"),
            "workspace_name": "Brindle Ferries",
            "subscription_id": self._id("subscription"),
            "integration_id": self._id("integration"),
            "type": type_,
            "authors": [{"id": self._id("user"), "type": "person"}],
            "attempt_number": 1,
            "api_version": "2025-09-03",
            "entity": {"id": id_, "type": type_.partition(".")[0]},
            "data": {
                "parent": above,
                **({"page_id": above["id"]} if type_.startswith("comment.") else {}),
            },
        }
        return Letter(SOURCE, key, {"user-agent": "notion-webhooks/1.0"}, payload)

    def _other(self) -> str:
        return issue_of_linear(self.drawn.chance.randint(1, 40))

    def _id(self, name: str) -> str:
        return self.drawn.uuid(name)


def _page(id_: str) -> Thing:
    return (SOURCE, "page", id_)
