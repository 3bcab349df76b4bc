"""Zendesk: tickets that are answered, solved, deleted and restored; articles that come and go.

The shapes are those of Zendesk's event subscriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chaos.accounts import linear
from chaos.accounts.account import Drawn, issue_of_linear, named, says, second
from chaos.told import Gone, Happened, Letter, There
from ingest.sources.zendesk.demo.fake import Zendesk, make

SOURCE, ACCOUNT = "zendesk", 90400
_PASSENGER, _MARIT, _SECTION = 361000000017, 361000000002, 360000004501
_STATES = ("open", "pending", "solved")


@dataclass(slots=True)
class ZendeskAccount:
    """One account. tickets, deleted, articles, drafts: the last word of each, by number."""

    drawn: Drawn
    provider: Zendesk = field(default_factory=make)
    tickets: dict[int, There] = field(default_factory=dict)
    deleted: dict[int, There] = field(default_factory=dict)
    articles: dict[int, There] = field(default_factory=dict)
    drafts: dict[int, There] = field(default_factory=dict)
    source_type: str = SOURCE
    metadata: Mapping[str, Any] = field(
        default_factory=lambda: {
            "type": SOURCE,
            "zendeskSubdomain": "brindle",
            "zendeskAccountId": str(ACCOUNT),
        }
    )

    def __post_init__(self) -> None:
        self.provider.put_user(_PASSENGER, "Tove Lind")
        self.provider.put_user(_MARIT, "Marit", "agent")
        self.provider.put_section(_SECTION, "At the pier")

    def happens(self) -> Happened:
        """See `Account`."""
        return self.drawn.turn(
            (
                (5, self._create),
                (4, self._answer),
                (3, self._set_state),
                (1, self._delete),
                (1, self._restore),
                (2, self._publish),
                (1, self._unpublish),
                (1, self._publish_again),
            )
        )

    def _create(self) -> Happened:
        id_, text, key = 7_000 + self.drawn.next("ticket"), self.drawn.text(), self._other()
        subject, said = f"The ferry had left, {text}", says(text, key)
        self.provider.put_ticket(id_, subject, said, by=_PASSENGER, at=second(), status="open")
        fact = There(
            (SOURCE, "ticket", str(id_)),
            str(id_),
            (subject, said),
            state=("status", "open"),
            links=named(linear.SOURCE, key),
        )
        return self._ticket("created", id_, fact)

    def _answer(self) -> Happened | None:
        id_ = self._any(self.tickets)
        if id_ is None:
            return None
        text, key = self.drawn.text(), self._other()
        said, fact = says(text, key), self.tickets[id_]
        made = self.provider.add_comment(id_, said, by=_MARIT, at=second())
        comment = {
            "id": str(made["id"]),
            "body": said,
            "is_public": True,
            "author": {"id": str(_MARIT), "is_staff": True, "name": "Marit"},
        }
        links = fact.links | named(linear.SOURCE, key)
        answered = replace(fact, words=(*fact.words, said), links=links)
        return self._ticket("comment_added", id_, answered, comment=comment)

    def _set_state(self) -> Happened | None:
        id_ = self._any(self.tickets)
        if id_ is None:
            return None
        state, fact = self.drawn.chance.choice(_STATES), self.tickets[id_]
        assert fact.state is not None
        self.provider.edit_ticket(id_, at=second(), status=state)
        told = {"current": state.upper(), "previous": fact.state[1].upper()}
        return self._ticket("status_changed", id_, replace(fact, state=("status", state)), **told)

    def _delete(self) -> Happened | None:
        id_ = self._any(self.tickets)
        if id_ is None:
            return None
        fact = self.deleted[id_] = self.tickets.pop(id_)
        letter = self._letter("ticket.soft_deleted", self._detail(id_, status="DELETED"), {})
        self.provider.delete_ticket(id_, at=second())
        return Happened((letter,), (Gone(fact.thing),))

    def _restore(self) -> Happened | None:
        id_ = self._any(self.deleted)
        if id_ is None:
            return None
        self.provider.restore_ticket(id_, at=second())
        return self._ticket("undeleted", id_, self.deleted.pop(id_))

    def _publish(self) -> Happened:
        id_ = 360_001_000_000 + self.drawn.next("article")
        fact = There((SOURCE, "article", str(id_)), f"article:{id_}", ())
        title, said, fact = self._written(fact)
        self.provider.put_article(id_, title, f"<p>{said}</p>", section=_SECTION, at=second())
        return self._article("published", id_, fact)

    def _unpublish(self) -> Happened | None:
        id_ = self._any(self.articles)
        if id_ is None:
            return None
        fact = self.drafts[id_] = self.articles.pop(id_)
        self.provider.edit_article(id_, at=second(), draft=True)
        return Happened((self._of_article("unpublished", id_),), (Gone(fact.thing),))

    def _publish_again(self) -> Happened | None:
        """With another text."""
        id_ = self._any(self.drafts)
        if id_ is None:
            return None
        title, said, fact = self._written(self.drafts.pop(id_))
        body = f"<p>{said}</p>"
        self.provider.edit_article(
            id_, at=second(), title=title, name=title, body=body, draft=False
        )
        return self._article("published", id_, fact)

    def _written(self, fact: There) -> tuple[str, str, There]:
        text, key = self.drawn.text(), self._other()
        title, said = f"When the board changes days, {text}", says(text, key)
        links = named(linear.SOURCE, key)
        return title, said, replace(fact, words=(title, said), unsaid=fact.words, links=links)

    def _ticket(self, event: str, id_: int, fact: There, **told: Any) -> Happened:
        self.tickets[id_] = fact
        return Happened((self._letter(f"ticket.{event}", self._detail(id_), told),), (fact,))

    def _article(self, event: str, id_: int, fact: There) -> Happened:
        self.articles[id_] = fact
        return Happened((self._of_article(event, id_),), (fact,))

    def _of_article(self, event: str, id_: int) -> Letter:
        detail = {"id": str(id_), "brand_id": "360000000010"}
        return self._letter(f"article.{event}", detail, {})

    def _detail(self, id_: int, **fields: Any) -> dict[str, Any]:
        ticket = self.provider.tickets[id_]
        return {
            "id": str(id_),
            "subject": ticket["subject"],
            "description": ticket["description"],
            "status": str(ticket["status"]).upper(),
            "custom_status": None,
            "priority": None,
            "type": None,
            "tags": [],
            "requester_id": str(_PASSENGER),
            "submitter_id": str(_PASSENGER),
            "assignee_id": None,
            "group_id": None,
            "organization_id": None,
            "brand_id": "360000000010",
            "form_id": None,
            "external_id": None,
            "actor_id": str(_MARIT),
            "is_public": True,
            "via": {"channel": "web_form"},
            "created_at": ticket["created_at"],
            "updated_at": ticket["updated_at"],
            **fields,
        }

    def _letter(self, type_: str, detail: Mapping[str, Any], event: Mapping[str, Any]) -> Letter:
        key = self.drawn.uuid(f"event/{self.drawn.next('delivery')}")
        about = type_.partition(".")[0]
        payload = {
            "type": f"zen:event-type:{type_}",
            "account_id": ACCOUNT,
            "id": key,
            "time": second().replace("Z", ".672717030Z"),
            "zendesk_event_version": "2022-11-06",
            "subject": f"zen:{about}:{detail['id']}",
            "event": dict(event),
            "detail": dict(detail),
        }
        headers = {
            "x-zendesk-account-id": str(ACCOUNT),
            "x-zendesk-webhook-id": "01JBRINDLEFERRIES0000000WH",
            "x-zendesk-webhook-invocation-id": f"inv-{key}",
        }
        return Letter(SOURCE, key, headers, payload)

    def _any(self, of: Mapping[int, There]) -> int | None:
        return self.drawn.chance.choice([*of]) if of else None

    def _other(self) -> str:
        return issue_of_linear(self.drawn.chance.randint(1, 40))
