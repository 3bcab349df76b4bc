"""What is looked up, and the law that a look-up says of an object what a whole payload says."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.ranks import Seen, rank
from ingest.core.references import Reference, ReferenceKind
from ingest.core.times import parse_time
from ingest.sources.linear import SOURCE
from tests.sources.linear.deliveries import NAMES, asked, body, identity, said, upsert
from tests.sources.linear.looking import looking, organization, seen

_ISSUE = "4a02d522-1133-560b-b70c-7a6dcd1077f3"
_LATER = datetime(2026, 3, 9, tzinfo=UTC)

_TOLD = [
    name
    for name in NAMES
    if any(isinstance(change, Upsert) for change in said(body(name)).untokened)
]
# Payloads of 2021, and what no payload tells: there the look-up says more.
_LESS = ("old", "on_initiative_update", "on_project_update", "elsewhere", "Initiative.update")
_WHOLE = [name for name in _TOLD if not any(part in name for part in _LESS)]


@pytest.mark.parametrize("name", _WHOLE)
def test_a_look_up_says_of_an_object_what_its_payload_says(name: str) -> None:
    payload = body(name)
    linear = organization()
    linear.learn(payload["type"], payload["data"], payload.get("url"))
    told = upsert(payload)
    with looking(linear) as look:
        assert look.upsert(told.identity.kind, told.identity.id) == told


@pytest.mark.parametrize("name", _TOLD)
def test_what_is_told_without_a_look_up_is_what_a_look_up_says(name: str) -> None:
    """The law by which told and looked-up documents may follow each other in any order."""
    payload = body(name)
    linear = organization()
    linear.learn(payload["type"], payload["data"], payload.get("url"))
    with looking(linear) as look:
        for change in said(payload).told:
            assert look.change(change.identity.kind, change.identity.id) == change


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("Issue.") and n in _TOLD])
def test_every_event_of_a_living_issue_is_a_look_up(name: str) -> None:
    payload = body(name)
    refresh = asked(payload)
    assert refresh.identity == identity("issue", payload["data"]["id"])
    assert refresh.hint == {"teamIds": [payload["data"]["teamId"]]}
    assert refresh.otherwise == (upsert(payload),)
    assert refresh.patience_s > 0


def test_an_unheard_of_action_is_a_look_up_even_where_the_object_is_not_whole() -> None:
    payload = body("Issue.restore")
    del payload["data"]["title"]
    refresh = asked(payload)
    assert refresh.identity == identity("issue", _ISSUE)
    assert refresh.otherwise == ()
    payload = body("Comment.create")
    payload["action"] = "resolve"
    assert asked(payload).otherwise == (upsert(body("Comment.create")),)


@pytest.mark.parametrize("name", ["Attachment.create", "Attachment.remove"])
def test_a_link_set_or_taken_away_asks_for_its_issue(name: str) -> None:
    assert asked(body(name)) == Refresh(identity("issue", _ISSUE))


def test_a_link_moved_to_another_issue_asks_for_both() -> None:
    payload = body("Attachment.update.moved")
    issues = [payload["data"]["issueId"], payload["data"]["originalIssueId"]]
    assert said(payload).changes == tuple(Refresh(identity("issue", id_)) for id_ in issues)


def _issue(**fields: Any) -> Any:
    linear = organization()
    payload = body("Issue.update")
    linear.learn("Issue", {**payload["data"], **fields})
    for number in (7, 8, 9):
        linear.put("issue", id=f"issue-{number}", identifier=f"SIG-{number}", title="Another")
    return linear


def _stated(kind: ReferenceKind, number: int, field: str) -> Reference:
    thing = identity("issue", f"issue-{number}")
    return Reference(kind, "linear", f"SIG-{number}", "field", field, thing=thing)


def test_relations_are_read_from_both_ends() -> None:
    linear = _issue(parentId="issue-9")
    linear.relate("issue-7", "blocks", _ISSUE)
    linear.relate(_ISSUE, "blocks", "issue-8")
    linear.relate(_ISSUE, "duplicate", "issue-8")
    linear.relate("issue-9", "related", _ISSUE)
    linear.relate("issue-7", "similar", _ISSUE)
    linear.relate(_ISSUE, "related", _ISSUE)
    with looking(linear) as look:
        change = look.upsert("issue", _ISSUE)
    assert change.references == (
        _stated("blockedBy", 7, "blocks"),
        _stated("relatedTo", 8, "duplicate"),
        _stated("relatedTo", 9, "parent"),
    )
    assert change.frontmatter is not None
    assert change.frontmatter["parentId"] == "issue-9"


def test_attachments_are_links_and_leave_with_their_attachment() -> None:
    linear = _issue()
    pull, error = "https://github.com/halcyon/web/pull/78", "https://halcyon.sentry.io/issues/5/"
    linear.attach(_ISSUE, pull, "Widen the filter")
    linear.attach(_ISSUE, error, "WEB-1A")
    linear.attach("issue-7", "https://example.test/", "elsewhere")
    with looking(linear) as look:
        assert look.upsert("issue", _ISSUE).links == (pull, error)
        linear.detach(_ISSUE, error)
        assert look.upsert("issue", _ISSUE).links == (pull,)


def test_what_the_token_may_not_see_within_an_issue_is_left_out() -> None:
    payload = body("Issue.create")["data"]
    raw = {
        **payload,
        "labels": {"nodes": [None, {"name": "bug"}]},
        "relations": {"nodes": [None, {"type": "related", "relatedIssue": None}]},
        "attachments": {"nodes": [None]},
    }
    change = seen("issue", payload["id"], raw)
    assert isinstance(change, Upsert)
    assert change.metadata["labels"] == ["bug"]
    assert (change.references, change.links) == ((), ())


def test_a_trashed_issue_is_seen_as_deleted_and_its_restoration_lifts_it() -> None:
    linear = _issue()
    with looking(linear) as look:
        before = look.upsert("issue", _ISSUE)
        linear.trash("issue", _ISSUE, _LATER)
        gone = look.delete("issue", _ISSUE)
        linear.restore("issue", _ISSUE, _LATER)
        after = look.upsert("issue", _ISSUE)
    assert (gone.identity, gone.version, gone.final) == (before.identity, before.version, False)
    assert gone.version is not None
    assert after.version > gone.version


def test_an_archived_issue_stays_and_an_archived_update_is_gone() -> None:
    linear = _issue(archivedAt="2026-03-09T00:00:00.000Z")
    payload = body("ProjectUpdate.create")
    linear.learn("ProjectUpdate", payload["data"], payload["url"])
    linear.objects["projectUpdate"][payload["data"]["id"]]["archivedAt"] = "2026-03-09T00:00:00Z"
    with looking(linear) as look:
        assert look.upsert("issue", _ISSUE).frontmatter
        assert not look.delete("project_update", payload["data"]["id"]).final


def test_an_answer_about_another_object_is_refused() -> None:
    raw = body("Issue.create")["data"]
    with pytest.raises(BadPayload) as refused:
        seen("issue", "another", raw)
    assert refused.value.path == "data.id"
    with pytest.raises(BadPayload):
        seen("cycle", raw["id"], raw)


@pytest.mark.parametrize("name", _TOLD)
def test_every_document_can_be_asked_again(name: str) -> None:
    told = upsert(body(name))
    refresh = SOURCE.again(told)
    assert refresh is not None
    assert (refresh.identity, refresh.otherwise) == (told.identity, ())
    assert refresh.hint == ({"teamIds": sorted(told.labels)} if told.labels else {})


def _ends(order: tuple[str, ...], state: Change) -> Change:
    """What stands after these deliveries with a token, where each look-up sees the state."""
    ranked: list[tuple[str, Change]] = []
    for fence, name in enumerate(order):
        result = said(body(name))
        ranked += [(rank(change), change) for change in result.told]
        ranked += [(rank(state, Seen(fence)), state) for _ in result.asked]
    return max(ranked, key=lambda one: one[0])[1]


def test_with_a_token_every_order_of_an_issues_events_ends_in_what_was_looked_up() -> None:
    linear = organization()
    linear.learn("Issue", body("Issue.update.restored")["data"])
    linear.attach(_ISSUE, "https://github.com/halcyon/web/pull/78", "Widen the filter")
    with looking(linear) as look:
        state = look.upsert("issue", _ISSUE)
    assert state.links
    names = ["Issue.create", "Issue.update", "Issue.remove", "Issue.update.restored"]
    for order in permutations([*names, "Attachment.create"]):
        assert _ends(order, state) == state


def test_a_trashed_issue_stays_gone_in_every_order_with_a_token() -> None:
    linear = organization()
    linear.learn("Issue", body("Issue.update")["data"])
    at = parse_time(str(body("Issue.remove")["data"]["archivedAt"]))
    linear.trash("issue", _ISSUE, at)
    with looking(linear) as look:
        state = look.delete("issue", _ISSUE)
    for order in permutations(["Issue.create", "Issue.update", "Issue.remove"]):
        assert isinstance(_ends(order, state), Delete)
