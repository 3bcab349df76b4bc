"""Tickets: what an event tells, what a look-up sees, and that both say the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ingest.core.bounds import MAX_BODY_CHARS
from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.ranks import Origin, Seen, Told, grounded, rank
from ingest.core.references import Reference, ReferenceKind
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.sources.zendesk.documents import again, documents
from tests.sources.zendesk.deliveries import (
    CONNECTION,
    NOW,
    WITH_NOTES,
    asked,
    body,
    deleted,
    document,
    identity,
    said,
    seen,
    told,
)

_INES, _RUI = 361000000002, 361000000001
_DESCRIPTION = "The lift at Linden Street has been out of order since Sunday."


def _account() -> Zendesk:
    account = make()
    account.subdomain = "halcyon"
    account.put_user(_INES, "Inês Faria", "agent")
    account.put_user(_RUI, "Rui")
    account.put_ticket(4512, "Lift", _DESCRIPTION, by=_RUI, at="2026-03-09T07:40:00Z")
    return account


def _raw(account: Zendesk, id_: int = 4512) -> Any:
    """What a look-up brings."""
    return {
        "ticket": account.tickets[id_],
        "comments": account.comments[id_],
        "users": [*account.users.values()],
    }


def test_a_ticket_that_is_told_has_every_field_of_the_seeds() -> None:
    found = told(body("ticket.status_changed"))
    assert found.identity == identity("ticket", 4512)
    assert found.source_id == "4512"
    assert found.aliases == ("#4512",)
    assert found.title == "Lift out of order at Linden Street"
    assert found.body.startswith(_DESCRIPTION)
    assert found.metadata == {
        "type": "zendesk",
        "kind": "ticket",
        "url": "https://halcyon.zendesk.com/agent/tickets/4512",
        "updatedAt": "2026-03-09T09:00:00Z",
        "ticketId": 4512,
        "status": "solved",
        "priority": "high",
        "ticketType": "problem",
        "assigneeId": 361000000002,
        "submitterId": 361000000001,
        "tags": ["accessibility", "lift"],
    }


def test_what_is_null_or_nobody_is_left_out() -> None:
    payload = body("ticket.created")
    payload["detail"] |= {"assignee_id": "0", "submitter_id": "-1"}
    found = told(payload)
    assert found.metadata.keys().isdisjoint({"priority", "ticketType", "assigneeId"})
    assert found.metadata["submitterId"] == -1
    assert found.metadata["tags"] == []


@pytest.mark.parametrize("tags", [["b", "a", "b"], None, []])
@pytest.mark.parametrize("priority", ["URGENT", None])
def test_an_event_and_a_look_up_say_the_same_of_a_ticket_without_further_comments(
    tags: list[str] | None, priority: str | None
) -> None:
    payload = body("ticket.created")
    payload["detail"] |= {"tags": tags, "priority": priority, "type": "TASK", "status": "HOLD"}
    account = make()
    account.put_ticket(
        4512,
        payload["detail"]["subject"],
        payload["detail"]["description"],
        by=_RUI,
        at="2026-03-09T07:40:00Z",
        tags=[*(tags or [])],
        priority=priority and priority.lower(),
        type="task",
        status="hold",
    )
    by_event, by_look_up = told(payload), document("ticket", 4512, _raw(account))
    assert by_look_up.metadata["commentCount"] == 1
    metadata = {k: v for k, v in by_look_up.metadata.items() if k != "commentCount"}
    assert replace(by_look_up, metadata=metadata) == by_event


def test_a_look_up_adds_the_comments_in_order_with_who_and_when() -> None:
    account = _account()
    account.add_comment(4512, "It moves again.", by=_INES, at="2026-03-09T09:00:00Z")
    account.add_comment(4512, "Thank you!", by=_RUI, at="2026-03-09T09:00:00Z")
    account.comments[4512].reverse()
    found = document("ticket", 4512, _raw(account))
    assert found.body == (
        f"{_DESCRIPTION}\n\n"
        "### Inês Faria, 2026-03-09T09:00:00Z\n\nIt moves again.\n\n"
        "### Rui, 2026-03-09T09:00:00Z\n\nThank you!"
    )
    assert found.metadata["commentCount"] == 3


def test_internal_notes_stay_out_unless_the_connection_wants_them() -> None:
    account = _account()
    at = "2026-03-09T09:00:00Z"
    account.add_comment(4512, "Budget is gone.", by=_INES, at=at, public=False)
    without = document("ticket", 4512, _raw(account))
    assert without.body == _DESCRIPTION
    assert without.metadata["commentCount"] == 1
    with_notes = document("ticket", 4512, _raw(account), WITH_NOTES)
    assert with_notes.body.endswith(f"### Internal note, Inês Faria, {at}\n\nBudget is gone.")
    assert with_notes.metadata["commentCount"] == 2


def test_the_description_of_a_private_ticket_is_a_note_too() -> None:
    assert told(body("ticket.created.private")).body == ""
    assert told(body("ticket.created.private"), WITH_NOTES).body.startswith(_DESCRIPTION)
    account = _account()
    account.comments[4512][0]["public"] = False
    account.add_comment(4512, "Hello!", by=_INES, at="2026-03-09T09:00:00Z")
    found = document("ticket", 4512, _raw(account))
    assert _DESCRIPTION not in found.body
    assert found.body.endswith("Hello!")


def test_a_first_comment_that_is_not_the_description_is_kept() -> None:
    account = _account()
    account.comments[4512][0] |= {"plain_body": "Something else", "body": "Something else"}
    assert document("ticket", 4512, _raw(account)).body.endswith("Something else")


def test_a_comment_without_a_plain_text_is_read_from_its_html() -> None:
    account = _account()
    html = '<p>See <a href="/hc/en-us/articles/5">the <b>help</b></a></p>'
    added = account.add_comment(4512, "x", by=7, at="2026-03-09T09:00:00Z", html=html)
    added["plain_body"] = None
    found = document("ticket", 4512, _raw(account))
    assert found.body.endswith(
        "### user 7, 2026-03-09T09:00:00Z\n\n"
        "See [the **help**](https://halcyon.zendesk.com/hc/en-us/articles/5)"
    )


def test_a_plain_text_has_blanks_for_the_entities_that_zendesk_leaves_in_it() -> None:
    account = _account()
    at = "2026-03-09T09:00:00Z"
    account.add_comment(4512, "Platform&nbsp;2 &amp; 3&nbsp;", by=_INES, at=at)
    assert document("ticket", 4512, _raw(account)).body.endswith("\n\nPlatform 2 &amp; 3")


def test_urls_that_a_plain_text_loses_are_links() -> None:
    account = _account()
    html = '<p>Tracked in <a href="https://linear.app/halcyon/issue/SIG-4">the issue</a></p>'
    at = "2026-03-09T09:00:00Z"
    account.add_comment(4512, "Tracked in the issue", by=_INES, at=at, html=html)
    secret = '<a href="https://example.com/secret">x</a>'
    account.add_comment(4512, "x", by=_INES, at=at, html=secret, public=False)
    found = document("ticket", 4512, _raw(account))
    assert found.links == ("https://linear.app/halcyon/issue/SIG-4",)


def _stated(kind: ReferenceKind, id_: str, field: str) -> Reference:
    thing = Identity("zendesk", "900", "ticket", id_)
    return Reference(kind, "zendesk", f"#{id_}", "field", field, thing=thing)


def test_relations_are_read_from_the_tickets_own_fields() -> None:
    account = _account()
    source: JSON = {"from": {"ticket_id": 31}, "rel": "follow_up"}
    via: JSON = {"channel": "closed_ticket", "source": source}
    account.edit_ticket(
        4512, at="2026-03-09T09:00:00Z", problem_id=30, followup_ids=[41, 40], via=via
    )
    assert document("ticket", 4512, _raw(account)).references == (
        _stated("dependsOn", "30", "problem_id"),
        _stated("relatedTo", "31", "via.source.from.ticket_id"),
        _stated("relatedTo", "40", "followup_ids"),
        _stated("relatedTo", "41", "followup_ids"),
    )
    (follow_up,) = told(body("ticket.created.follow_up")).references
    assert (follow_up.kind, follow_up.key) == ("relatedTo", "#4400")


def test_a_merged_ticket_is_related_to_its_target_which_its_last_comment_names() -> None:
    account = _account()
    said_by_zendesk = 'This request was closed and merged into request #4410 "Lift".'
    account.add_comment(4512, said_by_zendesk, by=_INES, at="2026-03-09T09:00:00Z", public=False)
    assert document("ticket", 4512, _raw(account)).references == ()
    account.edit_ticket(4512, at="2026-03-09T09:00:00Z", tags=["closed_by_merge"])
    (merged,) = document("ticket", 4512, _raw(account)).references
    assert (merged.kind, merged.key) == ("relatedTo", "#4410")
    assert merged.evidence == "merged into request #4410"


@pytest.mark.parametrize(
    "name",
    [
        "ticket.created",
        "ticket.comment_added",
        "ticket.comment_redacted",
        "ticket.attachment_linked_to_comment",
        "ticket.status_changed",
        "ticket.custom_field_changed",
        "ticket.tags_changed",
        "ticket.agent_assignment_changed",
        "ticket.merged",
        "ticket.undeleted",
    ],
)
def test_every_other_event_asks_for_its_ticket_and_tells_what_it_can(name: str) -> None:
    payload = body(name)
    assert asked(payload).identity == identity("ticket", 4512)
    assert told(payload).metadata["updatedAt"] == payload["detail"]["updated_at"]


@pytest.mark.parametrize("suffix", ["sla_policy_changed", "problem_link_changed", "never_heard_of"])
def test_a_type_of_ticket_event_that_is_new_asks_for_its_ticket(suffix: str) -> None:
    payload = body("ticket.created") | {"type": f"zen:event-type:ticket.{suffix}"}
    assert asked(payload).otherwise
    assert said(payload).event["action"] == "ticket.updated"


def test_what_is_new_may_be_slow_to_show() -> None:
    assert asked(body("ticket.created")).patience_s > 0
    assert asked(body("ticket.undeleted")).patience_s > 0
    assert asked(body("ticket.status_changed")).patience_s == 0


def test_a_detail_with_an_id_alone_only_asks() -> None:
    assert asked(body("ticket.created.thin")) == Refresh(
        identity("ticket", 4513), patience_s=asked(body("ticket.created")).patience_s
    )
    payload = body("ticket.created.thin")
    del payload["detail"]
    assert asked(payload).identity == identity("ticket", 4513)


def test_a_ticket_without_a_subject_has_its_number_for_a_title() -> None:
    payload = body("ticket.created")
    for without in ({"subject": None}, {"subject": "", "status": None, "priority": None}):
        payload["detail"] |= without
        assert told(payload).title == "Ticket #4512"
    del payload["detail"]["subject"], payload["detail"]["status"]
    assert told(payload).title == "Ticket #4512"


@pytest.mark.parametrize("name", ["ticket.soft_deleted", "ticket.marked_as_spam"])
def test_a_deletion_counts_at_once_and_is_confirmed(name: str) -> None:
    changes = said(body(name)).changes
    assert isinstance(changes[0], Delete)
    assert not changes[0].final
    assert changes[0].aliases == ("#4512",)
    assert changes[1:] == (Refresh(identity("ticket", 4512)),)


def test_a_deletion_without_a_version_has_the_time_of_its_event() -> None:
    payload = body("ticket.soft_deleted.thin")
    assert deleted(payload).version == 1_773_043_201_000_000
    del payload["time"]
    with pytest.raises(BadPayload, match="time: missing"):
        said(payload)


def test_what_was_deleted_for_good_or_scrubbed_never_returns() -> None:
    for name in ("ticket.permanently_deleted", "ticket.status_changed.scrubbed"):
        assert said(body(name)).asked == ()
        assert deleted(body(name)).final


def test_a_status_that_is_no_more_is_a_deletion_by_whatever_road() -> None:
    payload = body("ticket.status_changed")
    payload["detail"]["status"] = "DELETED"
    assert not deleted(payload).final
    account = _account()
    account.edit_ticket(4512, at="2026-03-09T10:00:00Z", status="deleted")
    assert isinstance(seen("ticket", 4512, _raw(account)), Delete)


def test_a_ticket_in_the_archive_is_a_closed_one() -> None:
    payload = body("ticket.status_changed")
    payload["detail"]["status"] = "ARCHIVED"
    assert told(payload).metadata["status"] == "closed"


def test_digits_below_a_second_do_not_make_an_event_newer_than_the_look_up() -> None:
    payload = body("ticket.created")
    exact = told(payload)
    payload["detail"]["updated_at"] = "2026-03-09T07:40:00.999999999Z"
    assert told(payload) == exact


def test_another_objects_answer_is_refused() -> None:
    with pytest.raises(BadPayload, match=r"ticket\.id"):
        seen("ticket", 4511, _raw(_account()))
    with pytest.raises(BadPayload, match=r"look-up\.ticket: missing"):
        documents(
            Lookup(
                identity("ticket", 4512), raw={"ticket": None}, sent_at=NOW, connection=CONNECTION
            )
        )


def test_every_document_can_be_looked_up_again() -> None:
    found = told(body("ticket.created"))
    assert again(found) == Refresh(found.identity)


# Which of two changes wins, as the ledger ranks them.


def _winner(*ranked: tuple[Change, Origin]) -> Change:
    best: tuple[str, Change] | None = None
    for change, origin in ranked:
        mine = grounded(rank(change, origin), best[0] if best else None)
        best = max(best, (mine, change), key=lambda pair: pair[0]) if best else (mine, change)
    assert best is not None
    return best[1]


def test_a_deletion_in_the_second_of_a_look_up_is_settled_by_the_next() -> None:
    account = _account()
    alive = document("ticket", 4512, _raw(account))
    payload = body("ticket.soft_deleted")
    payload["detail"]["updated_at"] = "2026-03-09T07:40:00Z"
    gone = deleted(payload)
    confirmed = Delete(gone.identity, None)
    for first, second in (((alive, Seen(1)), (gone, Told())), ((gone, Told()), (alive, Seen(1)))):
        assert _winner(first, second, (confirmed, Seen(2))) == confirmed


@pytest.mark.parametrize("restored_at", ["2026-03-09T10:00:00Z", "2026-03-09T10:30:00Z"])
def test_a_restored_ticket_is_back_once_it_is_looked_up(restored_at: str) -> None:
    account = _account()
    gone = deleted(body("ticket.soft_deleted"))
    account.delete_ticket(4512, at="2026-03-09T10:00:00Z")
    account.restore_ticket(4512, at=restored_at)
    back = document("ticket", 4512, _raw(account))
    assert _winner((gone, Told()), (back, Seen(5))) == back
    assert _winner((back, Seen(5)), (gone, Told())) == back


def test_without_a_token_the_newest_event_wins_in_any_order() -> None:
    names = ("ticket.created", "ticket.comment_added", "ticket.status_changed", "ticket.merged")
    changes: list[tuple[Change, Origin]] = [(told(body(name)), Told()) for name in names]
    assert _winner(*changes) == _winner(*reversed(changes)) == changes[-1][0]
    gone = deleted(body("ticket.soft_deleted"))
    assert _winner((gone, Told()), *changes) == _winner(*changes, (gone, Told())) == gone
    back = told(body("ticket.undeleted"))
    assert _winner((back, Told()), *changes, (gone, Told())) == back


def test_who_wrote_a_comment_counts_as_text_too() -> None:
    """Bug: a name of a mebibyte stood above each of a ticket's many short comments."""
    account = _account()
    account.put_user(_RUI, "x" * MAX_BODY_CHARS)
    raw = _raw(account)
    (first,) = raw["comments"]
    raw["comments"] += [first | {"id": n, "plain_body": "Hm."} for n in range(10**6, 10**6 + 40)]
    (found,) = documents(
        Lookup(identity("ticket", 4512), raw=raw, sent_at=NOW, connection=CONNECTION)
    )
    assert isinstance(found, Upsert)
    assert len(found.body) < 3 * MAX_BODY_CHARS
    assert "cut here: 39 more comments" in found.body


def test_html_that_says_nothing_counts_as_text_too() -> None:
    """Bug: each comment of a ticket was converted, for seconds, while nothing came of it."""
    raw = _raw(_account())
    (first,) = raw["comments"]
    empty = {"plain_body": None, "html_body": "<!--" + "x" * MAX_BODY_CHARS + "-->"}
    raw["comments"] += [first | empty | {"id": n} for n in range(10**6, 10**6 + 40)]
    (found,) = documents(
        Lookup(identity("ticket", 4512), raw=raw, sent_at=NOW, connection=CONNECTION)
    )
    assert isinstance(found, Upsert)
    assert "cut here: 39 more comments" in found.body
